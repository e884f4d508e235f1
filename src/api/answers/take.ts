import type { FastifyBaseLogger } from "fastify";
import { type Answer, answerTo, type OwnPurpose } from "../../core/answer.ts";
import type { Answered, Answerer } from "../../core/answered.ts";
import type { Instant } from "../../core/instant.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Moment } from "../../core/lifecycle.ts";
import { type Beside, leftTo } from "../../core/not-me.ts";
import { type DeliveryKey, deliveryId, type ReminderRecord } from "../../core/reminder.ts";
import { RuleError } from "../../core/schedule/rule-error.ts";
import type { AnswerLink } from "../../secrets/answer-token.ts";
import { type GivenAnswer, keepAnswer, readAnswer, undoAnswer } from "../../store/answers.ts";
import { readCalendarTexts } from "../../store/calendars.ts";
import { recordDone } from "../../store/done.ts";
import { lastOutcome } from "../../store/ledger.ts";
import { readMoment } from "../../store/moment.ts";
import { OPT_OUT_KINDS, type OptOutName, putOptOut, takeBackOptOuts } from "../../store/opt-outs.ts";
import { isHeldElsewhere } from "../../store/postgres.ts";
import { QuotaReached } from "../../store/quota.ts";
import { KeyIsTaken } from "../../store/reminders.ts";
import type { TenantDatabase, TenantSql } from "../../store/tenant-database.ts";
import { writeChange } from "../change-reminder.ts";
import { policyOf, readNamedPolicies } from "../new-reminder.ts";
import { type Asked, stillStands } from "./asked.ts";
import { isDone } from "./overturned.ts";
import { type NothingToAsk, readAsked } from "./read-asked.ts";
import { isSomebodyElsesByNow, placeOf } from "./whose.ts";
import type { Wish } from "./wish.ts";

/** What became of a press of a button. */
export type Taken =
  | ({ kind: "over" } & NothingToAsk)
  | { kind: "wrong"; asked: Asked; why: Extract<Wish, { kind: "wrong" }>["why"] }
  /** It was answered, now or before; `given` null: there was nothing to be kept, it was so already. */
  | { kind: "answered"; asked: Asked; given: GivenAnswer | null }
  /** What was answered before holds no more, and nobody was told that yet who pressed: nothing was done. */
  | { kind: "overturned"; asked: Asked }
  /** What was answered before was taken back, now or then. `isNotTheirs`: that it isn't theirs they have said as well, and that stays. */
  | { kind: "undone"; asked: Asked; isNotTheirs?: boolean }
  | { kind: "refused"; asked: Asked; why: "done" | "paused" | "other" | "busy" | "not_allowed" };

/** How an answer came here, where it wasn't by the page of its link. */
export interface Came {
  /** What else the timeline is to say of it. */
  details: JsonObject;
  /** Who has answered, where more is known of that than whom the message was for. */
  who?: string;
  /** True where it was said in words, which may be said again. */
  isInWords?: boolean;
}

const BY_PAGE: Came = { details: {} };

/** By whose link something was answered, for timelines and the audit. */
export function nameOfLink(key: DeliveryKey): string {
  return `answer link of ${deliveryId(key)}`;
}

/**
 * Does what was wanted, with what `noteWithin` writes, in one transaction under the reminder's row lock. The same again does nothing more, however
 * many come at once.
 */
export async function takeAnswer(
  database: TenantDatabase,
  link: AnswerLink<OwnPurpose>,
  wishOf: (asked: Asked) => Wish,
  noteWithin: (sql: TenantSql, taken: Taken) => Promise<void>,
  came: Came = BY_PAGE,
): Promise<Taken> {
  let asked: Asked | undefined;
  try {
    return await database.transaction(async (sql) => {
      const found = await readAsked(sql, link, { lock: true });
      if ("over" in found) return { kind: "over", ...found };
      asked = found;
      const taken = await take(sql, found, wishOf(found), came);
      await noteWithin(sql, taken);
      return taken;
    });
  } catch (error) {
    if (asked === undefined) throw error;
    if (isHeldElsewhere(error)) return { kind: "refused", asked, why: "busy" };
    // Another reminder has taken its place, or there are as many as there may be.
    if (error instanceof KeyIsTaken || error instanceof QuotaReached || error instanceof RuleError)
      return { kind: "refused", asked, why: "other" };
    throw error;
  }
}

async function take(sql: TenantSql, asked: Asked, wish: Wish, came: Came): Promise<Taken> {
  const { former } = asked;
  if (wish.kind === "wrong") return { kind: "wrong", asked, why: wish.why };
  if (wish.kind === "undo") return undo(sql, asked, came);
  if (!came.isInWords && !wish.isKnowing && asked.isOverturned) return { kind: "overturned", asked };
  const holds = former !== null && !asked.isOverturned && stillStands(asked, former);
  if (!came.isInWords && holds && former.choice === wish.choice) return { kind: "answered", asked, given: former };
  if (wish.answer.kind === "not_me" && wish.answer.to !== null && !asked.reminder.allowsReassign)
    return { kind: "refused", asked, why: "not_allowed" };
  if (wish.answer.kind === "not_me" && isSomebodyElsesByNow(asked, wish.answer, wish.reachedAt))
    return { kind: "refused", asked, why: isDone(asked.reminder) ? "done" : "other" };
  const given = beside(asked, wish.answer);
  const done = await answer(sql, asked, given, came);
  if (done.kind === "refused") return { kind: "refused", asked: done.asked, why: whyRefused(done.asked.reminder) };
  if (done.kind === "no_longer_theirs")
    return { kind: "refused", asked, why: isDone(asked.reminder) ? "done" : "other" };
  const others = given.kind === "not_me" ? leftTo(asked.reminder, given) : null;
  const [address, scope] =
    given.kind === "stop" ? [given.address, given.scope] : ([others?.address ?? null, "reminder"] as const);
  if (address !== null) await putOptOut(sql, { ...optOutOf(asked, address, scope), createdBy: nameOfLink(asked.link) });
  // What no link is for can't be pressed again, nor taken back.
  if (wish.answer.kind === "away" || wish.answer.kind === "said")
    return { kind: "answered", asked: done.asked, given: null };
  const { expiresAt } = asked.link;
  const outcome: JsonObject = { ...outcomeOf(given, others), was_so: done.kind === "unchanged" };
  const kept = await keepAnswer(sql, asked.link, { choice: wish.choice, outcome, expiresAt });
  return { kind: "answered", asked: done.asked, given: kept };
}

/** An answer, and who else has the reminder: to say that it isn't theirs is one person's word, and takes it from nobody else. */
function beside(asked: Asked, given: Answer): Answer {
  const { isOwn, recipient: address } = asked;
  if (given.kind !== "not_me") return given;
  if (!isOwn) return { ...given, beside: { kind: "escalated", address } };
  const person = placeOf(asked);
  return person === null ? given : { ...given, beside: { kind: "recipients", person, address } };
}

/** Takes back what can be: that it was put off, if nobody has said anything else since, and that nothing more is wanted. */
async function undo(sql: TenantSql, asked: Asked, came: Came): Promise<Taken> {
  const { former, reminder, link } = asked;
  const canBe = link.purpose === "snooze" || link.purpose === "promise" || link.purpose === "stop";
  if (former === null || !canBe) return { kind: "wrong", asked, why: "purpose" };
  if (former.undoneAt !== null) return { kind: "undone", asked };
  if (link.purpose === "stop") {
    // Both, where somebody pressed the page's button and their mail program's.
    const { channel, recipient } = asked;
    const whose = { channel, address: recipient ?? "", createdBy: nameOfLink(link) };
    const leftAt = await whenLeft(sql, link);
    const isNotTheirs = leftAt !== null;
    const keeps = isNotTheirs ? { about: String(reminder.id), until: leftAt } : null;
    const kinds = await takeBackOptOuts(sql, { ...whose, keeps });
    const said = OPT_OUT_KINDS.filter((kind) => kinds.includes(kind));
    let now = asked;
    for (const scope of said.length > 0 ? said : ([former.choice === "reminder" ? "reminder" : "event_type"] as const))
      ({ asked: now } = await answer(sql, now, { kind: "start", scope }, came));
    return { kind: "undone", asked: { ...now, former: await undoAnswer(sql, link) }, isNotTheirs };
  }
  if (reminder.silence?.until === former.outcome.until) {
    const done = await answer(sql, asked, { kind: "wake" }, came);
    if (done.kind === "refused") return { kind: "refused", asked, why: whyRefused(reminder) };
    return { kind: "undone", asked: { ...done.asked, former: await undoAnswer(sql, link) } };
  }
  return { kind: "refused", asked, why: "other" };
}

/** Since when it isn't sent to whoever got a message any more because they have said that it isn't theirs; null: it is. */
async function whenLeft(sql: TenantSql, link: DeliveryKey): Promise<Instant | null> {
  const said = await readAnswer(sql, { ...link, purpose: "not_me" });
  return said?.outcome.goes_on === "without them" ? said.answeredAt : null;
}

async function answer(
  sql: TenantSql,
  asked: Asked,
  given: Answer,
  came: Came,
): Promise<{ kind: Answered["kind"] | "no_longer_theirs"; asked: Asked }> {
  const { reminder, link, recipient, contact } = asked;
  const who = came.who ?? recipient ?? contact?.name ?? "somebody";
  const by = { who, details: { answer: link.purpose, by: nameOfLink(link), ...came.details } };
  // Of several people each does theirs. Who got it besides, as a manager, speaks for all.
  if (given.kind === "done" && reminder.people.recipients !== null) {
    const done = await recordDone(sql, reminder.id, placeOf(asked) ?? asked.person ?? recipient);
    if (done.kind === "done")
      return { kind: done.isNew ? "changed" : "unchanged", asked: { ...asked, reminder: done.reminder } };
    // It was theirs once: by now somebody else is in their place, for whom they can't speak.
    if (done.kind === "nobody" && asked.isOwn) return { kind: "no_longer_theirs", asked };
  }
  const { kind, reminder: written } = await recordAnswer(sql, reminder, given, by, await momentOf(sql, asked));
  return { kind, asked: { ...asked, reminder: written } };
}

/**
 * Writes what an answer does to a reminder that is locked: the one place where what people say of their reminders is taken, whoever
 * passes it on. Throws `KeyIsTaken` and `QuotaReached`.
 */
export async function recordAnswer(
  sql: TenantSql,
  reminder: ReminderRecord,
  given: Answer,
  by: Answerer,
  moment: Moment,
): Promise<{ kind: Answered["kind"]; reminder: ReminderRecord }> {
  const answered = answerTo(reminder, given, by, moment);
  const isToBeWritten = answered.kind === "changed" || answered.kind === "noted";
  return { kind: answered.kind, reminder: isToBeWritten ? await writeChange(sql, reminder, answered) : reminder };
}

/** What an answer to a reminder goes by beside its row. */
export async function momentOf(sql: TenantSql, { reminder, now }: Pick<Asked, "reminder" | "now">): Promise<Moment> {
  const names = reminder.business ? [reminder.business.calendar] : [];
  const policies = await readNamedPolicies(sql, reminder.people.policy === null ? [] : [reminder.people.policy]);
  return {
    now,
    lastOutcome: await lastOutcome(sql, reminder.id),
    contactZone: reminder.timeZone === null ? (await readMoment(sql, [reminder], [])).zoneOf(reminder) : null,
    calendars: await readCalendarTexts(sql, names),
    policy: policyOf(reminder, policies),
  };
}

function optOutOf({ channel, reminder }: Asked, address: string, kind: OptOutName["kind"]): OptOutName {
  return { channel, address, kind, about: kind === "reminder" ? String(reminder.id) : reminder.eventType };
}

function outcomeOf(answer: Answer, others: Beside | null): JsonObject {
  switch (answer.kind) {
    case "snooze":
    case "promise":
      return { until: answer.until };
    case "not_me":
      return { to: answer.to, ...(others ? { goes_on: others.address === null ? "as before" : "without them" } : {}) };
    case "stop":
      return { scope: answer.scope };
    default:
      return {};
  }
}

function whyRefused({ status }: ReminderRecord): "done" | "paused" {
  return status === "PAUSED" ? "paused" : "done";
}

/** Whoever reads the log learns that somebody has to see to it. */
export function tellOperator(log: Pick<FastifyBaseLogger, "warn">, taken: Taken): void {
  if (taken.kind !== "answered") return;
  const { id: reminder, needsAttention: reason } = taken.asked.reminder;
  if (reason !== null) log.warn({ reminder, reason }, "a reminder needs a person");
}

/** What the audit says of it. */
export function detailsOf(taken: Taken): JsonObject {
  if (taken.kind === "over") return {};
  const { link } = taken.asked;
  const about = { answer: link.purpose, reminder: link.reminderId };
  switch (taken.kind) {
    case "answered":
      return { ...about, ...(taken.given ? { choice: taken.given.choice } : {}) };
    case "undone":
      return { ...about, undone: true };
    case "overturned":
      return { ...about, refused: "overturned" };
    default:
      return { ...about, refused: taken.why };
  }
}
