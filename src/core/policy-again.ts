import { asNextRun, NEVER, type NextRun } from "./decide.ts";
import { nextByPolicy, stepInForce, stepToCome } from "./escalation.ts";
import type { Instant } from "./instant.ts";
import { afterLastOccurrence } from "./occurrence.ts";
import type { Policy } from "./policy.ts";
import type { Reminder } from "./reminder.ts";
import { askedOccurrence, type Occurrence, type Timetable } from "./schedule/schedule.ts";

/** A reminder that has fired by its policy, and isn't due at present. */
interface Absent extends Pick<Reminder, "people"> {
  lastOccurrenceAt: Instant | null;
}

/**
 * When a reminder is due by its policy after an absence, or since its calendar was changed: as if its newest occurrence had only now been
 * decided. A step that has begun meanwhile is due at once. Null: it goes by none, hasn't fired by it yet, or isn't to before its start, so that its schedule says when.
 * `scheduled`: what that says; null: never.
 */
export function againByPolicy(
  { people: { escalation, deadlineAt }, lastOccurrenceAt }: Absent,
  policy: Policy | null | undefined,
  timetable: Timetable,
  now: Instant,
  scheduled: Occurrence | null,
): NextRun | null {
  if (!policy || escalation === null || lastOccurrenceAt === null) return null;
  const after = Math.max(now, lastOccurrenceAt);
  const { startAt, endAt } = timetable.bounds;
  // Nothing is due before its start: its schedule, which keeps to that, says what comes first, and the step comes with it.
  const isTooSoon = (at: Instant): boolean => startAt !== null && at < startAt;
  const begin = escalation.isOver ? null : stepToCome(policy, escalation, deadlineAt, timetable.business);
  if (begin !== null && begin <= after) {
    const { at } = askedOccurrence(timetable, afterLastOccurrence(now, { lastOccurrenceAt }));
    if (isTooSoon(at)) return null;
    return endAt !== null && at > endAt ? NEVER : { nextRunAt: at, nextWallAt: null };
  }
  const escalating = { policy, escalation, wasGiven: true, deadlineAt };
  const course = { step: stepInForce(policy, escalation), escalation, isNew: false, because: "" };
  const when = { occurrenceAt: lastOccurrenceAt, now: after, scheduled: scheduled?.at ?? null };
  const { nextRunAt, isScheduled } = nextByPolicy(escalating, course, when, timetable);
  if (nextRunAt === null) return NEVER;
  if (isTooSoon(nextRunAt)) return null;
  return { nextRunAt, nextWallAt: isScheduled ? asNextRun(scheduled).nextWallAt : null };
}
