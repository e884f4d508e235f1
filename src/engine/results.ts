import { completionAfter } from "../core/decide.ts";
import { deliveryId } from "../core/reminder.ts";
import { completeEnded, type DeliveryResult, rearmPaused, writeResults } from "../store/deliveries.ts";
import { insertEvents, type NewEvent } from "../store/events.ts";
import { type CompletedReminder, writeCompleted } from "../store/firing.ts";
import type { Database, Sql } from "../store/postgres.ts";
import type { Held } from "./held.ts";
import type { Outcome } from "./outcome.ts";

export interface Ended {
  held: Held;
  outcome: Outcome;
}

/** Stores what became of attempts, and what follows from it, where the claim that made them still holds. */
export async function storeResults(database: Database, batch: readonly Ended[]): Promise<void> {
  const results = batch.map(toResult);
  const nothingElse = batch.every(({ held, outcome }) => outcome.status === "sent" && !held.isLast);
  if (nothingElse) await writeResults(database, results);
  else await database.transaction((sql) => storeWithConsequences(sql, batch, results));
}

/** Results, and what follows from them for the reminders and their timelines: only where the lease still held. */
async function storeWithConsequences(sql: Sql, batch: readonly Ended[], results: DeliveryResult[]): Promise<void> {
  const stored = new Set((await writeResults(sql, results)).map(deliveryId));
  const kept = batch.filter(({ held }) => stored.has(deliveryId(held)));
  const events: NewEvent[] = kept.flatMap(({ held, outcome }) => eventFor(held, outcome) ?? []);

  const done: CompletedReminder[] = kept
    .filter(({ outcome }) => outcome.suppression === "stop_condition")
    .map(({ held }) => ({ id: held.reminderId, reason: "stop_condition" }));
  const doneIds = new Set(await writeCompleted(sql, done));
  for (const { held, outcome } of kept) {
    if (doneIds.delete(held.reminderId)) events.push(completed(held, "stop_condition", outcome.reason ?? ""));
  }

  const last = kept.flatMap(({ held, outcome }) => {
    const completion = completionAfter(outcome.status);
    return held.isLast && completion ? [{ ...held, completion }] : [];
  });
  const endedIds = new Set(await completeEnded(sql, last));
  for (const held of last) {
    if (endedIds.has(held.reminderId)) events.push(completed(held, held.completion, "its only message has ended"));
  }

  await rearmPaused(
    sql,
    kept
      .filter(({ held, outcome }) => held.isLast && outcome.suppression === "paused")
      .map(({ held }) => held.reminderId),
  );
  await insertEvents(sql, events);
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
    details: { delivery: deliveryId(held), channel: held.channel, attempt: held.attempts },
  };
}

function completed(held: Held, reason: string, because: string): NewEvent {
  return { reminderId: held.reminderId, type: "completed", because, details: { reason } };
}
