import { type Day, dateOf, dayOf, daysInMonth, daysInYear, weekdayOf } from "./calendar.ts";
import type { ByDay, RuleParts } from "./rrule-parts.ts";

/** Whether a day is one of the rule's: every list that restricts the day must have it. */
export function isDayOfRule(rule: RuleParts, day: Day): boolean {
  const { months, monthDays, weekdays, yearDays, weekNumbers } = rule;
  if (weekdays.length > 0 && !weekdays.some(({ weekday }) => weekday === weekdayOf(day))) return false;
  if (months.length + monthDays.length + yearDays.length + weekNumbers.length === 0 && !counts(rule)) return true;

  const { year, month, dayOfMonth } = dateOf(day);
  if (months.length > 0 && !months.includes(month)) return false;
  if (monthDays.length > 0) {
    const fromEnd = dayOfMonth - daysInMonth(year, month) - 1;
    if (!monthDays.includes(dayOfMonth) && !monthDays.includes(fromEnd)) return false;
  }
  if (yearDays.length > 0) {
    const dayOfYear = day - dayOf(year, 1, 1) + 1;
    if (!yearDays.includes(dayOfYear) && !yearDays.includes(dayOfYear - daysInYear(year) - 1)) return false;
  }
  if (weekNumbers.length > 0 && !isInWeek(rule, day, year)) return false;
  if (!counts(rule)) return true;
  const byYear = rule.freq === "YEARLY" && months.length === 0;
  const place = byYear
    ? { nth: day - dayOf(year, 1, 1), left: dayOf(year, 12, 31) - day }
    : { nth: dayOfMonth - 1, left: daysInMonth(year, month) - dayOfMonth };
  return weekdays.some((wanted) => isNth(wanted, day, place));
}

function counts({ weekdays }: RuleParts): boolean {
  return weekdays.some(({ nth }) => nth !== 0);
}

/** `nth` and `left`: days of the month or year before and after the day. */
function isNth({ weekday, nth }: ByDay, day: Day, place: { nth: number; left: number }): boolean {
  if (weekdayOf(day) !== weekday) return false;
  if (nth === 0) return true;
  return nth > 0 ? Math.floor(place.nth / 7) + 1 === nth : Math.floor(place.left / 7) + 1 === -nth;
}

/** Weeks as ISO 8601 numbers them, but from WKST: the first has at least four days of its year. */
function isInWeek({ weekNumbers, weekStart }: RuleParts, day: Day, year: number): boolean {
  const ofYear = [year + 1, year, year - 1].find((candidate) => firstWeek(candidate, weekStart) <= day) as number;
  const first = firstWeek(ofYear, weekStart);
  const weeks = (firstWeek(ofYear + 1, weekStart) - first) / 7;
  const number = Math.floor((day - first) / 7) + 1;
  return weekNumbers.includes(number) || weekNumbers.includes(number - weeks - 1);
}

function firstWeek(year: number, weekStart: number): Day {
  const fourth = dayOf(year, 1, 4);
  return fourth - ((weekdayOf(fourth) - weekStart + 7) % 7);
}
