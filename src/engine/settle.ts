import { stopAnswer } from "../conditions/registry.ts";
import { insertEvents } from "../store/events.ts";
import { writeCompleted } from "../store/firing.ts";
import type { Database } from "../store/postgres.ts";
import { claimWaiting, type FlagKey, markSettled, unsettledFlags } from "../store/settling.ts";

/** Some of the waiting reminders are just being fired or edited elsewhere: look again this soon, in milliseconds. */
const BUSY_MS = 50;

/**
 * Completes at once what waits for flags that were set: a share of the batch for each flag, so that a flag with a million
 * reminders doesn't hold up the others. Resolves to the milliseconds until there is more to do.
 */
export async function settleFlags(database: Database, batchSize: number): Promise<number> {
  const flags = await unsettledFlags(database, batchSize);
  if (flags.length === 0) return Number.POSITIVE_INFINITY;
  const completed = await completeWaiting(database, flags, Math.ceil(batchSize / flags.length));
  const settled = await markSettled(database, flags);
  if (settled === flags.length && flags.length < batchSize) return Number.POSITIVE_INFINITY;
  return completed + settled > 0 ? 0 : BUSY_MS;
}

async function completeWaiting(database: Database, flags: readonly FlagKey[], limitEach: number): Promise<number> {
  return database.transaction(async (sql) => {
    const waiting = await claimWaiting(sql, flags, limitEach);
    const done = waiting.flatMap(({ reminder, facts }) => {
      const { met, because } = stopAnswer(reminder.stopCondition, facts);
      return met ? [{ id: reminder.id, because }] : [];
    });
    const reason = "stop_condition";
    const completed = done.map(({ id }) => ({ id, reason }) as const);
    const events = done.map(({ id, because }) => ({ reminderId: id, type: "completed", because, details: { reason } }));
    await Promise.all([writeCompleted(sql, completed), insertEvents(sql, events)]);
    return done.length;
  });
}
