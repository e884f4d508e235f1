import { MS_PER_MINUTE } from "../instant.ts";
import { type Day, dateOf, dayOf, dayOfWall, daysInMonth, LAST_DAY, MS_PER_DAY, weekdayOf } from "./calendar.ts";
import type { CronRule, DayOfMonth, Weekday } from "./cron-fields.ts";
import type { WallClock } from "./wall-clock.ts";

/** The Gregorian calendar begins anew after 400 years, so what has no day in them never has one. */
const MONTHS_UNTIL_NEVER = 400 * 12;

/**
 * The first reading of the clock strictly after `after` that the rule names, or null when there is none ever. Where both the
 * day of the month and the day of the week are restricted, either will do, as every cron has it.
 */
export function nextCron(rule: CronRule, after: WallClock): WallClock | null {
  const today = dayOfWall(after);
  const minute = Math.floor((after - today * MS_PER_DAY) / MS_PER_MINUTE);
  const later = rule.minutes.find((candidate) => candidate > minute);
  const { year, month, dayOfMonth } = dateOf(today);
  if (later !== undefined && rule.months[month] && holds(rule, year, month, dayOfMonth)) return at(today, later);

  const first = rule.minutes[0] as number;
  for (let ahead = 0; ahead <= MONTHS_UNTIL_NEVER; ahead += 1) {
    const monthOf = ((month - 1 + ahead) % 12) + 1;
    if (!rule.months[monthOf]) continue;
    const yearOf = year + Math.floor((month - 1 + ahead) / 12);
    const days = daysInMonth(yearOf, monthOf);
    for (let day = ahead === 0 ? dayOfMonth + 1 : 1; day <= days; day += 1) {
      if (holds(rule, yearOf, monthOf, day)) return at(dayOf(yearOf, monthOf, day), first);
    }
  }
  return null;
}

function at(day: Day, minute: number): WallClock | null {
  return day > LAST_DAY ? null : day * MS_PER_DAY + minute * MS_PER_MINUTE;
}

function holds({ days, weekdays }: CronRule, year: number, month: number, dayOfMonth: number): boolean {
  if (days === null && weekdays === null) return true;
  const byDay = days?.some((day) => isDay(day, year, month, dayOfMonth)) ?? false;
  if (byDay || weekdays === null) return byDay;
  return weekdays.some((weekday) => isWeekday(weekday, year, month, dayOfMonth));
}

function isDay(wanted: DayOfMonth, year: number, month: number, dayOfMonth: number): boolean {
  switch (wanted.kind) {
    case "day":
      return wanted.day === dayOfMonth;
    case "last":
      return daysInMonth(year, month) - wanted.before === dayOfMonth;
    case "nearest":
      return wanted.day <= daysInMonth(year, month) && nearestWorkingDay(year, month, wanted.day) === dayOfMonth;
    case "last working day":
      return nearestWorkingDay(year, month, daysInMonth(year, month)) === dayOfMonth;
  }
}

/** Never leaves the month: from a Saturday the 1st it goes on to Monday the 3rd. */
function nearestWorkingDay(year: number, month: number, dayOfMonth: number): number {
  const weekday = weekdayOf(dayOf(year, month, dayOfMonth));
  if (weekday === 6) return dayOfMonth === 1 ? 3 : dayOfMonth - 1;
  if (weekday === 0) return dayOfMonth === daysInMonth(year, month) ? dayOfMonth - 2 : dayOfMonth + 1;
  return dayOfMonth;
}

function isWeekday(wanted: Weekday, year: number, month: number, dayOfMonth: number): boolean {
  if (weekdayOf(dayOf(year, month, dayOfMonth)) !== wanted.weekday) return false;
  switch (wanted.kind) {
    case "every":
      return true;
    case "nth":
      return Math.ceil(dayOfMonth / 7) === wanted.nth;
    case "last":
      return dayOfMonth + 7 > daysInMonth(year, month);
  }
}
