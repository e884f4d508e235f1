import type { Instant } from "../instant.ts";
import type { BusinessTime } from "./business.ts";
import { addWorkingDays, addWorkingMs } from "./business-time.ts";
import { addDate, parseDuration, parseWorkingDuration } from "./duration.ts";
import { RuleError } from "./rule-error.ts";
import { toInstant, toWallClock, type WallClock } from "./wall-clock.ts";

export const MOST_OFFSETS = 100;

/** Ten years of working hours may take many more; what is further away than this is not found. */
const REACH_DAYS = 20 * 366;

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
  return inOrder(instants);
}

/**
 * The same, counted by a calendar: days are working days at the anchor's time of day on the calendar's clock and, with
 * `working_time`, hours, minutes and seconds are working time. What lies more than twenty years away is left out. Throws a
 * `RuleError`.
 */
export function workingOffsetInstants(
  { offsets, anchorAt }: Offsets,
  { calendar, countsIn }: Pick<BusinessTime, "calendar" | "countsIn">,
): Instant[] {
  if (offsets.length > MOST_OFFSETS) throw new RuleError(`must be at most ${MOST_OFFSETS}`);
  const instants = offsets.map((text) => {
    const { days, ms } = parseWorkingDuration(text);
    const at = addWorkingDays(calendar, anchorAt, days, REACH_DAYS);
    if (at === null || ms === 0) return at;
    return countsIn === "working_time" ? addWorkingMs(calendar, at, ms, REACH_DAYS) : at + ms;
  });
  return inOrder(instants.filter((instant) => instant !== null));
}

function inOrder(instants: Instant[]): Instant[] {
  return [...new Set(instants)].sort((a, b) => a - b);
}

/** The first of them strictly later than `after` whose wall clock is later than `beyond`, or null. */
export function nextOffset(offsets: Offsets, zone: string, after: Instant, beyond: WallClock | null): Instant | null {
  const next = offsetInstants(offsets, zone).find(
    (instant) => instant > after && (beyond === null || toWallClock(instant, zone) > beyond),
  );
  return next ?? null;
}
