import type { Instant } from "./instant.ts";
import { MS_PER_MINUTE } from "./instant.ts";
import { dateOf, dayOf, dayOfWall, MS_PER_DAY } from "./schedule/calendar.ts";
import { toInstant, toWallClock } from "./schedule/wall-clock.ts";

/** For so long at most may somebody put a reminder off. */
export const LONGEST_SILENCE_MS = 366 * MS_PER_DAY;
/** On a day that somebody names, it begins again at this hour of their clocks. */
const MORNING_MS = 9 * 60 * MS_PER_MINUTE;

const UNITS: Record<string, number> = {
  m: MS_PER_MINUTE,
  h: 60 * MS_PER_MINUTE,
  d: MS_PER_DAY,
  w: 7 * MS_PER_DAY,
};

/** What `30m`, `2h`, `1d` and `1w` are in milliseconds: elapsed time, a day is 24 hours. Null for anything else, and for nothing. */
export function spanOf(text: string): number | null {
  const [, count, unit] = /^(\d{1,4})([mhdw])$/.exec(text) ?? [];
  const ms = Number(count) * (UNITS[unit ?? ""] ?? Number.NaN);
  return ms > 0 ? ms : null;
}

/** The day that `2026-03-29` names; null where there is none of that name. */
export function namedDay(text: string): number | null {
  const [, year, month, dayOfMonth] = (/^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? []).map(Number);
  if (year === undefined || month === undefined || dayOfMonth === undefined) return null;
  const day = dayOf(year, month, dayOfMonth);
  const read = dateOf(day);
  return read.year === year && read.month === month && read.dayOfMonth === dayOfMonth ? day : null;
}

/** As `namedDay` reads it. */
export function nameOfDay(day: number): string {
  return new Date(day * MS_PER_DAY).toISOString().slice(0, 10);
}

/** Which day it is by the clocks of a zone. */
export function dayAt(instant: Instant, zone: string): number {
  return dayOfWall(toWallClock(instant, zone));
}

/** The morning of a day by the clocks of a zone. */
export function morningOf(day: number, zone: string): Instant {
  return toInstant(day * MS_PER_DAY + MORNING_MS, zone);
}

/**
 * Until when a reminder is to be silent: for a span from now on, or until a day by the clocks of `zone`, in the morning. A promise
 * holds through the day that it names, so it ends on the morning after. A sentence after "it must be" where that can't be.
 */
export function silentUntil(
  text: string,
  { now, zone, isPromise }: { now: Instant; zone: string; isPromise: boolean },
): Instant | string {
  const span = spanOf(text);
  const day = span === null ? namedDay(text) : null;
  if (span === null && day === null) return "a time like 2h, 1d or 1w, or a date like 2026-01-31";
  const until = span === null ? morningOf((day ?? 0) + (isPromise ? 1 : 0), zone) : now + span;
  return whyNotUntil(until, now) ?? until;
}

/** Completes the sentence "it must be ..." where nobody may be silent until then; null: they may. */
export function whyNotUntil(until: Instant, now: Instant): string | null {
  if (until <= now) return "later than now";
  return until - now > LONGEST_SILENCE_MS ? "at most 366 days from now" : null;
}
