import type { Instant } from "./instant.ts";
import type { Escalation, Policy, Step } from "./policy.ts";
import type { BusinessTime } from "./schedule/business.ts";
import { LAST_INSTANT } from "./schedule/calendar.ts";
import { askedOccurrence, type Timetable } from "./schedule/schedule.ts";
import { beginOf, whyBegun } from "./step-begin.ts";
import { waited } from "./step-wait.ts";

/** What a policy is asked with at an occurrence. */
export interface Escalating {
  policy: Policy;
  /** Where the reminder is in it; null: this is its first occurrence by a policy. */
  escalation: Escalation | null;
  /** True unless the message of the occurrence before was taken back before anybody got it; null: it is just being sent. */
  wasGiven: boolean | null;
  /** Where it wasn't: until when that message waits, for the end of quiet hours or its place, say; null or not set: it doesn't. */
  waitsUntil?: Instant | null;
  deadlineAt: Instant | null;
}

/** When an occurrence is, and why. */
export interface Asking {
  /** When it was due. */
  since: Instant;
  /** When it is decided. */
  at: Instant;
  /** True where somebody has put it off until then. */
  isAskedFor: boolean;
}

/** Which step an occurrence is, and why. */
export interface Course {
  step: Step;
  /** To be kept. */
  escalation: Escalation;
  /** True where the step before was another one. */
  isNew: boolean;
  /** Why it is this step, in words that go on from "step 2". */
  because: string;
}

/** Nothing more is to be sent: the last step was given as often as it is to be. */
export type Over = { step: null; because: string };

/**
 * Which step of its policy an occurrence is. Pure. A reminder goes on by one step at a time, never back, and only from a step that
 * was given: one that time has skipped over is still given. What somebody has put off comes after the last step as well.
 */
export function escalate(
  { policy, escalation, wasGiven, deadlineAt }: Escalating,
  { since, at, isAskedFor }: Asking,
  business: BusinessTime | undefined,
): Course | Over {
  const { steps } = policy;
  if (escalation === null) {
    const first = { given: 0, sends: 0, firstAt: since };
    return courseOf(policy, steps[0], first, true, "it is the first");
  }
  // It is decided while that is just being sent only where a silence ends, and that holds back what was due before.
  const counted = (wasGiven ?? false) || escalation.isVoid ? 1 : 0;
  const given = escalation.given + counted;
  const now = { given, sends: escalation.sends + counted, firstAt: escalation.firstAt };
  const present = stepInForce(policy, escalation);
  // Who changes the policy may have taken the step away in which the reminder is.
  if (present.number !== escalation.step) return courseOf(policy, present, { ...now, given: 0 }, true, CHANGED);
  const next = steps[steps.indexOf(present) + 1];
  if (!next) {
    const isOver = present.repeat !== null && given >= present.repeat;
    if (isOver && isAskedFor) return courseOf(policy, present, now, false, ASKED_FOR);
    if (isOver) return { step: null, because: endOf(policy, present) };
    return courseOf(policy, present, now, false, GOES_ON);
  }
  const isDone = given > 0 && (present.repeat === null || given >= present.repeat);
  const began = isDone ? whyBegun(next, now, at, deadlineAt, business) : null;
  if (began === null) return courseOf(policy, present, now, false, GOES_ON);
  return courseOf(policy, next, { ...now, given: 0 }, true, began);
}

const GOES_ON = "it goes on";
const ASKED_FOR = "it was put off until now";
const CHANGED = "the policy was changed";

/** The step in which a reminder is. Where its own is gone or new, the first that is left stands for it. */
export function stepInForce({ steps }: Policy, { step: number }: Pick<Escalation, "step">): Step {
  return steps.findLast((step) => step.number <= number) ?? steps[0];
}

function courseOf(
  policy: Policy,
  step: Step,
  counts: Pick<Escalation, "given" | "sends" | "firstAt">,
  isNew: boolean,
  because: string,
): Course {
  const isOver = step === policy.steps.at(-1) && step.repeat !== null && counts.given + 1 >= step.repeat;
  return { step, isNew, because, escalation: { step: step.number, ...counts, isVoid: false, isOver } };
}

function endOf({ name }: Policy, { number, repeat }: Step): string {
  const times = repeat === 1 ? "once" : `${repeat} times`;
  return `step ${number}, the last of the policy ${name}, was given ${times}`;
}

/** When a reminder is due next by its policy, and how many of its instants have passed besides. */
export interface NextByPolicy {
  nextRunAt: Instant | null;
  /** Null: its own schedule says so. */
  missed: number | null;
}

/**
 * When a reminder is due after this occurrence. `scheduled`: when its own schedule says, or null for never. Strictly later than
 * `now`, and only as late as the next step's beginning, where that is an instant. Null: never.
 */
export function nextByPolicy(
  { policy, deadlineAt }: Escalating,
  { step, escalation }: Course,
  { occurrenceAt, now, scheduled }: { occurrenceAt: Instant; now: Instant; scheduled: Instant | null },
  timetable: Timetable,
): NextByPolicy & { isScheduled: boolean } {
  if (escalation.isOver) return { nextRunAt: null, missed: 0, isScheduled: false };
  const base = Math.max(now, occurrenceAt);
  const { business, bounds } = timetable;
  const own = step.interval && waited(step.interval, { occurrenceAt, base, deadlineAt, business });
  const rhythm = own === null ? scheduled : placed(timetable, own.at, base);
  const begin = nextBegin(policy, step, escalation, deadlineAt, business);
  const isAwaited = begin !== null && begin > base;
  const hasGivenAll = step.repeat !== null && escalation.given + 1 >= step.repeat;
  const nextAt = isAwaited ? begin : followsAt(base, begin, ownBeginOf(step, escalation, deadlineAt, business));
  // What was given as often as it is to be isn't given again while the next step is yet to begin.
  const next =
    nextAt === null
      ? rhythm
      : (hasGivenAll && isAwaited) || rhythm === null
        ? placed(timetable, nextAt, base)
        : Math.min(rhythm, placed(timetable, nextAt, base));
  const isScheduled = next !== null && next === scheduled && own === null;
  const isBeyond =
    next !== null && !isScheduled && (next > LAST_INSTANT || (bounds.endAt !== null && next > bounds.endAt));
  return { nextRunAt: isBeyond ? null : next, missed: own === null ? null : own.missed, isScheduled };
}

/**
 * When a step follows that time has skipped over: as far behind the present one as the two were to begin. Null: nobody can say how far
 * that is, or they weren't to begin in that order, so that it is due when the reminder is due again.
 */
export function followsAt(base: Instant, begin: Instant | null, ownBegin: Instant | null): Instant | null {
  if (begin === null || ownBegin === null || begin <= ownBegin) return null;
  return base + Math.max(SHORTEST_APART_MS, begin - ownBegin);
}

/** Steps that were skipped over are given no closer together: about as long as a policy waits for a message that is just being sent. */
export const SHORTEST_APART_MS = 1_000;

/** When a step began itself; null: it wasn't by an instant. */
export function ownBeginOf(
  { after }: Step,
  { firstAt }: Escalation,
  deadlineAt: Instant | null,
  business: BusinessTime | undefined,
): Instant | null {
  return after === null ? firstAt : beginOf(after, firstAt, deadlineAt, business);
}

/** When the step after the one in force begins, where that is an instant, and the one in force may be left by then. */
export function stepToCome(
  policy: Policy,
  escalation: Escalation,
  deadlineAt: Instant | null,
  business: BusinessTime | undefined,
): Instant | null {
  return nextBegin(policy, stepInForce(policy, escalation), escalation, deadlineAt, business);
}

function nextBegin(
  { steps }: Policy,
  step: Step,
  { given, firstAt }: Escalation,
  deadlineAt: Instant | null,
  business: BusinessTime | undefined,
): Instant | null {
  const next = steps[steps.indexOf(step) + 1];
  if (!next || (step.repeat !== null && given + 1 < step.repeat)) return null;
  return beginOf(next.after, firstAt, deadlineAt, business);
}

/** Where the calendar lets it be, but later than what was. */
export function placed(timetable: Timetable, at: Instant, base: Instant): Instant {
  const { at: where } = askedOccurrence(timetable, at);
  return where > base ? where : at;
}
