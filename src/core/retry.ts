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

export const DEFAULT_RETRY: RetryPolicy = { maxAttempts: 5, baseSeconds: 15, factor: 4, capSeconds: 6 * 3600 };

/** Waits are spread by up to this share either way, so that what failed together doesn't come back together. */
const JITTER = 0.2;

/**
 * Milliseconds to wait after failed try number `attempt` (1 is the first), or null when there are no tries left.
 * `random` is a number in [0, 1) that the caller draws, so the function stays pure. A receiver's own `retryAfterMs`
 * lengthens the wait, never shortens it, and is capped like it.
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number, random: number, retryAfterMs = 0): number | null {
  if (attempt >= policy.maxAttempts) return null;
  const capMs = policy.capSeconds * 1000;
  const exponential = Math.min(capMs, policy.baseSeconds * 1000 * policy.factor ** (attempt - 1));
  const spread = exponential * (1 - JITTER + 2 * JITTER * random);
  return Math.round(Math.max(spread, Math.min(capMs, retryAfterMs)));
}
