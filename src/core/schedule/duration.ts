import { dateOf, dayOf, daysInMonth, MS_PER_DAY } from "./calendar.ts";
import { RuleError } from "./rule-error.ts";
import type { WallClock } from "./wall-clock.ts";

/** A duration of ISO 8601: its calendar part moves the date, its time part is elapsed time. */
export interface Duration {
  months: number;
  days: number;
  ms: number;
}

const PATTERN =
  /^([+-])?P(?=\d|T\d)(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?$/;
/** Ten years, in days and in what time can be. */
const MOST_DAYS = 3_660;

/** Reads `P7D`, `-P1M`, `PT36H`. Throws a `RuleError`. */
export function parseDuration(text: string): Duration {
  const parts = PATTERN.exec(text.trim().toUpperCase());
  if (!parts) {
    throw new RuleError(
      `must be durations of ISO 8601 in whole numbers, like -P7D, PT0S or P1M, not ${JSON.stringify(text)}`,
    );
  }
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = parts
    .slice(2)
    .map((digits) => Number(digits ?? 0));
  const sign = parts[1] === "-" ? -1 : 1;
  const duration = {
    months: sign * (years * 12 + months),
    days: sign * (weeks * 7 + days),
    ms: sign * (hours * 3_600_000 + minutes * 60_000 + seconds * 1_000),
  };
  const inDays = Math.abs(duration.months) * 31 + Math.abs(duration.days) + Math.abs(duration.ms) / MS_PER_DAY;
  if (inDays > MOST_DAYS + 62) throw new RuleError(`must lie within ten years of anchor_at, which ${text} doesn't`);
  return duration;
}

/** A duration of which each part can be counted in working time. Throws a `RuleError`. */
export function parseWorkingDuration(text: string): { days: number; ms: number } {
  if (/[YW]|^[^T]*M/i.test(text)) {
    throw new RuleError(`must be days, hours, minutes and seconds where working time counts, which ${text} isn't`);
  }
  const { days, ms } = parseDuration(text);
  return { days, ms };
}

/** The same time of day on the date that lies so many months and days away; the 31st of a shorter month is its last day. */
export function addDate(wall: WallClock, { months, days }: Duration): WallClock {
  const day = Math.floor(wall / MS_PER_DAY);
  const { year, month, dayOfMonth } = dateOf(day);
  const target = dateOf(dayOf(year, month + months, 1));
  const clamped = Math.min(dayOfMonth, daysInMonth(target.year, target.month));
  return (dayOf(target.year, target.month, clamped) + days) * MS_PER_DAY + (wall - day * MS_PER_DAY);
}
