/** When a reminder is due, as it is kept. What works it out stands beside this and knows nothing of reminders. */

import type { Instant } from "../instant.ts";

/**
 * When a reminder is due. Intervals are elapsed time: a day is 24 hours whatever the clocks on the wall do. The kinds in
 * `WALL_CLOCK_TYPES` go by the clocks on the wall of the reminder's time zone.
 */
export type Schedule =
  | { type: "one_time" }
  | { type: "recurring"; intervalMinutes: number; anchorAt: Instant }
  | { type: "backoff"; intervalMinutes: number; factor: number; maxIntervalMinutes: number; anchorAt: Instant }
  | { type: "cron"; cron: string }
  | { type: "rrule"; rrule: string }
  | { type: "offsets"; offsets: readonly string[]; anchorAt: Instant };

export const SCHEDULE_TYPES = [
  "one_time",
  "recurring",
  "cron",
  "rrule",
  "offsets",
  "backoff",
] as const satisfies readonly Schedule["type"][];

export const WALL_CLOCK_TYPES = ["cron", "rrule", "offsets"] as const satisfies readonly Schedule["type"][];

/** True for a schedule whose instants depend on a time zone's rules. */
export function goesByWallClock({ type }: Pick<Schedule, "type">): boolean {
  return (WALL_CLOCK_TYPES as readonly string[]).includes(type);
}

export const MISFIRE_POLICIES = ["catch_up_once", "skip", "all"] as const;
/** What becomes of occurrences that no worker fired in time. */
export type MisfirePolicy = (typeof MISFIRE_POLICIES)[number];

/** What narrows a schedule, whatever its kind. */
export interface Bounds {
  /** Nothing is due before; null: no limit. */
  startAt: Instant | null;
  /** Nothing is due after; null: no limit. */
  endAt: Instant | null;
  maxOccurrences: number | null;
  /** Each occurrence is up to this much later, always the same for the same occurrence. */
  jitterSeconds: number;
  misfirePolicy: MisfirePolicy;
}

export const NO_BOUNDS: Bounds = Object.freeze({
  startAt: null,
  endAt: null,
  maxOccurrences: null,
  jitterSeconds: 0,
  misfirePolicy: "catch_up_once",
});

/** What tells apart the occurrences of one instant. */
export interface ReminderName {
  entityType: string;
  entityId: string;
  eventType: string;
}
