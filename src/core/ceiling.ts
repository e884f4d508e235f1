import type { Instant } from "./instant.ts";
import { MS_PER_DAY } from "./schedule/calendar.ts";

/** The operator's limit to nagging for ever, for all reminders; null: none. */
export interface Ceiling {
  /** How often a reminder may fire. */
  occurrences: number | null;
  /** For how long it may go on firing. */
  ageDays: number | null;
}

export const NO_CEILING: Ceiling = Object.freeze({ occurrences: null, ageDays: null });

/** How far a reminder has come. */
export interface Progress {
  createdAt: Instant;
  occurrenceCount: number;
  /** Where it is counted from, if a person has resumed it. */
  countedFrom: { at: Instant; count: number } | null;
}

/** Why a reminder must not fire again unless a person says so; null: it may. One that has never fired nags nobody. */
export function ceilingReached(
  { occurrences, ageDays }: Ceiling,
  { createdAt, occurrenceCount, countedFrom }: Progress,
  now: Instant,
): string | null {
  const { at, count } = countedFrom ?? { at: createdAt, count: 0 };
  const fired = occurrenceCount - count;
  if (fired <= 0) return null;
  const since = countedFrom === null ? "" : " since somebody resumed it";
  if (occurrences !== null && fired >= occurrences) {
    return `it has fired ${times(fired)}${since}, as often as this installation lets a reminder; resume it if it is still wanted`;
  }
  if (ageDays !== null && now - at >= ageDays * MS_PER_DAY) {
    return `it has gone on for ${ageDays} days${since}, as long as this installation lets a reminder; resume it if it is still wanted`;
  }
  return null;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
