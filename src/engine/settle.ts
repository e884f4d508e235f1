import { stopAnswer } from "../conditions/registry.ts";
import { insertEvents } from "../store/events.ts";
import { claimWaiting, writeCompleted } from "../store/firing.ts";
import type { Database } from "../store/postgres.ts";
import { type FlagKey, markSettled, unsettledFlags } from "../store/settling.ts";

const FLAGS_AT_ONCE = 50;
/** Some of the waiting reminders are just being fired or edited elsewhere: look again this soon, in milliseconds. */
const BUSY_MS = 50;

/**
 * Completes at once what waits for flags that were set, a batch for each flag, so that a flag with a million reminders
 * doesn't hold up the others. Resolves to the milliseconds until there is more to do.
 */
export async function settleFlags(database: Database, batchSize: number): Promise<number> {
  const flags = await unsettledFlags(database, FLAGS_AT_ONCE);
  let sleepMs = flags.length === FLAGS_AT_ONCE ? 0 : Number.POSITIVE_INFINITY;
  for (const flag of flags) {
    const completed = await completeWaiting(database, flag, batchSize);
    if (completed === batchSize) sleepMs = 0;
    else if (!(await markSettled(database, flag))) sleepMs = Math.min(sleepMs, BUSY_MS);
  }
  return sleepMs;
}

async function completeWaiting(database: Database, flag: FlagKey, batchSize: number): Promise<number> {
  return database.transaction(async (sql) => {
    const waiting = await claimWaiting(sql, flag.tenantId, flag.key, batchSize);
    const met = waiting.flatMap(({ reminder, facts }) => {
      const { met, because } = stopAnswer(reminder.stopCondition, facts);
      return met ? [{ id: reminder.id, because }] : [];
    });
    await writeCompleted(
      sql,
      met.map(({ id }) => ({ id, reason: "stop_condition" })),
    );
    await insertEvents(
      sql,
      met.map(({ id, because }) => ({
        reminderId: id,
        type: "completed",
        because,
        details: { reason: "stop_condition" },
      })),
    );
    return met.length;
  });
}
