import { asNextRun, type NextRun } from "../decide.ts";
import { MS_PER_MINUTE } from "../instant.ts";
import { type Bounds, type Instant, NO_BOUNDS, type Reminder, type Schedule } from "../reminder.ts";
import type { Surroundings } from "../reschedule.ts";
import { checkTimetable } from "./check.ts";
import { misplacedField, type Refusal, type ScheduleFields, toRule } from "./fields.ts";
import { nextOccurrence, type Timetable } from "./schedule.ts";
import { firstZone } from "./zone.ts";

/** What somebody says about when a new reminder is to be due. */
export interface NewTimes extends ScheduleFields {
  scheduleType: Schedule["type"];
  bounds: Bounds;
  runAt: Instant | null;
  timeZone: string | null;
}

/** A series of intervals that begins when it is stored has no anchor yet. */
export type Begun = {
  schedule:
    | Exclude<Schedule, { type: "recurring" }>
    | { type: "recurring"; intervalMinutes: number; anchorAt: Instant | null };
  /** Null: as `runAt` says, or, without one, an interval from its creation, or then. */
  firstRun: NextRun | null;
};

/** True when beginning this needs to know the present instant and the contact's zone. */
export function needsMoment({ scheduleType, bounds }: Pick<NewTimes, "scheduleType" | "bounds">): boolean {
  return bounds !== NO_BOUNDS || (scheduleType !== "one_time" && scheduleType !== "recurring");
}

/** When a new reminder is due first, and by what schedule from then on; or why that can't be. `now`: null where it isn't needed. */
export function begin(
  times: NewTimes,
  of: Timetable["of"] & Pick<Reminder, "entityType">,
  now: Instant | null,
  { contactZone, minIntervalSeconds }: Surroundings,
): Begun | Refusal {
  const { scheduleType: type, bounds, runAt } = times;
  const misplaced = misplacedField(type, times) ?? misplacedBound(times);
  if (misplaced) return misplaced;
  if (type === "one_time") return { schedule: { type }, firstRun: null };
  const intervalMinutes = times.intervalMinutes ?? 0;
  if (now === null) {
    if (type === "recurring" && intervalMinutes * 60 < minIntervalSeconds) {
      const least = `at least ${Math.ceil(minIntervalSeconds / 60)} minutes, the least of this installation`;
      return { kind: "invalid", field: "interval_minutes", message: `must be ${least}` };
    }
    return { schedule: { type: "recurring", intervalMinutes, anchorAt: null }, firstRun: null };
  }

  const zone = firstZone(times.timeZone, contactZone);
  const schedule =
    type === "recurring"
      ? { type, intervalMinutes, anchorAt: runAt ?? bounds.startAt ?? now + intervalMinutes * MS_PER_MINUTE }
      : toRule(type, times, { former: null, beginsAt: bounds.startAt ?? now, zone });
  if ("kind" in schedule) return schedule;
  const timetable = { schedule, bounds, zone, of };
  const wrong = checkTimetable(timetable, now, minIntervalSeconds);
  if (wrong) return wrong;
  const firstRun = runAt === null ? asNextRun(nextOccurrence(timetable, now)) : { nextRunAt: runAt, nextWallAt: null };
  return { schedule, firstRun };
}

/** A bound, or a first instant, that means nothing for this kind of schedule. */
function misplacedBound({ scheduleType, bounds, runAt }: NewTimes): Refusal | null {
  const refuse = (field: string, message: string): Refusal => ({ kind: "invalid", field, message });
  if (scheduleType === "one_time") return boundOfOneTime(bounds);
  if (runAt !== null && scheduleType !== "recurring") {
    return refuse("run_at", `must be left out where schedule_type is "${scheduleType}": start_at says when it begins`);
  }
  if (runAt !== null && bounds.startAt !== null) return refuse("start_at", "must be left out where run_at is given");
  return null;
}

/** A reminder that is due once has nothing to be narrowed. */
export function boundOfOneTime({ startAt, endAt, maxOccurrences, jitterSeconds }: Bounds): Refusal | null {
  const given = {
    start_at: startAt,
    end_at: endAt,
    max_occurrences: maxOccurrences,
    jitter_seconds: jitterSeconds || null,
  };
  const field = Object.entries(given).find(([, value]) => value !== null)?.[0];
  if (!field) return null;
  return { kind: "invalid", field, message: 'must be left out where schedule_type is "one_time": run_at says when' };
}
