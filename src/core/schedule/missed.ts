import type { Instant } from "../reminder.ts";
import { countRecurring } from "./recurring.ts";
import { nextOccurrence, type Occurrence, type Timetable } from "./schedule.ts";

/** More missed occurrences than this are neither counted nor caught up with one by one. */
export const MOST_MISSED = 1_000;

/** How many occurrences lie in `(from, until]`: those that passed without a message. Of what has to be walked, `MOST_MISSED` at most. */
export function countMissed(timetable: Timetable, from: Instant, until: Instant): number {
  const { schedule, bounds } = timetable;
  const isPlain = bounds.jitterSeconds === 0 && bounds.startAt === null && bounds.endAt === null;
  if (schedule.type === "recurring" && isPlain && !timetable.business) {
    return countRecurring(schedule, Math.max(from, schedule.anchorAt - 1), until);
  }
  return listMissed(timetable, from, until).length;
}

/** The same occurrences, the earliest first. */
export function listMissed(timetable: Timetable, from: Instant, until: Instant): Occurrence[] {
  const missed: Occurrence[] = [];
  while (missed.length < MOST_MISSED) {
    const next = nextOccurrence(timetable, missed.at(-1)?.at ?? from, missed.at(-1)?.wallAt ?? null);
    if (next === null || next.at > until) break;
    missed.push(next);
  }
  return missed;
}
