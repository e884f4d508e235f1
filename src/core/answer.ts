import { alsoSaid, without } from "./attention.ts";
import { flagKey } from "./flag-key.ts";
import {
  type Change,
  changed,
  comeBackLast,
  hindrance,
  type Moment,
  NOTHING_DUE,
  regularNext,
  type Transition,
} from "./lifecycle.ts";
import { afterLastOccurrence } from "./occurrence.ts";
import { personOf } from "./people.ts";
import type { CompletionReason, DoneMeans, Instant, JsonObject, ReminderRecord } from "./reminder.ts";
import { isSameJson } from "./same-json.ts";
import { owedAfterSilence, type Silence } from "./silence.ts";

/** What the link in a message is for: one thing each. `why` only tells. */
export const PURPOSES = ["done", "snooze", "promise", "not_me", "stop", "why"] as const;
export type Purpose = (typeof PURPOSES)[number];

/** What somebody answers to a message. */
export type Answer =
  | { kind: "done" }
  | { kind: "snooze"; until: Instant }
  /** They do it by then: an acknowledgement with an end. */
  | { kind: "promise"; until: Instant }
  /** They take back that they have put it off. */
  | { kind: "wake" }
  /** It isn't theirs; `to` names whose it is, in the channel's own form; null: they don't say. `beside`: nobody, unless given. */
  | { kind: "not_me"; to: string | null; beside?: Beside }
  /** `address` is to get no more of it, or of its event type. */
  | { kind: "stop"; address: string; scope: "reminder" | "event_type" }
  /** They take that back. */
  | { kind: "start"; scope: "reminder" | "event_type" }
  /** They are out of office, as their mail program says; null: it doesn't say until when. */
  | { kind: "away"; until: Instant | null }
  /** They say something that only a person can read. */
  | { kind: "said"; words: string };

/** Who else has it: the other recipients, where `person` is one of them, or whom it had gone to before it was escalated. */
export type Beside = { kind: "recipients"; person: string } | { kind: "escalated" };

/** What becomes of it. `noted`: the reminder stays as it is, its timeline says what was answered, and a flag may have to be set. */
export type Answered = Transition | { kind: "noted"; change: Change; flagKey: string | null };

/** Who answers, as it is told in the timeline. */
export interface Answerer {
  /** Like `ann@example.com`, or `somebody`. */
  who: string;
  /** What else is kept of it. */
  details: JsonObject;
}

/**
 * What an answer does to a reminder. Pure, and the same again changes nothing. Throws a `RuleError` where a rule that can't be read
 * would have to be asked.
 */
export function answerTo(reminder: ReminderRecord, answer: Answer, by: Answerer, moment: Moment): Answered {
  switch (answer.kind) {
    case "done":
      return sayDone(reminder, by, moment);
    case "snooze":
      return silenced(reminder, { until: answer.until, by: "snooze" }, by);
    case "promise":
      return silenced(reminder, { until: answer.until, by: "acknowledgement" }, by);
    case "wake":
      return woken(reminder, by, moment);
    case "not_me":
      return declined(reminder, answer, by, moment);
    case "stop":
      return stopped(reminder, answer, by);
    case "start":
      return wantedAgain(reminder, answer.scope, by);
    case "away":
      return away(reminder, answer.until, by);
    case "said":
      return said(reminder, answer.words, by);
  }
}

/** What is done when somebody says that it is. A flag can only be set where the stop condition is one. */
export function doneMeans({
  doneMeans,
  stopCondition,
}: Pick<ReminderRecord, "doneMeans" | "stopCondition">): DoneMeans {
  const hasFlag = stopCondition?.type === "db_check" && stopCondition.value !== null;
  return hasFlag ? (doneMeans ?? "flag") : "complete";
}

function sayDone(reminder: ReminderRecord, { who, details }: Answerer, { now }: Moment): Answered {
  // One that has only ended, as nothing more was due, may still be done.
  const hindered = hasOnlyEnded(reminder) ? null : hindrance("done", reminder);
  if (hindered) return hindered;
  const value = reminder.stopCondition?.value ?? null;
  if (doneMeans(reminder) === "flag" && value !== null) {
    const key = flagKey(value, reminder);
    const change = { type: "done", because: `${who} said that it is done: the flag "${key}" is set`, details };
    return { kind: "noted", change, flagKey: key };
  }
  const done: ReminderRecord = {
    ...{ ...reminder, status: "COMPLETED", completionReason: "done", completedAt: now, needsAttention: null },
    ...NOTHING_DUE,
    silence: null,
  };
  const kept = hasOnlyEnded(reminder) ? { ...done, completedAt: reminder.completedAt } : done;
  return changed(kept, "completed", `${who} said that it is done`, { ...details, reason: "done" });
}

/** Why a reminder may be COMPLETED without the thing being done: nothing more was due. */
const ONLY_ENDED: ReadonlySet<CompletionReason | null> = new Set([
  "one_time_sent",
  "max_occurrences",
  "schedule_ended",
  "policy_ended",
  "delivery_failed",
  "delivery_unknown",
]);

/** True for one that is COMPLETED without being done: it may begin again, and may still be said to be done. */
export function hasOnlyEnded({
  status,
  completionReason,
  deletedAt,
}: Pick<ReminderRecord, "status" | "completionReason" | "deletedAt">): boolean {
  return status === "COMPLETED" && ONLY_ENDED.has(completionReason) && deletedAt === null;
}

/** The same reminder, ACTIVE again where it had only ended; null where it is done. */
function begunAgain(reminder: ReminderRecord): ReminderRecord | null {
  if (reminder.status !== "COMPLETED") return reminder;
  if (!hasOnlyEnded(reminder)) return null;
  return { ...reminder, status: "ACTIVE", completionReason: null, completedAt: null };
}

const isDone = { kind: "refused", because: "it is done" } as const;

function silenced(reminder: ReminderRecord, silence: Silence, { who, details }: Answerer): Answered {
  const hindered = hindrance(silence.by === "snooze" ? "snooze" : "acknowledge", reminder);
  if (hindered) return hindered;
  const active = begunAgain(reminder);
  if (active === null) return isDone;
  const { silence: former } = active;
  if (former?.until === silence.until && former.by === silence.by) return { kind: "unchanged" };
  const until = new Date(silence.until).toISOString();
  const [type, did] = silence.by === "snooze" ? ["snoozed", "snoozed it"] : ["acknowledged", "promised to do it"];
  const nextRunAt = afterLastOccurrence(silence.until, active);
  const silent = { ...active, silence: { ...silence, until: nextRunAt }, nextRunAt, nextWallAt: null };
  return changed(silent, type, `${who} ${did}: nothing is sent before ${until}, and it is due then`, {
    ...details,
    until,
  });
}

/**
 * Nobody is nagged before they are back. Where others get it too, or come after them by a policy, it goes on: it isn't theirs
 * alone to put off, and no person has asked for it.
 */
function away(reminder: ReminderRecord, until: Instant | null, { who, details }: Answerer): Answered {
  const day = until === null ? "" : ` until ${new Date(until).toISOString()}`;
  const because = `${who} is out of office${day}`;
  const told = until === null ? details : { ...details, until: new Date(until).toISOString() };
  const { status, nextRunAt, people } = reminder;
  const isTheirs = people.recipients === null && people.policy === null;
  const isDueBefore = status === "ACTIVE" && nextRunAt !== null && until !== null && nextRunAt < until;
  const silent = isTheirs && isDueBefore ? silenced(reminder, { until, by: "snooze" }, { who, details: told }) : null;
  if (silent?.kind !== "changed")
    return { kind: "noted", change: { type: "out_of_office", because, details: told }, flagKey: null };
  const change = {
    ...silent.change,
    type: "out_of_office",
    because: `${because}: nothing is sent before, and it is due then`,
  };
  return { ...silent, change };
}

/** Characters that a reminder's own row keeps of such words; its timeline has each of them. */
const LONGEST_ATTENTION = 1_000;

/** Who waits for an answer in words gets none from us: somebody must read it. */
function said(reminder: ReminderRecord, words: string, { who, details }: Answerer): Answered {
  const because = `${who} answered: “${words}”`;
  const change = { type: "replied", because, details };
  const needsAttention = alsoSaid(reminder.needsAttention, because);
  const isDone = reminder.status === "COMPLETED" && !hasOnlyEnded(reminder);
  if (reminder.deletedAt !== null || isDone || needsAttention.length > LONGEST_ATTENTION)
    return { kind: "noted", change, flagKey: null };
  return { kind: "changed", reminder: { ...reminder, needsAttention }, change };
}

function woken(reminder: ReminderRecord, { who, details }: Answerer, moment: Moment): Answered {
  const hindered = hindrance("wake", reminder);
  if (hindered) return hindered;
  if (owedAfterSilence(reminder) === null) return { kind: "unchanged" };
  const awake = asIfNever(reminder, moment);
  const what = reminder.silence?.by === "snooze" ? "the snooze" : "the promise";
  const next =
    awake.nextRunAt === null ? "nothing more is due" : `it is due at ${new Date(awake.nextRunAt).toISOString()}`;
  return changed(awake, "woken", `${who} took back ${what}; ${next}`, details);
}

/** As it would stand if nobody had put it off. */
function asIfNever(reminder: ReminderRecord, moment: Moment): ReminderRecord {
  const { now, lastOutcome } = moment;
  const { schedule, bounds, occurrenceCount, runAt } = reminder;
  const plain: ReminderRecord = { ...reminder, silence: null, ...NOTHING_DUE };
  const { maxOccurrences } = bounds;
  const hasFired = occurrenceCount > 0;
  const isOnce = schedule.type === "one_time";
  if (isOnce && !hasFired) return { ...plain, nextRunAt: runAt !== null && runAt > now ? runAt : now };
  const isLast = isOnce || (maxOccurrences !== null && occurrenceCount >= maxOccurrences);
  const next = isLast ? null : regularNext(plain, runAt, moment);
  if (next !== null) return { ...plain, ...next };
  if (hasFired) return comeBackLast(plain, now, lastOutcome);
  return { ...plain, status: "COMPLETED", completionReason: "schedule_ended", completedAt: now };
}

/** True where a reminder goes on as it is, for others, though somebody has said that it isn't theirs. */
export function isLeftToOthers(
  { people: { recipients } }: Pick<ReminderRecord, "people">,
  { to, beside }: Extract<Answer, { kind: "not_me" }>,
): boolean {
  if (beside?.kind === "escalated") return true;
  return beside?.kind === "recipients" && to === null && recipients !== null && recipients.length > 1;
}

function declined(
  reminder: ReminderRecord,
  answer: Extract<Answer, { kind: "not_me" }>,
  { who, details }: Answerer,
  { now }: Moment,
): Answered {
  const hindered = hindrance("decline", reminder);
  if (hindered) return hindered;
  const active = begunAgain(reminder);
  if (active === null) return isDone;
  if (isLeftToOthers(reminder, answer)) return leftToOthers(reminder, answer, { who, details });
  const { to, beside } = answer;
  if (to === null) return leftAlone(reminder, { who, details });
  if (!reminder.allowsReassign)
    return { kind: "refused", because: "nobody else may be named: allow_reassign is false" };
  if (beside?.kind === "recipients") return handedOn(reminder, active, { ...beside, to }, { who, details }, now);
  if (reminder.recipient === to) return { kind: "unchanged" };
  const nextRunAt = afterLastOccurrence(now, active);
  const theirs: ReminderRecord = {
    ...{ ...active, recipient: to, silence: null },
    // One that is paused still has to be resumed by somebody.
    needsAttention: active.status === "PAUSED" ? active.needsAttention : null,
    // They haven't heard of it yet.
    ...(active.status === "ACTIVE" ? { nextRunAt, nextWallAt: null } : {}),
  };
  return changed(theirs, "reassigned", `${who} said that it isn't theirs, and named ${to}`, { ...details, to });
}

/** One of several isn't the one: the others are reminded as before, and somebody is told that there may be one too few. */
function leftToOthers(
  reminder: ReminderRecord,
  { to, beside }: Extract<Answer, { kind: "not_me" }>,
  { who, details }: Answerer,
): Answered {
  const named = to === null ? "" : `, and named ${to}`;
  const then =
    beside?.kind === "recipients" ? "; put somebody in their place, or leave them out of its recipients" : "";
  const because = `${who} said that it isn't theirs${named}: they get no more of it${then}`;
  const needsAttention = alsoSaid(without(reminder.needsAttention, because), because);
  const told = needsAttention.length > LONGEST_ATTENTION ? reminder.needsAttention : needsAttention;
  return changed({ ...reminder, needsAttention: told }, "declined", because, { ...details, ...(to ? { to } : {}) });
}

/** Whoever is named takes the place of one of the recipients. The others aren't reminded again because of that. */
function handedOn(
  reminder: ReminderRecord,
  active: ReminderRecord,
  { person, to }: { person: string; to: string },
  { who, details }: Answerer,
  now: Instant,
): Answered {
  const former = active.people.recipients ?? [];
  const changedOnes = former.map((one) => (personOf(one) === person ? { address: to } : one));
  const recipients = [...new Map(changedOnes.map((one) => [personOf(one), one])).values()];
  if (isSameJson(recipients, [...former])) return { kind: "unchanged" };
  const people = { ...active.people, recipients };
  const again =
    reminder.status === "COMPLETED" ? { nextRunAt: afterLastOccurrence(now, active), nextWallAt: null } : {};
  const because = `${who} said that it isn't theirs, and named ${to}`;
  return changed({ ...active, people, ...again }, "reassigned", because, { ...details, to });
}

/** Nobody has it any more: to go on nagging who isn't the one would be wrong, and to be silent without a word as well. */
function leftAlone(reminder: ReminderRecord, { who, details }: Answerer): Answered {
  const isOver = reminder.status === "COMPLETED";
  const then = isOver ? "create it anew for whoever it is" : "give it another recipient, then resume it";
  const because = `${who} said that it isn't theirs`;
  const needsAttention = `${because}: ${then}`;
  if (reminder.needsAttention === needsAttention) return { kind: "unchanged" };
  const status = isOver ? reminder.status : "PAUSED";
  return changed({ ...reminder, status, needsAttention }, "declined", needsAttention, details);
}

function stopped(
  reminder: ReminderRecord,
  { address, scope }: Extract<Answer, { kind: "stop" }>,
  { who, details }: Answerer,
): Answered {
  const because = wantsNoMore(who, scope, reminder);
  const change = { type: "opted_out", because, details: { ...details, address, scope } };
  const isOver = reminder.deletedAt !== null || reminder.status === "COMPLETED";
  const isSomebodyElses = reminder.recipient !== null && reminder.recipient.toLowerCase() !== address.toLowerCase();
  if (isOver || isSomebodyElses) return { kind: "noted", change, flagKey: null };
  const told = givenUp(because);
  // What somebody must look at besides, a ceiling say, stays so when this is taken back.
  const needsAttention = alsoSaid(without(reminder.needsAttention, told), told);
  return { kind: "changed", reminder: { ...reminder, needsAttention }, change };
}

function wantsNoMore(who: string, scope: "reminder" | "event_type", { eventType }: ReminderRecord): string {
  return `${who} wants no more of ${scope === "reminder" ? "this reminder" : eventType}`;
}

function givenUp(because: string): string {
  return `${because}: give it another recipient, or complete it`;
}

function wantedAgain(reminder: ReminderRecord, scope: "reminder" | "event_type", { who, details }: Answerer): Answered {
  const what = scope === "reminder" ? "this reminder" : reminder.eventType;
  const change = {
    type: "opted_in",
    because: `${who} wants messages of ${what} again`,
    details: { ...details, scope },
  };
  const told = givenUp(wantsNoMore(who, scope, reminder));
  const needsAttention = without(reminder.needsAttention, told);
  if (needsAttention === reminder.needsAttention) return { kind: "noted", change, flagKey: null };
  return { kind: "changed", reminder: { ...reminder, needsAttention }, change };
}
