import type { Instant } from "./instant.ts";

export const SILENT_BY = ["snooze", "acknowledgement"] as const;

/**
 * Until when nothing is sent, because somebody said so: they have put it off, or acknowledged it and promised to do it by then. The
 * reminder is due at that very instant. Stays in the row when that has passed: it tells what the message of that instant is about.
 */
export interface Silence {
  until: Instant;
  by: (typeof SILENT_BY)[number];
}

/** When a silence that reigns at `now` ends; null: none does. */
export function silenceEnd(silence: Silence | null | undefined, now: Instant): Instant | null {
  return silence && silence.until > now ? silence.until : null;
}

/**
 * When a silence ends that no message has followed yet; null: there is none. It may have passed: then the reminder is due at once,
 * whatever became of it meanwhile, so that nothing that was put off is forgotten.
 */
export function owedAfterSilence({
  silence,
  lastOccurrenceAt,
}: {
  silence: Silence | null;
  lastOccurrenceAt: Instant | null;
}): Instant | null {
  return silence && (lastOccurrenceAt === null || lastOccurrenceAt < silence.until) ? silence.until : null;
}

/** True where a due instant is the end of a silence: it was asked for, and is never passed over. */
export function endsSilence(instant: Instant | null, silence: Silence | null | undefined): boolean {
  return silence != null && silence.until === instant;
}
