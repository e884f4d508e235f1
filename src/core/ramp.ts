/** How the start of a lot of overdue work grows: gently at first, and soon as fast as everything else. */
export interface Ramp {
  /** How many a second at the start; 0: no ramp, everything at once. */
  perSecond: number;
  /** After each of these periods twice as many a second. */
  doublesEverySeconds: number;
}

/** How many may have begun in all, `elapsedMs` milliseconds after the first. */
export function rampedUpTo({ perSecond, doublesEverySeconds }: Ramp, elapsedMs: number): number {
  if (perSecond === 0) return Number.POSITIVE_INFINITY;
  const doublings = elapsedMs / 1000 / doublesEverySeconds;
  // The area under perSecond * 2^(t / doublesEverySeconds).
  return Math.floor(((perSecond * doublesEverySeconds) / Math.LN2) * (2 ** doublings - 1));
}
