import { type Instant, MS_PER_MINUTE } from "../instant.ts";
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

/** So many, as a person is told: beyond `MOST_MISSED` nobody may have counted on. */
export function sayHowMany(missed: number): string {
  return missed >= MOST_MISSED ? `at least ${missed}` : String(missed);
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

/** The newest of them, at most so many, the earliest first. */
export function listNewestMissed(timetable: Timetable, from: Instant, until: Instant, most: number): Occurrence[] {
  for (let span = most * MS_PER_MINUTE; ; span *= 4) {
    const since = Math.max(from, until - span);
    const missed = listMissed(timetable, since, until);
    if (missed.length >= MOST_MISSED) return listNewestOfMany(timetable, until, span, most);
    if (missed.length >= most || since === from) return missed.slice(-most);
  }
}

/** Where so many lie in `span` before its end that nobody walks over them, but too few in a quarter of it. */
function listNewestOfMany(timetable: Timetable, until: Instant, span: number, most: number): Occurrence[] {
  let [few, many] = [span / 4, span];
  let newest: Occurrence[] = [];
  while (many - few > MS_PER_MINUTE) {
    const middle = Math.floor((few + many) / 2);
    const missed = listMissed(timetable, until - middle, until);
    if (missed.length >= MOST_MISSED) many = middle;
    else {
      newest = missed;
      if (missed.length >= most) break;
      few = middle;
    }
  }
  return newest.slice(-most);
}
