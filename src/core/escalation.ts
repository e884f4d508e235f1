import type { Escalation, Policy, Step } from "./policy.ts";
import type { Instant } from "./reminder.ts";
import type { BusinessTime } from "./schedule/business.ts";
import { addWorkingMs, workingMsBetween } from "./schedule/business-time.ts";
import { LAST_INSTANT } from "./schedule/calendar.ts";
import { askedOccurrence, type Timetable } from "./schedule/schedule.ts";
import { saidDuration } from "./schedule/wall-text.ts";

/** What a policy is asked with at an occurrence. */
export interface Escalating {
  policy: Policy;
  /** Where the reminder is in it; null: this is its first occurrence by a policy. */
  escalation: Escalation | null;
  /** True unless the message of the occurrence before was taken back before anybody got it; null: it is just being sent. */
  wasGiven: boolean | null;
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
  const present = stepOf(policy, escalation.step);
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

function stepOf({ steps }: Policy, number: number): Step {
  // Where the own step of the reminder is gone or new, the first that is left stands for it.
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

/** Why a step has begun; null: it hasn't. The one before has been given as often as it says. */
function whyBegun(
  { after }: Step,
  { sends, firstAt }: Pick<Escalation, "sends" | "firstAt">,
  at: Instant,
  deadlineAt: Instant | null,
  business: BusinessTime | undefined,
): string | null {
  if (after === null || after.kind === "repeated") return "the step before was given as often as it is to be";
  if (after.kind === "sends") return sends >= after.count ? `it was sent ${counted(sends)} before` : null;
  if (after.kind === "working_time" && business) {
    const worked = workingMsBetween(business.calendar, firstAt, at);
    const hasPassed = worked !== null && worked >= after.ms;
    return hasPassed ? `the first one was ${saidDuration(after.ms)} of working time ago or more` : null;
  }
  const begin = beginOf(after, firstAt, deadlineAt, business);
  if (begin === null || at < begin) return null;
  if (after.kind !== "deadline") return `the first one was ${saidDuration(after.ms)} ago or more`;
  if (after.ms < 0) return `the deadline is ${saidDuration(-after.ms)} away or less`;
  return after.ms === 0 ? "the deadline has come" : `the deadline was ${saidDuration(after.ms)} ago or more`;
}

/** The instant at which a step begins; null: it isn't one, or nobody can say. */
function beginOf(
  after: Step["after"],
  firstAt: Instant,
  deadlineAt: Instant | null,
  business: BusinessTime | undefined,
): Instant | null {
  switch (after?.kind) {
    case "elapsed":
      return firstAt + after.ms;
    case "working_time":
      return business ? addWorkingMs(business.calendar, firstAt, after.ms) : firstAt + after.ms;
    case "deadline":
      return deadlineAt === null ? null : deadlineAt + after.ms;
    default:
      return null;
  }
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
  // What was given as often as it is to be isn't given again while the next step is yet to begin.
  const next = !isAwaited
    ? rhythm
    : hasGivenAll || rhythm === null
      ? placed(timetable, begin, base)
      : Math.min(rhythm, placed(timetable, begin, base));
  const isScheduled = next !== null && next === scheduled && own === null;
  const isBeyond =
    next !== null && !isScheduled && (next > LAST_INSTANT || (bounds.endAt !== null && next > bounds.endAt));
  return { nextRunAt: isBeyond ? null : next, missed: own === null ? null : own.missed, isScheduled };
}

/** When the step after this one begins, where that is an instant, and this one may be left by then. */
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

interface Waiting {
  occurrenceAt: Instant;
  base: Instant;
  deadlineAt: Instant | null;
  business: BusinessTime | undefined;
}

function waited(
  interval: NonNullable<Step["interval"]>,
  { occurrenceAt, base, deadlineAt, business }: Waiting,
): { at: Instant; missed: number } {
  // Counted from when it was due, so that firing late doesn't shift what follows; unless that has passed as well.
  const from = (at: Instant): Instant => waitFrom(interval, at, deadlineAt, business);
  if (interval.kind === "cadence" || business?.countsIn === "working_time") {
    const at = from(occurrenceAt);
    return { at: at > base ? at : from(base), missed: 0 };
  }
  const passed = Math.floor((base - occurrenceAt) / interval.ms);
  return { at: occurrenceAt + (passed + 1) * interval.ms, missed: passed };
}

function waitFrom(
  interval: NonNullable<Step["interval"]>,
  at: Instant,
  deadlineAt: Instant | null,
  business: BusinessTime | undefined,
): Instant {
  if (interval.kind === "cadence") {
    const { shortestMs, longestMs, share } = interval;
    const distance = deadlineAt === null ? Number.POSITIVE_INFINITY : Math.abs(deadlineAt - at);
    return at + Math.round(Math.min(longestMs, Math.max(shortestMs, distance * share)));
  }
  const worked = business ? addWorkingMs(business.calendar, at, interval.ms) : null;
  return worked === null || worked <= at ? at + interval.ms : worked;
}

/** Where the calendar lets it be, but later than what was. */
function placed(timetable: Timetable, at: Instant, base: Instant): Instant {
  const { at: where } = askedOccurrence(timetable, at);
  return where > base ? where : at;
}

function counted(times: number): string {
  return times === 1 ? "once" : `${times} times`;
}
