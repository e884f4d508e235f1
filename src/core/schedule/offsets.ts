import type { Instant } from "../reminder.ts";
import { addDate, parseDuration } from "./duration.ts";
import { RuleError } from "./rule-error.ts";
import { toInstant, toWallClock, type WallClock } from "./wall-clock.ts";

export const MOST_OFFSETS = 100;

export interface Offsets {
  /** Durations of ISO 8601, before (`-P7D`) and after (`P3D`) the anchor. */
  offsets: readonly string[];
  anchorAt: Instant;
}

/**
 * The due instants around an anchor, in order, each once. Dates are counted by the calendar, at the anchor's time of day in
 * the zone; hours, minutes and seconds are elapsed time. Throws a `RuleError`.
 */
export function offsetInstants({ offsets, anchorAt }: Offsets, zone: string): Instant[] {
  if (offsets.length > MOST_OFFSETS) throw new RuleError(`must be at most ${MOST_OFFSETS}`);
  const anchor = toWallClock(anchorAt, zone);
  const instants = offsets.map((text) => {
    const duration = parseDuration(text);
    const isSameDate = duration.months === 0 && duration.days === 0;
    return (isSameDate ? anchorAt : toInstant(addDate(anchor, duration), zone)) + duration.ms;
  });
  return [...new Set(instants)].sort((a, b) => a - b);
}

/** The first of them strictly later than `after` whose wall clock is later than `beyond`, or null. */
export function nextOffset(offsets: Offsets, zone: string, after: Instant, beyond: WallClock | null): Instant | null {
  const next = offsetInstants(offsets, zone).find(
    (instant) => instant > after && (beyond === null || toWallClock(instant, zone) > beyond),
  );
  return next ?? null;
}
