import { type Instant, MS_PER_MINUTE } from "../instant.ts";

/** Longest interval accepted: ten years, so that every due instant stays within the years a database and a person can read. */
export const MAX_INTERVAL_MINUTES = 10 * 366 * 24 * 60;

export interface Recurring {
  intervalMinutes: number;
  /** The first due instant of the series; the others lie whole intervals after it, so firing late never drifts. */
  anchorAt: Instant;
}

/** The first `anchorAt + k * interval` (k any whole number) strictly later than `after`. Whoever asks begins at the anchor. */
export function nextRecurring({ intervalMinutes, anchorAt }: Recurring, after: Instant): Instant {
  const intervalMs = intervalMinutes * MS_PER_MINUTE;
  const intervalsPassed = Math.floor((after - anchorAt) / intervalMs);
  return anchorAt + (intervalsPassed + 1) * intervalMs;
}

/** How many due instants of the series lie in `(from, until]`; `from` itself need not be one. */
export function countRecurring({ intervalMinutes, anchorAt }: Recurring, from: Instant, until: Instant): number {
  if (until <= from) return 0;
  const intervalMs = intervalMinutes * MS_PER_MINUTE;
  return Math.floor((until - anchorAt) / intervalMs) - Math.floor((from - anchorAt) / intervalMs);
}
