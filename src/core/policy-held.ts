import {
  type Escalating,
  followsAt,
  ownBeginOf,
  placed,
  SHORTEST_APART_MS,
  stepInForce,
  stepToCome,
} from "./escalation.ts";
import type { Instant } from "./instant.ts";
import type { Step } from "./policy.ts";
import { nextOccurrence, type Occurrence, type Timetable } from "./schedule/schedule.ts";
import { waited } from "./step-wait.ts";

interface Due {
  at: Instant;
  lastOccurrenceAt: Instant | null;
}

/**
 * While the message of a step still waits, to give that step again would only take the message's place, and use an occurrence up. So an
 * occurrence that is due then by the policy alone is put off: this says until when. Null: it isn't put off.
 */
export function dueOnceGiven(
  { policy, escalation, wasGiven, waitsUntil = null, deadlineAt }: Escalating,
  due: Due,
  now: Instant,
  timetable: Timetable,
): Occurrence | null {
  if (escalation === null || wasGiven !== false || waitsUntil === null || waitsUntil <= now) return null;
  const { business } = timetable;
  const step = stepInForce(policy, escalation);
  const begin = stepToCome(policy, escalation, deadlineAt, business);
  // Before that somebody has asked for it.
  if (begin === null || due.at < begin) return null;
  const rhythm = rhythmOf(step, due, { deadlineAt, now }, timetable);
  if (rhythm === "it is") return null;
  const ownBegin = ownBeginOf(step, escalation, deadlineAt, business);
  const after = placed(timetable, followsAt(waitsUntil, begin, ownBegin) ?? waitsUntil + SHORTEST_APART_MS, now);
  // After its end it would never come: at the end it is looked at once more, for what held the message back may be over sooner.
  const at = Math.min(after, timetable.bounds.endAt ?? after);
  if (at <= now) return null;
  return rhythm !== null && rhythm.at <= at ? rhythm : asOccurrence(at);
}

/** When the step is given again after `due` anyway, by its own interval or else as the reminder is due; null: never. */
function rhythmOf(
  { interval }: Step,
  due: Due,
  { deadlineAt, now }: { deadlineAt: Instant | null; now: Instant },
  timetable: Timetable,
): Occurrence | null | "it is" {
  const late = Math.max(now, due.at);
  if (interval === null) {
    const isIt = nextOccurrence(timetable, due.at - 1)?.at === due.at;
    return isIt ? "it is" : nextOccurrence(timetable, late);
  }
  const { lastOccurrenceAt } = due;
  if (lastOccurrenceAt === null) return "it is";
  const { business } = timetable;
  const base = due.at - 1;
  const own = waited(interval, { occurrenceAt: lastOccurrenceAt, base, deadlineAt, business });
  const at = placed(timetable, own.at, base);
  return at <= late ? "it is" : asOccurrence(at);
}

function asOccurrence(at: Instant): Occurrence {
  return { at, wallAt: null, meantAt: at };
}
