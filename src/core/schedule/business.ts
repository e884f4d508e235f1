import { type Instant, MS_PER_MINUTE } from "../instant.ts";
import { nextBackoff } from "./backoff.ts";
import type { BusinessCalendar } from "./business-calendar.ts";
import { addWorkingDays, addWorkingMs, isWorkingTime, workingDaysBetween, workingMsBetween } from "./business-time.ts";
import { dayOfWall, LAST_INSTANT, MS_PER_DAY } from "./calendar.ts";
import { MINUTES_PER_DAY } from "./clock-time.ts";
import type { Schedule } from "./kinds.ts";
import { nextRecurring } from "./recurring.ts";
import { toWallClock } from "./wall-clock.ts";

export const COUNTS_IN = ["all_time", "working_time", "working_days"] as const;
/** What intervals and offsets are counted in. */
export type CountsIn = (typeof COUNTS_IN)[number];

export const OUTSIDE_WORKING_TIME = ["next", "previous", "send"] as const;
/** What becomes of an occurrence that falls outside working time: it moves, or it stays where it is. */
export type OutsideWorkingTime = (typeof OUTSIDE_WORKING_TIME)[number];

/** How a timetable goes by a calendar. */
export interface BusinessTime {
  /** The calendar's name, for people. */
  name: string;
  calendar: BusinessCalendar;
  countsIn: CountsIn;
  outside: OutsideWorkingTime;
}

/** Working time that isn't there within twelve years isn't looked for: no list of closed dates reaches so far. */
export const OPENING_DAYS = 12 * 366;
const FARTHEST_MOVE_MS = OPENING_DAYS * MS_PER_DAY;

type Counted = Extract<Schedule, { type: "recurring" | "backoff" }>;

/**
 * The first instant strictly later than `after` of a series that is counted by a calendar: its anchor, and what follows by
 * intervals of working time or working days from there. Null: none within forty years of the anchor.
 */
export function nextCounted(
  schedule: Counted,
  { calendar, countsIn }: Pick<BusinessTime, "calendar" | "countsIn">,
  after: Instant,
): Instant | null {
  const { anchorAt } = schedule;
  if (after < anchorAt) return anchorAt;
  if (countsIn === "working_days") return nextByDays(schedule, calendar, after);
  const worked = workingMsBetween(calendar, anchorAt, after);
  if (worked === null) return null;
  // Outside working time, what is due at the next opening is still to come, though as much has been worked.
  const passed = isWorkingTime(calendar, after) ? worked : Math.max(0, worked - 1);
  const series = { ...schedule, anchorAt: 0 };
  const due = series.type === "recurring" ? nextRecurring(series, passed) : nextBackoff(series, passed);
  return addWorkingMs(calendar, anchorAt, due);
}

function nextByDays(
  { intervalMinutes, anchorAt }: Counted,
  calendar: BusinessCalendar,
  after: Instant,
): Instant | null {
  const each = Math.max(1, Math.round(intervalMinutes / MINUTES_PER_DAY));
  const passed = workingDaysBetween(calendar, anchorAt, after);
  if (passed === null) return null;
  for (let times = Math.max(1, Math.floor(passed / each)); ; times += 1) {
    const at = addWorkingDays(calendar, anchorAt, times * each);
    if (at === null || at > after) return at;
  }
}

/** An occurrence where the calendar lets it be. */
export interface Placed {
  at: Instant;
  /** When it was meant, where that is another instant, and why it isn't then. */
  movedFrom?: Instant;
  because?: string;
}

/**
 * Where an occurrence that is meant at `at` takes place. `next`: at the next opening; `previous`: in the last minute of working
 * time before. It stays where it is when there is no working time to move to: better at a wrong hour than never.
 */
export function place(at: Instant, business: BusinessTime | undefined): Placed {
  if (!business || business.outside === "send" || isWorkingTime(business.calendar, at)) return { at };
  const { calendar, outside } = business;
  const moved = addWorkingMs(calendar, at, outside === "next" ? 0 : -MS_PER_MINUTE, OPENING_DAYS);
  // Nothing is due after the last day that there is.
  if (moved === null || Math.abs(moved - at) > FARTHEST_MOVE_MS || moved > LAST_INSTANT) return { at };
  return { at: moved, movedFrom: at, because: whyMoved(at, business) };
}

/**
 * From which instant on what is meant may take place after `after`: an occurrence of a Saturday moves to Monday, and on Sunday is
 * still to come.
 */
export function meantAfter(after: Instant, { calendar, outside }: BusinessTime): Instant {
  if (outside !== "next" || isWorkingTime(calendar, after)) return after;
  const opening = addWorkingMs(calendar, after, 0, OPENING_DAYS);
  if (opening === null) return after;
  const lastOpen = addWorkingMs(calendar, after, -1, OPENING_DAYS);
  return Math.min(after, Math.max(lastOpen ?? Number.NEGATIVE_INFINITY, opening - FARTHEST_MOVE_MS - 1));
}

/** The instant before which nothing else takes place than what was placed at `placed`: all that is meant until then moves there. */
export function meantUntil(meant: Instant, placed: Instant, { calendar, outside }: BusinessTime): Instant {
  if (outside !== "previous") return Math.max(meant, placed);
  const opening = addWorkingMs(calendar, meant, 0, OPENING_DAYS);
  return opening === null ? meant : Math.max(meant, opening - 1);
}

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

function whyMoved(at: Instant, { name, calendar, outside }: BusinessTime): string {
  const wall = toWallClock(at, calendar.zone);
  const shown = new Date(wall).toISOString();
  const weekday = DAYS[(((dayOfWall(wall) + 4) % 7) + 7) % 7];
  const when = `${weekday} ${shown.slice(0, 10)} ${shown.slice(11, 16)} (${calendar.zone})`;
  return `${when} is outside the working time of the calendar ${name}: moved to the ${outside} working time`;
}
