import { replan } from "../core/replan.ts";
import { RuleError } from "../core/schedule/rule-error.ts";
import { insertEvents, type NewEvent } from "../store/events.ts";
import { type CompletedReminder, writeCompleted, writePaused } from "../store/firing.ts";
import { isFaultOfRows, type Sql } from "../store/postgres.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { claimUnplanned, type MovedReminder, type UnplannedReminder, writeMoved } from "../store/unplanned.ts";
import { addAudiences } from "./audience.ts";
import { Stint } from "./stint.ts";

/**
 * Works out when reminders that go by the clocks on the wall are due, where nobody has (they came by plain SQL, or their
 * contact moved to another zone) or where the rules of their zone have changed. `limit` at most, and as many as one `Stint` has time for: each
 * in the same transaction that marks it as done, so that every one is moved once, whoever else does the same. Returns whether there may be more.
 */
export async function replanBatch(database: WorkerDatabase, limit: number): Promise<boolean> {
  let ids: number[] = [];
  try {
    const hasLeftSome = await replanClaimed(database, async (sql) => {
      const claimed = await claimUnplanned(sql, limit);
      ids = claimed.map(({ reminder }) => reminder.id);
      return claimed;
    });
    return hasLeftSome || ids.length >= limit;
  } catch (error) {
    if (!isFaultOfRows(error) || ids.length === 0) throw error;
    for (const id of ids) await replanAlone(database, id);
    return ids.length >= limit;
  }
}

/** By itself, so that one that can't be worked out holds up no other: it is paused, and its timeline says why. */
async function replanAlone(database: WorkerDatabase, id: number): Promise<void> {
  try {
    await replanClaimed(database, (sql) => claimUnplanned(sql, 1, id));
  } catch (error) {
    if (!isFaultOfRows(error)) throw error;
    const because = `when it is due can't be worked out: ${(error as Error).message}; correct it, then resume it`;
    await database.transaction(async (sql) => {
      const paused = await writePaused(sql, [{ id, because }]);
      if (paused.length > 0) await insertEvents(sql, [{ reminderId: id, type: "paused", because }]);
    });
  }
}

/** Returns whether there was no time for some. */
function replanClaimed(database: WorkerDatabase, claim: (sql: Sql) => Promise<UnplannedReminder[]>): Promise<boolean> {
  return database.transaction(async (sql) => {
    const moved: MovedReminder[] = [];
    const completed: CompletedReminder[] = [];
    const events: NewEvent[] = [];
    const claimed = await addAudiences(sql, await claim(sql));
    const stint = new Stint();
    let dealtWith = 0;
    for (const due of claimed) {
      if (stint.isTurnOver) await stint.rest();
      if (!stint.mayGoOn) break;
      dealtWith += 1;
      const { id: reminderId } = due.reminder;
      const next = replan({ ...due, policy: due.audience?.policy ?? null });
      if (next instanceof RuleError) {
        const { schedule } = due.reminder;
        const because = `its ${schedule.type} ${next.message}; correct it, then resume it`;
        await writePaused(sql, [{ id: reminderId, because }]);
        events.push({ reminderId, type: "paused", because });
      } else if (next === "ended") {
        const because = "its schedule has no further occurrence";
        completed.push({ id: reminderId, reason: "schedule_ended" });
        events.push({ reminderId, type: "completed", because, details: { reason: "schedule_ended" } });
      } else moved.push({ id: reminderId, ...next });
    }
    await Promise.all([writeMoved(sql, moved), writeCompleted(sql, completed), insertEvents(sql, events)]);
    return dealtWith < claimed.length;
  });
}
