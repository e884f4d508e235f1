import type { Logger } from "pino";
import { formsIn } from "../channels/recipient.ts";
import type { Channels } from "../channels/registry.ts";
import { evaluate, isQuestion } from "../conditions/evaluate.ts";
import { completionReasonOf, countsSent } from "../conditions/registry.ts";
import { subjectOf } from "../conditions/subject.ts";
import { completionAfter } from "../core/decide.ts";
import { type HoldPolicy, noteOf } from "../core/hold.ts";
import { outcomeOf } from "../core/outcome.ts";
import { type DeliveryStatus, deliveryId } from "../core/reminder.ts";
import { countSent, noteAnswers } from "../store/asking.ts";
import { checkedJson } from "../store/checked.ts";
import { type DeliveryResult, leaveDigests, writeResults } from "../store/delivery-results.ts";
import type { ReminderWithFacts } from "../store/engine-row.ts";
import { insertEvents, type NewEvent } from "../store/events.ts";
import { type CompletedReminder, writeCompleted } from "../store/firing.ts";
import { insertGoingOver } from "../store/going-over.ts";
import { completeEnded, rearm } from "../store/last-deliveries.ts";
import { occurrenceOf, outcomesOf } from "../store/ledger.ts";
import { keepSlots } from "../store/pace.ts";
import type { Sql } from "../store/postgres.ts";
import { type NewSuppression, suppress } from "../store/suppressions.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { lockRemindersWithFlags } from "./asking/facts.ts";
import { type Overs, whatGoesOver } from "./going-over.ts";
import type { Held } from "./held.ts";
import { withPlaces } from "./kept-places.ts";
import { clean, type Ended, type Outcome, unlessSentElsewhere } from "./outcome.ts";
import { tellOperator } from "./tell-operator.ts";

/** Others who have rows of a batch locked are waited for as long as this, in milliseconds: well below what a stop and a lease leave. */
const PATIENCE_MS = 1_500;

/**
 * Stores what became of attempts, and what follows from it. Returns those that were not stored because the claim that
 * made them no longer holds.
 */
export async function storeResults(database: WorkerDatabase, batch: readonly Ended[], keep: Keeping): Promise<Ended[]> {
  const store = (sql: Sql) =>
    batch.some(hasConsequences) ? storeWithConsequences(sql, batch, keep) : storeAlone(sql, batch);
  const stored = await database.transaction(store, { statementMs: PATIENCE_MS });
  if (stored.length === batch.length) return [];
  const ids = new Set(stored.map(deliveryId));
  return batch.filter(({ held }) => !ids.has(deliveryId(held)));
}

/** True where something follows from it for the reminder or its timeline. */
export function hasConsequences({ held, outcome }: Ended): boolean {
  return outcome.status !== "sent" || held.isLast || isCounted(held);
}

/** Results from which nothing else follows. */
export function storeAlone(sql: Sql, batch: readonly Ended[]): Promise<Stored> {
  return writeResults(sql, batch.map(toResult));
}

export interface Keeping extends Overs {
  hold: HoldPolicy;
  log: Pick<Logger, "warn">;
}

type Stored = Awaited<ReturnType<typeof writeResults>>;

/** Results, and what follows for the reminders and their timelines, with the reminders locked first, as firing does. */
export async function storeWithConsequences(sql: Sql, attempts: readonly Ended[], keep: Keeping): Promise<Stored> {
  const reminders = await lockRemindersWithFlags(sql, [...new Set(attempts.map(({ held }) => held.reminderId))]);
  const tokens = new Map(attempts.map(({ held }) => [held, held.token]));
  const { batch: asked, going, told } = await whatGoesOver(sql, attempts, reminders, keep);
  // What this worker has claimed anew while all that was asked and waited for is stored once more as a whole: that it may have arrived
  // could not be noted under the former claim, and written under the new one it would be forgotten. What it claimed anew before that, while
  // it waited for a connection, may have come back from another worker.
  const batch = asked
    .filter(({ held }) => held.token === tokens.get(held))
    .map((ended) => ({ ...ended, outcome: unlessSentElsewhere(ended) }));
  const stays = ({ mayHaveLeftElsewhere = false }: Held): boolean => mayHaveLeftElsewhere;
  const stored = await writeResults(sql, batch.map(toResult));
  const ids = new Set(stored.map(deliveryId));
  const kept = batch.filter(({ held }) => ids.has(deliveryId(held)));
  const events: NewEvent[] = kept.flatMap(({ held, outcome }) => [
    ...eventFor(held, outcome),
    ...(stays(held) ? [] : (told.get(held) ?? [])),
  ]);

  // Before anybody asks what became of their occurrences: these go on.
  await insertGoingOver(
    sql,
    kept.flatMap(({ held }) => (stays(held) ? [] : (going.get(held) ?? []))),
  );

  await leaveDigests(
    sql,
    kept.filter(({ outcome }) => outcome.leavesDigest).map(({ held }) => held),
  );
  await keepSlots(sql, kept.map(withPlaces));
  await suppress(
    sql,
    kept.flatMap((ended) => blamedAddress(ended, keep.channels)),
  );

  const outcomes = await outcomesOf(sql, [
    ...kept.filter((one) => isOneOfSeveral(one) || going.has(one.held)).map(({ held }) => held),
    ...kept.flatMap(({ held }) => newerThan(held, reminders.get(held.reminderId))),
  ]);
  const counted = countedOnce(kept, outcomes);
  await countSent(
    sql,
    counted.map(({ held }) => held.reminderId),
  );
  for (const { held } of counted) addOneSent(reminders.get(held.reminderId));
  events.push(...(await noteWhatWasAnswered(sql, kept, reminders, keep)));

  const maybeDone = kept.filter(({ held, outcome }) => outcome.status !== "sent" || isCounted(held));
  const done = maybeDone.flatMap(({ held }) => completionByCondition(held, reminders.get(held.reminderId)));
  const doneIds = new Set(await writeCompleted(sql, done));
  for (const { id, reason, because } of done) {
    if (doneIds.delete(id)) events.push(completed(id, reason, because));
  }

  const last = kept.filter(({ held }) => held.isLast && !held.addressed?.tells);
  const ended = last.flatMap(({ held, outcome }) => {
    const known = reminders.get(held.reminderId);
    if (!known) return [];
    const became = outcomeOf(outcome, outcomes.get(occurrenceOf(held)));
    const [newest] = newerThan(held, known).map((one) => outcomes.get(occurrenceOf(one)) ?? "pending");
    const completion = completionAfter(became, known.reminder) ?? (newest && completionAfter(newest, known.reminder));
    return completion ? [{ ...held, completion }] : [];
  });
  const endedIds = new Set(await completeEnded(sql, ended));
  for (const { reminderId, completion } of ended) {
    if (endedIds.delete(reminderId)) {
      const isOnce = reminders.get(reminderId)?.reminder.schedule.type === "one_time";
      events.push(completed(reminderId, completion, `its ${isOnce ? "only" : "last"} message has ended`));
    }
  }

  // What held the message back may be over by now (a pause, a deletion, a condition that was changed), or be so one day.
  const heldBack = last
    .filter(({ held, outcome }) => outcomeOf(outcome, outcomes.get(occurrenceOf(held))) === "suppressed")
    .map(({ held }) => held);
  await rearm(sql, heldBack);
  await insertEvents(sql, events);
  tellOperator(keep.log, events);
  return stored;
}

/** What plain SQL may have written as an address can be longer than what the list of suppressions takes. In bytes, as its key has room for. */
const LONGEST_ADDRESS = 2_000;

/**
 * The address that a channel has found to be nobody's, or that wants nothing: as the channel sends to it, or as it is written, which holds too,
 * where that is too long, as letters of other scripts are in a URL.
 */
function blamedAddress({ held, outcome }: Ended, channels: Channels): NewSuppression[] {
  const { tenantId, channel, recipient } = held;
  if (!outcome.blamed || recipient === null) return [];
  const forms = formsIn(channels.get(channel), recipient);
  const address = forms.findLast((form) => Buffer.byteLength(form) <= LONGEST_ADDRESS);
  if (address === undefined) return [];
  return [{ tenantId, channel, address, ...outcome.blamed, because: outcome.reason, createdBy: `channel ${channel}` }];
}

/**
 * Those that are counted for their reminder's condition: what was sent, and of an occurrence with several messages one, when all
 * have ended and any was sent.
 */
function countedOnce(kept: readonly Ended[], outcomes: ReadonlyMap<string, DeliveryStatus>): Ended[] {
  const seen = new Set<string>();
  return kept.filter((ended) => {
    const { held, outcome } = ended;
    if (!isCounted(held)) return false;
    if (!isOneOfSeveral(ended)) return outcome.status === "sent";
    const occurrence = occurrenceOf(held);
    return outcomes.get(occurrence) === "sent" && !seen.has(occurrence) && seen.add(occurrence);
  });
}

/**
 * With the policy `all`, an older message may be the last to end. Where it is held back, what became of the newest occurrence tells how its
 * reminder ends; none where that is its own.
 */
function newerThan(
  { reminderId, occurrenceAt, isLast }: Held,
  known: ReminderWithFacts | undefined,
): { reminderId: number; occurrenceAt: number }[] {
  const newestAt = known?.reminder.bounds.misfirePolicy === "all" ? known.lastOccurrenceAt : null;
  return isLast && newestAt !== null && newestAt > occurrenceAt ? [{ reminderId, occurrenceAt: newestAt }] : [];
}

/** True where its occurrence may have other messages. */
function isOneOfSeveral({ held }: Ended): boolean {
  return held.addressed !== null;
}

/** True where a message that was sent is counted for its reminder's condition. */
function isCounted({ known, addressed }: Held): boolean {
  return known !== null && !addressed?.tells && countsSent(known.reminder.stopCondition);
}

function addOneSent(known: ReminderWithFacts | undefined): void {
  if (known) known.standing = { ...known.standing, sentCount: known.standing.sentCount + 1 };
}

/** Notes what was answered, or wasn't, when it was asked once more before a message left. Returns what the timelines say of it. */
async function noteWhatWasAnswered(
  sql: Sql,
  kept: readonly Ended[],
  reminders: Map<number, ReminderWithFacts>,
  { hold }: Keeping,
): Promise<NewEvent[]> {
  const notes = kept.flatMap(({ held, outcome }) => {
    const id = held.reminderId;
    // What was sent though nobody could say was noted when it fired.
    const stop = outcome.stop ?? (held.stop?.state === "unknown" ? null : held.stop);
    const { standing } = reminders.get(id) ?? {};
    const note = stop && standing && noteOf(stop, standing.unknownCount, standing.onUnknown, hold);
    if (!note) return [];
    return [{ id, ...note }];
  });
  await noteAnswers(sql, notes);
  return notes.flatMap(({ id, events }) => events.map((event) => ({ reminderId: id, ...event })));
}

/** Completes the reminder of a delivery that didn't leave, or was the last one wanted, if its condition, as it is now, is met. */
function completionByCondition(
  held: Held,
  known: ReminderWithFacts | undefined,
): (CompletedReminder & { because: string })[] {
  if (known?.reminder.status !== "ACTIVE" || known.reminder.deletedAt !== null) return [];
  const { stopCondition } = known.reminder;
  const stop = evaluate(stopCondition, subjectOf(known), (key) => held.answers.get(key)?.answer ?? null);
  if (isQuestion(stop) || stop.state !== "met") return [];
  return [{ id: held.reminderId, reason: completionReasonOf(stopCondition), because: stop.because }];
}

function toResult({ held, outcome }: Ended): DeliveryResult {
  const { reminderId, occurrenceAt, recipientNo, token, overcount = 0, checked } = held;
  const { status, retryInMs, untried, reason, providerId, demo } = outcome;
  const { notBefore } = outcome;
  return {
    reminderId,
    occurrenceAt,
    recipientNo,
    token,
    overcount,
    status,
    retryInMs,
    notBefore,
    untried,
    reason,
    providerId,
    demo,
    checked: checked && { ...checked, because: clean(checked.because) },
  };
}

function eventFor(held: Held, outcome: Outcome): NewEvent[] {
  const { status, reason, untried, notBefore } = outcome;
  if (notBefore !== undefined) return [{ reminderId: held.reminderId, type: "quiet", because: reason ?? "" }];
  if (status === "sent" || status === "pending" || (status === "retrying" && untried)) return [];
  const type = status === "retrying" ? "attempt_failed" : status;
  const { checked } = held;
  const details = {
    ...{ delivery: deliveryId(held), channel: held.channel, delivery_attempt: held.attempts },
    ...(checked && { checked: checkedJson({ ...checked, because: clean(checked.because) }) }),
  };
  return [{ reminderId: held.reminderId, type, because: reason ?? status, details }];
}

function completed(reminderId: number, reason: string, because: string): NewEvent {
  return { reminderId, type: "completed", because, details: { reason } };
}
