import { type Instant, MS_PER_MINUTE } from "../instant.ts";

export const MIN_FACTOR = 1.1;
export const MAX_FACTOR = 10;
export const DEFAULT_FACTOR = 2;
/** Thirty days: the longest wait where nobody names one. */
export const DEFAULT_MAX_INTERVAL_MINUTES = 30 * 24 * 60;

export interface Backoff {
  /** The first wait. */
  intervalMinutes: number;
  /** Each wait is this many times the one before. */
  factor: number;
  /** No wait is longer. */
  maxIntervalMinutes: number;
  /** Where the waits begin. */
  anchorAt: Instant;
}

/** The first instant strictly later than `after` of: the anchor, and what follows it by ever longer waits. */
export function nextBackoff(
  { intervalMinutes, factor, maxIntervalMinutes, anchorAt }: Backoff,
  after: Instant,
): Instant {
  const longestMs = Math.max(intervalMinutes, maxIntervalMinutes) * MS_PER_MINUTE;
  const growth = Math.max(MIN_FACTOR, factor);
  let at = anchorAt;
  let waitMs = intervalMinutes * MS_PER_MINUTE;
  // Growing by a tenth at least, any wait is the longest after some 150 rounds.
  while (at <= after && waitMs < longestMs) {
    at += Math.round(waitMs);
    waitMs *= growth;
  }
  if (at > after) return at;
  return at + (Math.floor((after - at) / longestMs) + 1) * longestMs;
}
