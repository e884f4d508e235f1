import { type Instant, MS_PER_MINUTE } from "../instant.ts";
import { type BusinessCalendar, type Stretch, stretchesOf } from "./business-calendar.ts";
import { type Day, dateOf, dayOf, daysInYear, MS_PER_DAY } from "./calendar.ts";
import { offsetAt, toInstant } from "./wall-clock.ts";

/** No answer lies further from its question: of a series that is counted from its anchor, forty years. */
export const FARTHEST_DAYS = 40 * 366;
/** So many years of a calendar are remembered at a time. */
const MOST_YEARS = 128;

/** What is added up over days: their working time in milliseconds, or how many of them are working days. */
export type Sum = "ms" | "days";

/** The working time of a year, added up: at index n the sum of its first n days. */
interface Year {
  first: Day;
  days: Float64Array;
  ms: Float64Array;
}

/** A stretch of working time by instants. */
export interface Span {
  from: Instant;
  to: Instant;
}

/** When a day is open, in order. What the clocks skip has no length; an hour that comes twice counts twice where it is inside. */
export function spansOf(calendar: BusinessCalendar, day: Day): Span[] {
  const at = (minute: number): Instant => toInstant(day * MS_PER_DAY + minute * MS_PER_MINUTE, calendar.zone);
  return stretchesOf(calendar, day).map(({ from, to }) => ({ from: at(from), to: at(to) }));
}

/** The sum over the days of `[from, until)`. */
export function sumOf(calendar: BusinessCalendar, sum: Sum, from: Day, until: Day): number {
  let total = 0;
  for (let day = from; day < until; ) {
    const year = yearOf(calendar, day);
    const end = Math.min(until, endOf(year));
    total += at(year, sum, end) - at(year, sum, day);
    day = end;
  }
  return total;
}

/** The first day from `from` on with which the sum is more than `amount`, and the sum before it. Null: none within reach. */
export function dayBeyond(
  calendar: BusinessCalendar,
  sum: Sum,
  from: Day,
  amount: number,
  reachDays: number,
): { day: Day; before: number } | null {
  let before = 0;
  for (let day = from; day < from + reachDays; ) {
    const year = yearOf(calendar, day);
    const start = at(year, sum, day);
    const found = firstWhere(day, endOf(year), (end) => before + at(year, sum, end + 1) - start > amount);
    if (found < endOf(year)) return { day: found, before: before + at(year, sum, found) - start };
    before += at(year, sum, endOf(year)) - start;
    day = endOf(year);
  }
  return null;
}

/** The last day up to `until` from which the sum to `until` is at least `amount`, and the sum after it. Null: none within reach. */
export function dayBefore(
  calendar: BusinessCalendar,
  sum: Sum,
  until: Day,
  amount: number,
  reachDays: number,
): { day: Day; after: number } | null {
  let after = 0;
  for (let end = until + 1; end > until - reachDays; ) {
    const year = yearOf(calendar, end - 1);
    const total = at(year, sum, end);
    const tooLate = firstWhere(year.first, end, (day) => after + total - at(year, sum, day) < amount);
    if (tooLate > year.first) return { day: tooLate - 1, after: after + total - at(year, sum, tooLate) };
    after += total;
    end = year.first;
  }
  return null;
}

/** The first number of `[low, high)` for which it holds, which it does for all that follow; `high` when for none. */
function firstWhere(low: number, high: number, holds: (number: number) => boolean): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (holds(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}

function at(year: Year, sum: Sum, day: Day): number {
  return year[sum][day - year.first] as number;
}

function endOf({ first, days }: Year): Day {
  return first + days.length - 1;
}

const years = new WeakMap<BusinessCalendar, Map<number, Year>>();

function yearOf(calendar: BusinessCalendar, day: Day): Year {
  const { year: number } = dateOf(day);
  let known = years.get(calendar);
  if (!known) {
    known = new Map();
    years.set(calendar, known);
  }
  const before = known.get(number);
  if (before) return before;
  if (known.size >= MOST_YEARS) known.clear();
  const year = addUp(calendar, number);
  known.set(number, year);
  return year;
}

function addUp(calendar: BusinessCalendar, number: number): Year {
  const first = dayOf(number, 1, 1);
  const count = daysInYear(number);
  const days = new Float64Array(count + 1);
  const ms = new Float64Array(count + 1);
  let offset = Number.NaN;
  /** For so many days in a row up to the one after next the offset is the same. */
  let steadyDays = 0;
  // Midnights of UTC stand for those of the zone, which are less than a day off: hence so many around each day.
  for (let index = -3; index < count; index += 1) {
    const offsetThen = offsetAt((first + index + 2) * MS_PER_DAY, calendar.zone);
    steadyDays = offsetThen === offset ? steadyDays + 1 : 1;
    offset = offsetThen;
    if (index < 0) continue;
    const stretches = stretchesOf(calendar, first + index);
    const open = steadyDays >= 4 ? writtenMs(stretches) : elapsedMs(calendar, first + index);
    days[index + 1] = (days[index] as number) + (stretches.length > 0 ? 1 : 0);
    ms[index + 1] = (ms[index] as number) + open;
  }
  return { first, days, ms };
}

/** The working time of a day around which no clock changes: most are such, and forty years have many. */
function writtenMs(stretches: readonly Stretch[]): number {
  let minutes = 0;
  for (const { from, to } of stretches) minutes += to - from;
  return minutes * MS_PER_MINUTE;
}

function elapsedMs(calendar: BusinessCalendar, day: Day): number {
  return spansOf(calendar, day).reduce((ms, { from, to }) => ms + (to - from), 0);
}
