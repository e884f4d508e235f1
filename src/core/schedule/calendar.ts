import type { Instant } from "../instant.ts";
import type { WallClock } from "./wall-clock.ts";

/** Days since 1970-01-01, in the Gregorian calendar. */
export type Day = number;

export const MS_PER_DAY = 86_400_000;
/** Nothing is due in a year that takes five digits. */
export const LAST_DAY: Day = Date.UTC(9999, 11, 31) / MS_PER_DAY;
export const LAST_INSTANT: Instant = (LAST_DAY + 1) * MS_PER_DAY - 1;

/** `month` is 1 for January, and may lie outside 1 to 12: it then leads into other years. */
export function dayOf(year: number, month: number, dayOfMonth: number): Day {
  return Date.UTC(year, month - 1, dayOfMonth) / MS_PER_DAY;
}

export interface CalendarDate {
  year: number;
  /** 1 is January. */
  month: number;
  dayOfMonth: number;
}

export function dateOf(day: Day): CalendarDate {
  const date = new Date(day * MS_PER_DAY);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, dayOfMonth: date.getUTCDate() };
}

export function dayOfWall(wall: WallClock): Day {
  return Math.floor(wall / MS_PER_DAY);
}

/** 0 is Sunday. */
export function weekdayOf(day: Day): number {
  return (((day + 4) % 7) + 7) % 7;
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return daysInYear(year) === 366 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

export function daysInYear(year: number): number {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 366 : 365;
}
