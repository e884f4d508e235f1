import { MS_PER_MINUTE } from "./instant.ts";
import { afterLastOccurrence } from "./occurrence.ts";
import type { Instant, ReminderRecord, Schedule } from "./reminder.ts";

/** The part of an edit that is about when. What is undefined stays as it is. */
export interface ScheduleEdit {
  scheduleType?: Schedule["type"] | undefined;
  intervalMinutes?: number | null | undefined;
  runAt?: Instant | undefined;
}

export type Rescheduled =
  | { kind: "rescheduled"; schedule: Schedule; runAt: Instant | null; nextRunAt: Instant | null }
  | { kind: "invalid"; field: string; message: string };

/**
 * When a reminder is due after an edit of its schedule. Pure, and the same edit again changes nothing.
 *
 * - `runAt`: it is due then, and a recurring one goes on from there in whole intervals. One in the past means: at once.
 *   A one-time reminder that has fired, but whose message is still on its way, is armed anew.
 * - `intervalMinutes`: the new interval counts from when it last fired (from its creation, if it never has). If that has
 *   passed already, it is due one new interval from now, or when it was due anyway, if that is sooner. A next run that
 *   was asked for by `runAt` stays.
 * - `scheduleType` to recurring needs an interval: the next run stays, and the intervals count from it.
 * - `scheduleType` to one_time: the next run stays and is the last.
 */
export function reschedule(reminder: ReminderRecord, edit: ScheduleEdit, now: Instant): Rescheduled {
  const type = edit.scheduleType ?? reminder.schedule.type;
  const formerInterval = reminder.schedule.type === "recurring" ? reminder.schedule.intervalMinutes : null;
  const intervalMinutes = edit.intervalMinutes === undefined ? formerInterval : edit.intervalMinutes;
  const runAt = edit.runAt ?? reminder.runAt;
  const askedFor = askedForNext(reminder, edit.runAt, now);

  if (type === "one_time") {
    if (edit.intervalMinutes) return invalid('only a reminder with schedule_type "recurring" has an interval');
    return { kind: "rescheduled", schedule: { type }, runAt, nextRunAt: askedFor ?? reminder.nextRunAt };
  }
  if (intervalMinutes === null) return invalid("a recurring reminder needs an interval: give the minutes");
  if (askedFor === null && intervalMinutes === formerInterval) {
    return { kind: "rescheduled", schedule: reminder.schedule, runAt, nextRunAt: reminder.nextRunAt };
  }
  const nextRunAt = askedFor ?? nextByInterval(reminder, intervalMinutes, now);
  const anchorAt = askedFor === null ? nextRunAt : (runAt ?? askedFor);
  return { kind: "rescheduled", schedule: { type, intervalMinutes, anchorAt }, runAt, nextRunAt };
}

/** The next run that the edit asks for by its `runAt`; null when it asks for none that was not asked for before. */
function askedForNext(reminder: ReminderRecord, runAt: Instant | undefined, now: Instant): Instant | null {
  if (runAt === undefined || (runAt === reminder.runAt && runAt <= now)) return null;
  return afterLastOccurrence(runAt, reminder);
}

function nextByInterval(reminder: ReminderRecord, intervalMinutes: number, now: Instant): Instant {
  const { nextRunAt, runAt, schedule, lastRunAt, createdAt } = reminder;
  if (nextRunAt !== null && (nextRunAt === runAt || schedule.type === "one_time")) return nextRunAt;

  const intervalMs = intervalMinutes * MS_PER_MINUTE;
  const counted = (lastRunAt ?? createdAt) + intervalMs;
  const next = counted > now ? counted : Math.min(nextRunAt ?? Number.POSITIVE_INFINITY, now + intervalMs);
  return afterLastOccurrence(next, reminder);
}

function invalid(message: string): Rescheduled {
  return { kind: "invalid", field: "interval_minutes", message };
}
