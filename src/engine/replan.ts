import { asNextRun, type NextRun, workedOutAnew } from "../core/decide.ts";
import { RuleError } from "../core/schedule/rule-error.ts";
import { nextOccurrence, timetableOf } from "../core/schedule/schedule.ts";
import { insertEvents, type NewEvent } from "../store/events.ts";
import { type CompletedReminder, pauseReminder, writeCompleted } from "../store/firing.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { claimUnplanned, type MovedReminder, type UnplannedReminder, writeMoved } from "../store/unplanned.ts";

/**
 * Works out when reminders that go by the clocks on the wall are due, where nobody has (they came by plain SQL, or their
 * contact moved to another zone) or where the rules of their zone have changed. Returns how many it dealt with, `limit` at
 * most: each in the same transaction that marks it as done, so that every one is moved once, whoever else does the same.
 */
export async function replanBatch(database: WorkerDatabase, limit: number): Promise<number> {
  return database.transaction(async (sql) => {
    const claimed = await claimUnplanned(sql, limit);
    const moved: MovedReminder[] = [];
    const completed: CompletedReminder[] = [];
    const events: NewEvent[] = [];
    for (const due of claimed) {
      const { id: reminderId } = due.reminder;
      const next = replan(due);
      if (next instanceof RuleError) {
        const { schedule } = due.reminder;
        const because = `its ${schedule.type} ${next.message}; correct it, then resume it`;
        await pauseReminder(sql, reminderId);
        events.push({ reminderId, type: "paused", because });
      } else if (next === "ended") {
        const because = "its schedule has no further occurrence";
        completed.push({ id: reminderId, reason: "schedule_ended" });
        events.push({ reminderId, type: "completed", because, details: { reason: "schedule_ended" } });
      } else moved.push({ id: reminderId, ...next });
    }
    await Promise.all([writeMoved(sql, moved), writeCompleted(sql, completed), insertEvents(sql, events)]);
    return claimed.length;
  });
}

function replan({
  reminder,
  contact,
  runAt,
  wasPlanned,
  lastOccurrenceAt,
  now,
}: UnplannedReminder): NextRun | "ended" | RuleError {
  const { nextRunAt, nextWallAt } = reminder;
  const asItIs = { nextRunAt, nextWallAt };
  // Somebody asked for this very instant, or it has fired for the last time.
  if (nextWallAt === null && (wasPlanned || (nextRunAt !== null && nextRunAt === runAt))) return asItIs;
  try {
    const timetable = timetableOf(reminder, contact?.timeZone ?? null);
    const next =
      nextWallAt === null
        ? nextOccurrence(timetable, Math.max(now, lastOccurrenceAt ?? now))
        : workedOutAnew(timetable, nextWallAt);
    return next === null ? "ended" : asNextRun(next);
  } catch (error) {
    if (error instanceof RuleError) return error;
    throw error;
  }
}
