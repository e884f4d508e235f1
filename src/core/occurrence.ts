import type { Instant } from "./instant.ts";

/**
 * `instant`, or the first one after the newest occurrence if that is later. Occurrences only go forward: one that is due
 * at or before the newest would bear the name of one that exists.
 */
export function afterLastOccurrence(
  instant: Instant,
  { lastOccurrenceAt }: { lastOccurrenceAt: Instant | null },
): Instant {
  return lastOccurrenceAt === null ? instant : Math.max(instant, lastOccurrenceAt + 1);
}
