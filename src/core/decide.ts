import { type Ceiling, ceilingReached, NO_CEILING, type Progress } from "./ceiling.ts";
import { type Course, type Escalating, escalate, nextByPolicy } from "./escalation.ts";
import type { Instant } from "./instant.ts";
import { afterLastOccurrence } from "./occurrence.ts";
import { dueOnceGiven } from "./policy-held.ts";
import type { CompletionReason, DeliveryStatus, OnUnknown, Reminder } from "./reminder.ts";
import { OPENING_DAYS } from "./schedule/business.ts";
import { MS_PER_DAY } from "./schedule/calendar.ts";
import { countMissed, listNewestMissed } from "./schedule/missed.ts";
import { nextOccurrence, type Occurrence, type Timetable } from "./schedule/schedule.ts";
import type { WallClock } from "./schedule/wall-clock.ts";
import { endsSilence, type Silence, silenceEnd } from "./silence.ts";
import type { StopAnswer } from "./stop.ts";

/** Everything a decision rests on besides the reminder itself. */
export interface Facts {
  stop: StopAnswer;
  /** Why it completes if that is met; not set: `stop_condition`. */
  doneBecause?: CompletionReason;
  /** Not set: `hold`. */
  onUnknown?: OnUnknown;
  /** Not set: there is none. */
  ceiling?: Ceiling;
}

/** When a reminder is due next; both null: never again. */
export interface NextRun {
  nextRunAt: Instant | null;
  nextWallAt: WallClock | null;
}

export type Decision =
  | { kind: "complete"; reason: CompletionReason; because: string }
  /** Not to fire again unless a person says so. */
  | { kind: "pause"; because: string }
  /** Nobody can say whether it is done: it stays due, and is asked again. */
  | { kind: "hold"; because: string }
  /** Not due after all: its zone's rules are others than those that its due instant was worked out by, or it is to be silent. */
  | ({ kind: "postpone" } & NextRun)
  /** Missed, and by its misfire policy not made up for. */
  | ({ kind: "skip"; occurrenceAt: Instant; missed: number } & NextRun)
  | ({
      kind: "send";
      /** The due instant that this send is for. */
      occurrenceAt: Instant;
      /** Due instants between this one and now that get no message of their own. */
      missed: number;
      /** With the policy `all`: how many of the newest that were missed have messages of their own; not set: one stands for all. */
      madeUp?: number;
      /** Which step of its policy it is; not set: it goes by none. */
      course?: Course;
      // And when the reminder is due again; never, when this was its last occurrence.
    } & NextRun);

export interface DueReminder extends Pick<Reminder, "createdAt" | "occurrenceCount" | "nextWallAt"> {
  timetable: Timetable;
  nextRunAt: Instant;
  lastOccurrenceAt: Instant | null;
  /** True when its due instant was worked out by older rules of its time zone. */
  isOutdated: boolean;
  /** True when it was held meanwhile, so that no worker has missed it; not set: false. */
  wasHeld?: boolean;
  /** Not set: nobody has put it off. */
  silence?: Silence | null;
  /** See `Progress`; not set: counted from its creation. */
  countedFrom?: Progress["countedFrom"];
  /** Not set: it goes by no policy. */
  escalating?: Escalating | null;
}

/** An occurrence that fires later than this has been missed; sooner, it is only late. */
export const MISSED_AFTER_MS = 60_000;
/** With the misfire policy `all`, so many of the newest missed occurrences get their messages. */
export const MOST_CAUGHT_UP = 10;

/** So long a policy waits, and then again, while the message of the occurrence before is just being sent. */
export const UNTIL_GIVEN_MS = 1_000;

/** What becomes of a due reminder. Pure: the same reminder, facts and instant always give the same decision. */
export function decide(reminder: DueReminder, facts: Facts, now: Instant): Decision {
  if (facts.stop.state === "met")
    return { kind: "complete", reason: facts.doneBecause ?? "stop_condition", because: facts.stop.because };

  // However it came to be due before: by a change of its rule, say.
  const silentUntil = silenceEnd(reminder.silence, now);
  if (silentUntil !== null) return { kind: "postpone", nextRunAt: silentUntil, nextWallAt: null };

  const { timetable, nextWallAt } = reminder;
  const { misfirePolicy, maxOccurrences } = timetable.bounds;
  if (reminder.isOutdated && nextWallAt !== null) {
    const anew = workedOutAnew(timetable, nextWallAt);
    if (anew !== null && anew.at > now) return { kind: "postpone", ...asNextRun(anew) };
  }
  const { createdAt, occurrenceCount, countedFrom = null } = reminder;
  const ceiling = ceilingReached(facts.ceiling ?? NO_CEILING, { createdAt, occurrenceCount, countedFrom }, now);
  if (ceiling !== null) return { kind: "pause", because: ceiling };
  if (facts.stop.state === "unknown" && facts.onUnknown !== "send")
    return { kind: "hold", because: facts.stop.because };

  // Plain SQL may have moved the due instant back onto an occurrence that was.
  const occurrenceAt = afterLastOccurrence(reminder.nextRunAt, reminder);
  const next = asNextRun(nextOccurrence(timetable, Math.max(now, occurrenceAt), nextWallAt));
  // Nothing was missed before there was a reminder: one created with a due instant in the past is due at once.
  const since = Math.max(occurrenceAt, reminder.createdAt);

  const isAskedFor = endsSilence(reminder.nextRunAt, reminder.silence);
  if (misfirePolicy === "skip" && !reminder.wasHeld && !isAskedFor && now - since > MISSED_AFTER_MS) {
    // What is only late isn't missed, whatever was missed before it.
    const missedUntil = Math.max(now - MISSED_AFTER_MS - 1, since);
    const next = asNextRun(nextOccurrence(timetable, Math.max(missedUntil, occurrenceAt), nextWallAt));
    if (next.nextRunAt === null) {
      return {
        kind: "complete",
        reason: "schedule_ended",
        because: "its last occurrence was missed, and is not made up for",
      };
    }
    return { kind: "skip", occurrenceAt, ...next, missed: 1 + countMissed(timetable, since, missedUntil) };
  }
  const isLast = maxOccurrences !== null && reminder.occurrenceCount + 1 >= maxOccurrences;
  // What is just being sent may yet be taken back. To go on then would let the message of the next step take its place.
  if (reminder.escalating?.wasGiven === null && !isAskedFor)
    return { kind: "postpone", nextRunAt: now + UNTIL_GIVEN_MS, nextWallAt };
  const due = { at: occurrenceAt, lastOccurrenceAt: reminder.lastOccurrenceAt };
  const given = reminder.escalating && !isAskedFor ? dueOnceGiven(reminder.escalating, due, now, timetable) : null;
  if (given !== null) return { kind: "postpone", ...asNextRun(given) };
  if (reminder.escalating)
    return sendByPolicy(reminder.escalating, timetable, { occurrenceAt, since, now, next, isLast, isAskedFor });
  if (misfirePolicy === "all") {
    const most = caughtUpAtMost(maxOccurrences, reminder.occurrenceCount);
    const caughtUp = catchUp(timetable, { occurrenceAt, since, now, next, isAskedFor, most });
    return { kind: "send", ...caughtUp, ...(isLast && NEVER) };
  }
  return { kind: "send", occurrenceAt, ...(isLast ? NEVER : next), missed: countMissed(timetable, since, now) };
}

/** Of what was missed, so many have messages of their own at most, with the policy `all`. */
function caughtUpAtMost(maxOccurrences: number | null, occurrenceCount: number): number {
  return maxOccurrences === null ? MOST_CAUGHT_UP : Math.min(MOST_CAUGHT_UP, maxOccurrences - occurrenceCount);
}

interface Sending {
  occurrenceAt: Instant;
  since: Instant;
  now: Instant;
  /** By its schedule. */
  next: NextRun;
  isLast: boolean;
  /** What somebody has asked for is sent, however many were missed since, and after the last step of a policy as well. */
  isAskedFor: boolean;
}

/** A policy has its say in when it is due again, and in whether at all. What was missed is made up for once. */
function sendByPolicy(escalating: Escalating, timetable: Timetable, sending: Sending): Decision {
  const { occurrenceAt, since, now, next, isLast, isAskedFor } = sending;
  const course = escalate(escalating, { since, at: Math.max(now, occurrenceAt), isAskedFor }, timetable.business);
  if (course.step === null) return { kind: "complete", reason: "policy_ended", because: course.because };
  const when = { occurrenceAt, now, scheduled: next.nextRunAt };
  const { nextRunAt, missed, isScheduled } = nextByPolicy(escalating, course, when, timetable);
  const run = isLast || nextRunAt === null ? NEVER : { nextRunAt, nextWallAt: isScheduled ? next.nextWallAt : null };
  return { kind: "send", occurrenceAt, ...run, missed: missed ?? countMissed(timetable, since, now), course };
}

interface CatchingUp extends Omit<Sending, "isLast"> {
  most: number;
}

/** With the policy `all`: one missed occurrence after the other, but of very many only the newest. */
function catchUp(timetable: Timetable, { occurrenceAt, since, now, next, isAskedFor, most }: CatchingUp) {
  const room = isAskedFor ? most - 1 : most;
  const newest = room > 0 ? listNewestMissed(timetable, since, now, room) : [];
  const [first, second] = newest;
  if (!first) return { occurrenceAt, ...next, missed: countMissed(timetable, since, now), madeUp: 0 };
  const passedOver = countMissed(timetable, since, first.at - 1);
  if (newest.length < most && (isAskedFor || passedOver === 0))
    return { occurrenceAt, ...asNextRun(first), missed: passedOver, madeUp: newest.length };
  // The one that is due has been missed like those after it.
  const run = second ? asNextRun(second) : next;
  return { occurrenceAt: first.at, ...run, missed: passedOver + 1, madeUp: newest.length };
}

/** No clock is so far from UTC, whatever a zone's rules become. */
const FARTHEST_MS = 48 * 3_600_000;
/** No calendar moves an occurrence further than it looks for working time. */
const FARTHEST_MOVED_MS = OPENING_DAYS * MS_PER_DAY;

/** When the occurrence that the clocks on the wall showed as `wallAt` is due by the zone's rules of today. */
export function workedOutAnew(timetable: Timetable, wallAt: WallClock): Occurrence | null {
  const movedMs = timetable.business ? FARTHEST_MOVED_MS : 0;
  return nextOccurrence(timetable, wallAt - FARTHEST_MS - movedMs, wallAt - 1);
}

/** Never again. */
export const NEVER: NextRun = { nextRunAt: null, nextWallAt: null };

export function asNextRun(occurrence: Occurrence | null): NextRun {
  return occurrence === null ? NEVER : { nextRunAt: occurrence.at, nextWallAt: occurrence.wallAt };
}

/**
 * What becomes of a reminder whose schedule has no further occurrence, once its last delivery has ended.
 * Until then it stays ACTIVE, so that "completed" always means that nothing more will be sent.
 */
export function completionAfter(
  outcome: DeliveryStatus,
  {
    schedule,
    bounds,
    occurrenceCount,
    people,
  }: Pick<Reminder, "schedule" | "bounds" | "occurrenceCount"> & Partial<Pick<Reminder, "people">>,
): CompletionReason | null {
  if (outcome !== "sent" && outcome !== "failed" && outcome !== "unknown") return null;
  if (schedule.type !== "one_time") {
    const { maxOccurrences } = bounds;
    if (maxOccurrences !== null && occurrenceCount >= maxOccurrences) return "max_occurrences";
    return people?.escalation?.isOver ? "policy_ended" : "schedule_ended";
  }
  return outcome === "sent" ? "one_time_sent" : outcome === "failed" ? "delivery_failed" : "delivery_unknown";
}
