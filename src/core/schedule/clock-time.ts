/** A time of the day as people write it: "09:00"; "24:00" is the end of the day. */
export const CLOCK_TIME = /^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/;

export const MINUTES_PER_DAY = 24 * 60;

/** 0 is Sunday, as in `weekdayOf`. */
export const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** The minute of the day; NaN for what is no time. */
export function minuteOf(time: string): number {
  if (!CLOCK_TIME.test(time)) return Number.NaN;
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}
