import {
  type Escalating,
  followsAt,
  ownBeginOf,
  placed,
  SHORTEST_APART_MS,
  stepInForce,
  stepToCome,
} from "./escalation.ts";
import type { Instant } from "./reminder.ts";
import { nextOccurrence, type Occurrence, type Timetable } from "./schedule/schedule.ts";

/**
 * While the message of a step still waits, to give that step again would only take the message's place, and use an occurrence up. So an
 * occurrence that is due then by the policy alone is put off: this says until when. Null: it isn't put off.
 */
export function dueOnceGiven(
  { policy, escalation, wasGiven, waitsUntil = null, deadlineAt }: Escalating,
  dueAt: Instant,
  now: Instant,
  timetable: Timetable,
): Occurrence | null {
  if (escalation === null || wasGiven !== false || waitsUntil === null || waitsUntil <= now) return null;
  const step = stepInForce(policy, escalation);
  const begin = stepToCome(policy, escalation, deadlineAt, timetable.business);
  const isItsRhythm = step.interval !== null || nextOccurrence(timetable, dueAt - 1)?.at === dueAt;
  if (begin === null || isItsRhythm) return null;
  const ownBegin = ownBeginOf(step, escalation, deadlineAt, timetable.business);
  const at = placed(timetable, followsAt(waitsUntil, begin, ownBegin) ?? waitsUntil + SHORTEST_APART_MS, now);
  const { endAt } = timetable.bounds;
  // After its end it would never come.
  if (endAt !== null && at > endAt) return null;
  const scheduled = nextOccurrence(timetable, Math.max(now, dueAt));
  return scheduled !== null && scheduled.at <= at ? scheduled : { at, wallAt: null, meantAt: at };
}
