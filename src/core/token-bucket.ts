/** So many per minute on average, and as many at once after a minute of rest. */
export interface Rate {
  perMinute: number;
}

/** What is left, and when that was so. Times are in milliseconds of any clock that only goes forward. */
export interface Bucket {
  tokens: number;
  atMs: number;
}

export interface Taken {
  bucket: Bucket;
  isGranted: boolean;
  /** Whole tokens that are left. */
  remaining: number;
  /** Until there is one again; 0 if there is one now. */
  waitMs: number;
  /** Until it is full again. */
  fullMs: number;
}

const MINUTE_MS = 60_000;

/** A bucket that nobody has taken from yet. */
export function fullBucket({ perMinute }: Rate, nowMs: number): Bucket {
  return { tokens: perMinute, atMs: nowMs };
}

/**
 * Takes a token, if there is one. Pure. One that isn't granted costs nothing: whoever keeps asking in vain gets as much as
 * one who waits. A rate that has changed meanwhile counts from now on.
 */
export function take(bucket: Bucket, rate: Rate, nowMs: number): Taken {
  const refilled = refill(bucket, rate, nowMs);
  const isGranted = refilled.tokens >= 1;
  const after = isGranted ? { ...refilled, tokens: refilled.tokens - 1 } : refilled;
  const msPerToken = MINUTE_MS / rate.perMinute;
  return {
    bucket: after,
    isGranted,
    remaining: Math.floor(after.tokens),
    waitMs: Math.max(0, (1 - after.tokens) * msPerToken),
    fullMs: (rate.perMinute - after.tokens) * msPerToken,
  };
}

/** The bucket as it is at `nowMs`, if nobody takes anything. */
export function refill({ tokens, atMs }: Bucket, { perMinute }: Rate, nowMs: number): Bucket {
  const gained = (Math.max(0, nowMs - atMs) * perMinute) / MINUTE_MS;
  return { tokens: Math.min(perMinute, tokens + gained), atMs: Math.max(atMs, nowMs) };
}
