import { stopAnswer } from "../conditions/registry.ts";
import { subjectOf } from "../conditions/subject.ts";
import { completionAfter } from "../core/decide.ts";
import { deliveryId } from "../core/reminder.ts";
import { completeEnded, type DeliveryResult, lockReminders, rearm, writeResults } from "../store/deliveries.ts";
import type { ReminderWithFacts } from "../store/engine-row.ts";
import { insertEvents, type NewEvent } from "../store/events.ts";
import { type CompletedReminder, writeCompleted } from "../store/firing.ts";
import type { Sql } from "../store/postgres.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import type { Held } from "./held.ts";
import type { Outcome } from "./outcome.ts";

export interface Ended {
  held: Held;
  outcome: Outcome;
}

/**
 * Stores what became of attempts, and what follows from it. Returns those that were not stored because the claim that
 * made them no longer holds.
 */
export async function storeResults(database: WorkerDatabase, batch: readonly Ended[]): Promise<Ended[]> {
  const results = batch.map(toResult);
  const nothingElse = batch.every(({ held, outcome }) => outcome.status === "sent" && !held.isLast);
  const stored = nothingElse
    ? await writeResults(database, results)
    : await database.transaction((sql) => storeWithConsequences(sql, batch, results));
  if (stored.length === batch.length) return [];
  const ids = new Set(stored.map(deliveryId));
  return batch.filter(({ held }) => !ids.has(deliveryId(held)));
}

type Stored = Awaited<ReturnType<typeof writeResults>>;

/** Results, and what follows for the reminders and their timelines, with the reminders locked first, as firing does. */
async function storeWithConsequences(sql: Sql, batch: readonly Ended[], results: DeliveryResult[]): Promise<Stored> {
  const reminders = await lockReminders(sql, [...new Set(batch.map(({ held }) => held.reminderId))]);
  const stored = await writeResults(sql, results);
  const ids = new Set(stored.map(deliveryId));
  const kept = batch.filter(({ held }) => ids.has(deliveryId(held)));
  const events: NewEvent[] = kept.flatMap(({ held, outcome }) => eventFor(held, outcome) ?? []);

  const unsent = kept.filter(({ outcome }) => outcome.status !== "sent");
  const done = unsent.flatMap(({ held }) => completionByCondition(held, reminders.get(held.reminderId)));
  const doneIds = new Set(await writeCompleted(sql, done));
  for (const { id, because } of done) {
    if (doneIds.delete(id)) events.push(completed(id, "stop_condition", because));
  }

  const last = kept.filter(({ held }) => held.isLast);
  const ended = last.flatMap(({ held, outcome }) => {
    const reminder = reminders.get(held.reminderId)?.reminder;
    const completion = reminder ? completionAfter(outcome.status, reminder) : null;
    return completion ? [{ ...held, completion }] : [];
  });
  const endedIds = new Set(await completeEnded(sql, ended));
  for (const { reminderId, completion } of ended) {
    if (endedIds.delete(reminderId)) events.push(completed(reminderId, completion, "its only message has ended"));
  }

  // What held the message back may be over by now (a pause, a deletion, a condition that was changed), or be so one day.
  const heldBack = last.filter(({ outcome }) => outcome.status === "suppressed").map(({ held }) => held);
  await rearm(sql, heldBack);
  await insertEvents(sql, events);
  return stored;
}

/** Completes the reminder of a delivery that didn't leave if its condition, as it is now, is met. */
function completionByCondition(
  held: Held,
  known: ReminderWithFacts | undefined,
): (CompletedReminder & { because: string })[] {
  if (known?.reminder.status !== "ACTIVE" || known.reminder.deletedAt !== null) return [];
  const { state, because } = stopAnswer(known.reminder.stopCondition, subjectOf(known));
  return state === "met" ? [{ id: held.reminderId, reason: "stop_condition", because }] : [];
}

function toResult({ held, outcome }: Ended): DeliveryResult {
  const { reminderId, occurrenceAt, recipientNo, token } = held;
  const { status, retryInMs, untried, reason, providerId, demo } = outcome;
  return { reminderId, occurrenceAt, recipientNo, token, status, retryInMs, untried, reason, providerId, demo };
}

function eventFor(held: Held, outcome: Outcome): NewEvent | null {
  const { status, reason, untried } = outcome;
  if (status === "sent" || status === "pending" || (status === "retrying" && untried)) return null;
  return {
    reminderId: held.reminderId,
    type: status === "retrying" ? "attempt_failed" : status,
    because: reason ?? status,
    details: { delivery: deliveryId(held), channel: held.channel, delivery_attempt: held.attempts },
  };
}

function completed(reminderId: number, reason: string, because: string): NewEvent {
  return { reminderId, type: "completed", because, details: { reason } };
}
