import { asNextRun, type NextRun } from "../decide.ts";
import { type Instant, MS_PER_MINUTE } from "../instant.ts";
import type { Reminder } from "../reminder.ts";
import { type ByCalendar, misplacedCount, missingCalendar, NO_CALENDARS, toBusinessTime } from "./by-calendar.ts";
import { checkTimetable } from "./check.ts";
import { misplacedField, type Refusal, type ScheduleFields, toRule } from "./fields.ts";
import { type Bounds, NO_BOUNDS, type Schedule } from "./kinds.ts";
import { askedOccurrence, nextOccurrence, type Timetable } from "./schedule.ts";
import type { Surroundings } from "./surroundings.ts";
import { firstZone } from "./zone.ts";

/** What somebody says about when a new reminder is to be due. */
export interface NewTimes extends ScheduleFields {
  scheduleType: Schedule["type"];
  bounds: Bounds;
  runAt: Instant | null;
  timeZone: string | null;
  /** Not set: it goes by no calendar. */
  business?: ByCalendar | null;
}

/** A series of intervals that begins when it is stored has no anchor yet. */
export type Begun = {
  schedule:
    | Exclude<Schedule, { type: "recurring" }>
    | { type: "recurring"; intervalMinutes: number; anchorAt: Instant | null };
  /** Null: as `runAt` says, or, without one, an interval from its creation, or then. */
  firstRun: NextRun | null;
};

/** True when beginning this needs to know the present instant, the contact's zone or a calendar. */
export function needsMoment({ scheduleType, bounds, business }: Omit<NewTimes, "runAt" | "timeZone">): boolean {
  if (business) return true;
  return bounds !== NO_BOUNDS || (scheduleType !== "one_time" && scheduleType !== "recurring");
}

/** When a new reminder is due first, and by what schedule from then on; or why that can't be. `now`: null where it isn't needed. */
export function begin(
  times: NewTimes,
  of: Timetable["of"] & Pick<Reminder, "entityType">,
  now: Instant | null,
  { contactZone, minIntervalSeconds, calendars = NO_CALENDARS }: Surroundings,
): Begun | Refusal {
  const { scheduleType: type, bounds, runAt, business = null } = times;
  const misplaced = misplacedField(type, times) ?? misplacedBound(times) ?? missingCalendar(business, calendars);
  if (misplaced) return misplaced;
  const goesBy = business
    ? { business: toBusinessTime(business, calendars.get(business.calendar)), since: now ?? 0 }
    : {};
  if (type === "one_time") {
    const schedule = { type };
    const miscounted = misplacedCount(schedule, business);
    if (miscounted) return miscounted;
    const asked = { schedule, bounds, zone: "UTC", of, ...goesBy };
    const firstRun = business && now !== null ? asNextRun(askedOccurrence(asked, runAt ?? now)) : null;
    return { schedule, firstRun };
  }
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
      ? { type, intervalMinutes, anchorAt: runAt ?? bounds.startAt ?? beginning(intervalMinutes, business, now) }
      : toRule(type, times, { former: null, beginsAt: bounds.startAt ?? now, zone });
  if ("kind" in schedule) return schedule;
  const timetable = { schedule, bounds, zone, of, ...goesBy };
  const wrong = misplacedCount(schedule, business) ?? checkTimetable(timetable, now, minIntervalSeconds);
  if (wrong) return wrong;
  const first = runAt === null ? nextOccurrence(timetable, now) : askedOccurrence(timetable, runAt);
  return { schedule, firstRun: asNextRun(first) };
}

/** The anchor of a series that begins now: its first due instant or, where that is counted by a calendar, what it is counted from. */
function beginning(intervalMinutes: number, business: ByCalendar | null, now: Instant): Instant {
  return business && business.countsIn !== "all_time" ? now : now + intervalMinutes * MS_PER_MINUTE;
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
