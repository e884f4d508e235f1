import type { Instant } from "../instant.ts";
import type { BusinessCalendar } from "./business-calendar.ts";
import { dayBefore, dayBeyond, FARTHEST_DAYS, type Span, spansOf, sumOf } from "./business-years.ts";
import { type Day, dayOfWall, MS_PER_DAY } from "./calendar.ts";
import { toInstant, toWallClock } from "./wall-clock.ts";

/**
 * Arithmetic on a clock that runs only while a calendar is open. It is elapsed time within the working hours, so that an
 * hour that the clocks skip there is none, and one that comes twice is two. Every answer costs a few years of days at most, each
 * year added up once; what lies beyond `reachDays`, forty years where nothing else is said, is not found.
 */

/** True within working hours; their end is outside. */
export function isWorkingTime(calendar: BusinessCalendar, at: Instant): boolean {
  const day = dayAt(calendar, at);
  // An instant may lie in the hours of a neighbour, where the clocks are set back over midnight.
  return around(calendar, day).some(({ from, to }) => from <= at && at < to);
}

/**
 * The instant of working time by which so many milliseconds of it have passed since `at`: of those there are (an evening
 * and the next morning), the one at which work goes on. With 0: `at` itself in working time, else the next opening.
 * Negative: the last one from which so many pass until `at`. Null: there is none within reach.
 */
export function addWorkingMs(
  calendar: BusinessCalendar,
  at: Instant,
  ms: number,
  reachDays = FARTHEST_DAYS,
): Instant | null {
  return ms < 0 ? goBack(calendar, at, -ms, reachDays) : goOn(calendar, at, ms, reachDays);
}

function goOn(calendar: BusinessCalendar, at: Instant, ms: number, reachDays: number): Instant | null {
  const day = dayAt(calendar, at);
  let left = ms;
  for (const { from, to } of around(calendar, day)) {
    const begin = Math.max(from, at);
    if (begin >= to) continue;
    if (left < to - begin) return begin + left;
    left -= to - begin;
  }
  const found = dayBeyond(calendar, "ms", day + 2, left, reachDays);
  if (found === null) return null;
  left -= found.before;
  for (const { from, to } of spansOf(calendar, found.day)) {
    if (left < to - from) return from + left;
    left -= to - from;
  }
  return null;
}

function goBack(calendar: BusinessCalendar, at: Instant, ms: number, reachDays: number): Instant | null {
  const day = dayAt(calendar, at);
  let left = ms;
  for (const { from, to } of around(calendar, day).reverse()) {
    const end = Math.min(to, at);
    if (from >= end) continue;
    if (left <= end - from) return end - left;
    left -= end - from;
  }
  const found = dayBefore(calendar, "ms", day - 2, left, reachDays);
  if (found === null) return null;
  left -= found.after;
  for (const { from, to } of spansOf(calendar, found.day).reverse()) {
    if (left <= to - from) return to - left;
    left -= to - from;
  }
  return null;
}

/** How much working time lies in `[from, to)`, in milliseconds; null when they are more than forty years apart. */
export function workingMsBetween(calendar: BusinessCalendar, from: Instant, to: Instant): number | null {
  const first = dayAt(calendar, from) - 1;
  const last = dayAt(calendar, to) + 1;
  if (last - first > FARTHEST_DAYS) return null;
  const within = (begin: Day, end: Day): number => {
    let sum = 0;
    for (let day = begin; day <= end; day += 1)
      for (const span of spansOf(calendar, day)) sum += overlap(span, from, to);
    return sum;
  };
  if (last - first < 6) return within(first, last);
  return within(first, first + 2) + sumOf(calendar, "ms", first + 3, last - 2) + within(last - 2, last);
}

/**
 * The same time of day so many working days later, or earlier, on the calendar's clock; the day of `at` itself isn't counted.
 * Null: there are not so many within reach.
 */
export function addWorkingDays(
  calendar: BusinessCalendar,
  at: Instant,
  days: number,
  reachDays = FARTHEST_DAYS,
): Instant | null {
  if (days === 0) return at;
  const wall = toWallClock(at, calendar.zone);
  const day = dayOfWall(wall);
  const found =
    days > 0
      ? dayBeyond(calendar, "days", day + 1, days - 1, reachDays)
      : dayBefore(calendar, "days", day - 1, -days, reachDays);
  return found && toInstant(found.day * MS_PER_DAY + (wall - day * MS_PER_DAY), calendar.zone);
}

/** How many working days come after the day of `from` up to that of `to`; null when they are more than forty years apart. */
export function workingDaysBetween(calendar: BusinessCalendar, from: Instant, to: Instant): number | null {
  const [first, last] = [dayAt(calendar, from) + 1, dayAt(calendar, to) + 1];
  if (last - first > FARTHEST_DAYS) return null;
  return sumOf(calendar, "days", first, last);
}

function dayAt({ zone }: BusinessCalendar, at: Instant): Day {
  return dayOfWall(toWallClock(at, zone));
}

function around(calendar: BusinessCalendar, day: Day): Span[] {
  return [day - 1, day, day + 1].flatMap((near) => spansOf(calendar, near));
}

function overlap(span: Span, from: Instant, to: Instant): number {
  return Math.max(0, Math.min(span.to, to) - Math.max(span.from, from));
}
