export interface RetryPolicy {
  /** Delivery attempts of one message in all, the first one included. Occurrences are not counted by it. */
  maxAttempts: number;
  /** Wait after the first failed attempt, in seconds. */
  baseSeconds: number;
  /** Each wait is this many times the one before. */
  factor: number;
  /** No wait is longer than this, in seconds (before jitter). */
  capSeconds: number;
}

/** Waits written out one by one, for those that don't grow by a factor. */
export interface RetrySchedule {
  /** The wait after each failed attempt, in seconds: one fewer than there are attempts. */
  waitsSeconds: readonly number[];
  /** What a receiver asks for is cut to this, in seconds. */
  capSeconds: number;
}

export type Retries = RetryPolicy | RetrySchedule;

export const DEFAULT_RETRY: RetryPolicy = { maxAttempts: 5, baseSeconds: 15, factor: 4, capSeconds: 6 * 3600 };

/** Waits are spread by up to this share either way, so that what failed together doesn't come back together. */
const JITTER = 0.2;

/** Delivery attempts of one message in all, the first one included. */
export function attemptsIn(retries: Retries): number {
  return "waitsSeconds" in retries ? retries.waitsSeconds.length + 1 : retries.maxAttempts;
}

/**
 * Milliseconds to wait after failed try number `attempt` (1 is the first), or null when there are no tries left.
 * `random` is a number in [0, 1) that the caller draws, so the function stays pure. A receiver's own `retryAfterMs`
 * lengthens the wait, never shortens it, and is capped.
 */
export function retryDelayMs(retries: Retries, attempt: number, random: number, retryAfterMs = 0): number | null {
  if (attempt >= attemptsIn(retries)) return null;
  const spread = plannedMs(retries, attempt) * (1 - JITTER + 2 * JITTER * random);
  return Math.round(Math.max(spread, Math.min(retries.capSeconds * 1000, retryAfterMs)));
}

function plannedMs(retries: Retries, attempt: number): number {
  if ("waitsSeconds" in retries) return (retries.waitsSeconds[attempt - 1] ?? 0) * 1000;
  return Math.min(retries.capSeconds, retries.baseSeconds * retries.factor ** (attempt - 1)) * 1000;
}
