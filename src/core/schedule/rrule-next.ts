import { MS_PER_MINUTE } from "../instant.ts";
import { type Day, dateOf, dayOf, dayOfWall, daysInMonth, daysInYear, MS_PER_DAY, weekdayOf } from "./calendar.ts";
import { isDayOfRule } from "./rrule-days.ts";
import type { RuleParts } from "./rrule-parts.ts";
import type { WallClock } from "./wall-clock.ts";

/** A rule in which nothing is left open. */
export interface Recurrence extends RuleParts {
  startAt: WallClock;
  /** Its last instance is not later. */
  untilAt: WallClock;
  /** Of rules by years, months, weeks and days: the times of each of their days, in milliseconds and in order. */
  times: readonly number[];
}

const MS_PER_HOUR = 3_600_000;
/**
 * So many days and steps are looked at for one answer: every day of 136 years. The rarest day that a rule can name, 29 February on
 * a weekday, keeps one waiting for 40 years at most; and a rule with an interval looks at fewer days than there are.
 */
const MOST_STEPS = 50_000;

/** What one answer may cost. A rule that asks for more has no next instance as far as anybody here will ever know. */
export class Budget {
  #left: number;

  constructor(steps = MOST_STEPS) {
    this.#left = steps;
  }

  /** False once nothing is left. */
  take(): boolean {
    this.#left -= 1;
    return this.#left > 0;
  }

  get isSpent(): boolean {
    return this.#left <= 0;
  }
}

/** The first instance of the rule strictly after `after`; null when there is none, or the budget is spent. */
export function nextOfRule(rule: Recurrence, after: WallClock, budget: Budget): WallClock | null {
  const from = Math.max(after, rule.startAt - 1);
  if (from >= rule.untilAt) return null;
  const next =
    rule.freq === "HOURLY" || rule.freq === "MINUTELY"
      ? nextByClock(rule, from, budget)
      : nextByDate(rule, from, budget);
  return next !== null && next <= rule.untilAt ? next : null;
}

/** Years, months, weeks and days: a period is a stretch of days, each with the same times. */
function nextByDate(rule: Recurrence, after: WallClock, budget: Budget): WallClock | null {
  const { times } = rule;
  for (let index = Math.max(0, periodOf(rule, after)); ; index += 1) {
    const period = daysOfPeriod(rule, index);
    if (period.first * MS_PER_DAY > rule.untilAt) return null;
    const next =
      rule.positions.length > 0
        ? nextByPosition(rule, matching(rule, period, budget), times, after)
        : nextOfDays(rule, period, times, after, budget);
    if (next !== null) return next;
    if (!budget.take()) return null;
  }
}

interface Period {
  first: Day;
  last: Day;
}

function nextOfDays(
  rule: Recurrence,
  { first, last }: Period,
  times: readonly number[],
  after: WallClock,
  budget: Budget,
): WallClock | null {
  for (let day = Math.max(first, dayOfWall(after)); day <= last; day += 1) {
    if (!budget.take()) return null;
    if (!isDayOfRule(rule, day)) continue;
    const time = times.find((ms) => day * MS_PER_DAY + ms > after);
    if (time !== undefined) return day * MS_PER_DAY + time;
  }
  return null;
}

function matching(rule: Recurrence, { first, last }: Period, budget: Budget): Day[] {
  const days: Day[] = [];
  for (let day = first; day <= last; day += 1) {
    if (!budget.take()) return [];
    if (isDayOfRule(rule, day)) days.push(day);
  }
  return days;
}

/** BYSETPOS: of all the period's instances, days times times, the n-th; without ever listing them. */
function nextByPosition(
  { positions }: Recurrence,
  days: readonly Day[],
  times: readonly number[],
  after: WallClock,
): WallClock | null {
  const all = days.length * times.length;
  let next: WallClock | null = null;
  for (const position of positions) {
    const index = position > 0 ? position - 1 : all + position;
    if (index < 0 || index >= all) continue;
    const day = days[Math.floor(index / times.length)] as Day;
    const wall = day * MS_PER_DAY + (times[index % times.length] as number);
    if (wall > after && (next === null || wall < next)) next = wall;
  }
  return next;
}

/** The number of the period that holds this reading, or of the last one before it. DTSTART's own is 0. */
function periodOf({ freq, interval, startAt, weekStart }: Recurrence, wall: WallClock): number {
  const [start, day] = [dayOfWall(startAt), dayOfWall(wall)];
  const [from, to] = [dateOf(start), dateOf(day)];
  switch (freq) {
    case "YEARLY":
      return Math.floor((to.year - from.year) / interval);
    case "MONTHLY":
      return Math.floor((to.year * 12 + to.month - from.year * 12 - from.month) / interval);
    case "WEEKLY":
      return Math.floor((weekOf(day, weekStart) - weekOf(start, weekStart)) / 7 / interval);
    default:
      return Math.floor((day - start) / interval);
  }
}

function daysOfPeriod({ freq, interval, startAt, weekStart }: Recurrence, index: number): Period {
  const start = dayOfWall(startAt);
  const { year, month } = dateOf(start);
  switch (freq) {
    case "YEARLY": {
      const first = dayOf(year + index * interval, 1, 1);
      return { first, last: first + daysInYear(year + index * interval) - 1 };
    }
    case "MONTHLY": {
      const first = dayOf(year, month + index * interval, 1);
      const date = dateOf(first);
      return { first, last: first + daysInMonth(date.year, date.month) - 1 };
    }
    case "WEEKLY": {
      const first = weekOf(start, weekStart) + index * interval * 7;
      return { first, last: first + 6 };
    }
    default:
      return { first: start + index * interval, last: start + index * interval };
  }
}

/** The first day of the week that holds the day. */
function weekOf(day: Day, weekStart: number): Day {
  return day - ((weekdayOf(day) - weekStart + 7) % 7);
}

/** Hours and minutes: a period is one of them, and what leaves out a whole day or hour is passed over in one step. */
function nextByClock(rule: Recurrence, after: WallClock, budget: Budget): WallClock | null {
  const unitMs = rule.freq === "HOURLY" ? MS_PER_HOUR : MS_PER_MINUTE;
  const stepMs = unitMs * rule.interval;
  const startAt = Math.floor(rule.startAt / unitMs) * unitMs;
  let index = Math.max(0, Math.floor((after - startAt) / stepMs));
  for (;;) {
    if (!budget.take()) return null;
    const period = startAt + index * stepMs;
    if (period > rule.untilAt) return null;
    const day = dayOfWall(period);
    const leap = !isDayOfRule(rule, day) ? afterDay(rule, day) : afterHour(rule, period);
    if (leap !== null) {
      index = Math.ceil((leap - startAt) / stepMs);
      continue;
    }
    const next = nextInPeriod(rule, period, after);
    if (next !== null) return next;
    index += 1;
  }
}

/** Where to go on after a day that doesn't hold: the next day, or the next month when its month doesn't. */
function afterDay({ months }: RuleParts, day: Day): WallClock {
  const { year, month } = dateOf(day);
  const isMonth = months.length === 0 || months.includes(month);
  return (isMonth ? day + 1 : dayOf(year, month + 1, 1)) * MS_PER_DAY;
}

/** The end of an hour that the rule leaves out; null for one that it has. */
function afterHour({ hours }: RuleParts, period: WallClock): WallClock | null {
  if (hours.length === 0) return null;
  const hour = Math.floor(period / MS_PER_HOUR);
  return hours.includes(hour % 24) ? null : (hour + 1) * MS_PER_HOUR;
}

function nextInPeriod(rule: Recurrence, period: WallClock, after: WallClock): WallClock | null {
  const { freq, minutes, seconds, positions } = rule;
  const minute = Math.floor(period / MS_PER_MINUTE) % 60;
  if (freq === "MINUTELY" && minutes.length > 0 && !minutes.includes(minute)) return null;
  const starts = freq === "HOURLY" ? minutes.map((minute) => period + minute * MS_PER_MINUTE) : [period];
  const walls = starts.flatMap((start) => seconds.map((second) => start + second * 1_000));
  if (positions.length === 0) return walls.find((wall) => wall > after) ?? null;
  const chosen = positions.map((position) => walls[position > 0 ? position - 1 : walls.length + position]);
  const later = chosen.filter((wall): wall is number => wall !== undefined && wall > after);
  return later.length > 0 ? Math.min(...later) : null;
}
