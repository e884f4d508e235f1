import { asNextRun, completionAfter, type NextRun } from "./decide.ts";
import type { Instant } from "./instant.ts";
import type { JsonObject } from "./json.ts";
import { afterLastOccurrence } from "./occurrence.ts";
import type { Policy } from "./policy.ts";
import { againByPolicy } from "./policy-again.ts";
import type { DeliveryStatus, ReminderRecord, ReminderStatus } from "./reminder.ts";
import type { Calendars } from "./schedule/by-calendar.ts";
import { goesByWallClock } from "./schedule/kinds.ts";
import { askedOccurrence, nextOccurrence, timetableOf } from "./schedule/schedule.ts";
import { owedAfterSilence } from "./silence.ts";

/** What a person may do to a reminder besides editing it. */
export const LIFECYCLE_ACTIONS = ["pause", "resume", "complete", "trigger", "delete", "restore"] as const;
export type LifecycleAction = (typeof LIFECYCLE_ACTIONS)[number];

/** What a message's reader may do to it; see `answer.ts`. */
export const ANSWER_ACTIONS = ["done", "snooze", "acknowledge", "wake", "decline"] as const;
export type AnswerAction = (typeof ANSWER_ACTIONS)[number];

/** A line for the timeline. */
export interface Change {
  type: string;
  /** A sentence for a person. */
  because: string;
  details: JsonObject;
}

/** What a wish does to a reminder: nothing, because it is so already; nothing, because it can't be; or this. */
export type Transition =
  | { kind: "unchanged" }
  | { kind: "refused"; because: string }
  | { kind: "changed"; reminder: ReminderRecord; change: Change };

/** What the database knows at the moment of the wish. */
export interface Moment {
  now: Instant;
  /** How the delivery of the newest occurrence stands; null when there is none. */
  lastOutcome: DeliveryStatus | null;
  /** The zone of the reminder's contact, where it matters; not set: none. */
  contactZone?: string | null;
  /** The calendars that it goes by or is to go by; not set: none. */
  calendars?: Calendars;
  /** The policy that it goes by, as long as that can be read; not set: none. */
  policy?: Policy | null;
}

type Rule = "go" | "so already" | { refused: string };
type State = ReminderStatus | "DELETED";

const final: Rule = { refused: "it is COMPLETED, and that is final; create a new reminder" };
const resumeFirst: Rule = { refused: "it is PAUSED; resume it first" };
const restoreFirst: Rule = { refused: "it is deleted; restore it first" };

/** The whole table: what may be done in which state. */
const RULES: Record<LifecycleAction | AnswerAction | "update", Record<State, Rule>> = {
  pause: { ACTIVE: "go", PAUSED: "so already", COMPLETED: final, DELETED: restoreFirst },
  resume: { ACTIVE: "so already", PAUSED: "go", COMPLETED: final, DELETED: restoreFirst },
  complete: { ACTIVE: "go", PAUSED: "go", COMPLETED: "so already", DELETED: restoreFirst },
  trigger: { ACTIVE: "go", PAUSED: resumeFirst, COMPLETED: final, DELETED: restoreFirst },
  update: { ACTIVE: "go", PAUSED: "go", COMPLETED: final, DELETED: restoreFirst },
  done: { ACTIVE: "go", PAUSED: "go", COMPLETED: "so already", DELETED: restoreFirst },
  // One that is only COMPLETED because nothing more was due begins again.
  snooze: { ACTIVE: "go", PAUSED: resumeFirst, COMPLETED: "go", DELETED: restoreFirst },
  acknowledge: { ACTIVE: "go", PAUSED: resumeFirst, COMPLETED: "go", DELETED: restoreFirst },
  wake: { ACTIVE: "go", PAUSED: resumeFirst, COMPLETED: "so already", DELETED: restoreFirst },
  decline: { ACTIVE: "go", PAUSED: "go", COMPLETED: "go", DELETED: restoreFirst },
  delete: { ACTIVE: "go", PAUSED: "go", COMPLETED: "go", DELETED: "so already" },
  restore: { ACTIVE: "so already", PAUSED: "so already", COMPLETED: "so already", DELETED: "go" },
};

/** Whether this may be done to a reminder in its present state: null if so, else what becomes of the wish. */
export function hindrance(
  action: LifecycleAction | AnswerAction | "update",
  { status, deletedAt }: Pick<ReminderRecord, "status" | "deletedAt">,
): Exclude<Transition, { kind: "changed" }> | null {
  const rule = RULES[action][deletedAt === null ? status : "DELETED"];
  if (rule === "go") return null;
  return rule === "so already" ? { kind: "unchanged" } : { kind: "refused", because: rule.refused };
}

/** What `action` makes of a reminder. Pure, and idempotent: doing the same again changes nothing. */
export function transition(action: LifecycleAction, reminder: ReminderRecord, moment: Moment): Transition {
  return hindrance(action, reminder) ?? EFFECTS[action](reminder, moment);
}

/**
 * True when an action on this reminder needs to know how its newest delivery stands: it has fired for the last time, and
 * only that delivery tells whether it is done.
 */
export function awaitsOutcome({ nextRunAt, occurrenceCount }: ReminderRecord): boolean {
  return nextRunAt === null && occurrenceCount > 0;
}

const EFFECTS: Record<LifecycleAction, (reminder: ReminderRecord, moment: Moment) => Transition> = {
  pause: (reminder) => changed({ ...reminder, status: "PAUSED" }, "paused", "somebody paused it"),

  resume: (reminder, moment) =>
    cameBack(comeBack({ ...reminder, status: "ACTIVE", needsAttention: null }, moment), "resumed"),

  complete: (reminder, { now }) =>
    changed(
      {
        ...reminder,
        ...{ status: "COMPLETED", completionReason: "manual", completedAt: now, needsAttention: null },
        ...NOTHING_DUE,
        silence: null,
      },
      "completed",
      "somebody completed it",
      { reason: "manual" },
    ),

  trigger: (reminder, { now }) => {
    if (awaitsOutcome(reminder)) {
      return { kind: "refused", because: "it has fired already and waits for its delivery to end" };
    }
    if (reminder.nextRunAt !== null && reminder.nextRunAt <= now) return { kind: "unchanged" };
    const nextRunAt = afterLastOccurrence(now, reminder);
    return changed(
      { ...reminder, nextRunAt, nextWallAt: null, silence: null },
      "triggered",
      "somebody asked for it to fire now",
    );
  },

  delete: (reminder, { now }) => changed({ ...reminder, deletedAt: now }, "deleted", "somebody deleted it"),

  restore: (reminder, moment) => {
    const restored = { ...reminder, deletedAt: null };
    return cameBack(reminder.status === "ACTIVE" ? comeBack(restored, moment) : restored, "restored");
  },
};

export const NOTHING_DUE = { nextRunAt: null, nextWallAt: null };

/**
 * A reminder that is ACTIVE again after an absence. What one that comes again would have been due for meanwhile was not
 * wanted, so it goes on with the next regular instant, or is done if there is none; a one-time one is still wanted, at once
 * if its time has passed, and so is a step of its policy that has begun meanwhile.
 */
function comeBack(reminder: ReminderRecord, moment: Moment): ReminderRecord {
  const { now, lastOutcome } = moment;
  const { schedule, bounds, nextRunAt, nextWallAt } = reminder;
  // Somebody has put it off until then, so it is wanted then, or at once if that has passed.
  const owedAt = owedAfterSilence(reminder);
  if (owedAt !== null) return { ...reminder, nextRunAt: owedAt, nextWallAt: null };
  const hasEnd =
    schedule.type !== "recurring" ||
    bounds.endAt !== null ||
    bounds.maxOccurrences !== null ||
    reminder.people.policy !== null;
  if (awaitsOutcome(reminder) && hasEnd) return comeBackLast(reminder, now, lastOutcome);
  if (schedule.type === "one_time") return { ...reminder, nextRunAt: nextRunAt ?? now };

  // What goes by the clocks on the wall is worked out anew: their rules may have changed, the contact's zone, or a calendar.
  const isFixed = reminder.business === null && (nextWallAt === null || !goesByWallClock(schedule));
  if (isFixed && nextRunAt !== null && nextRunAt > now) return reminder;
  const { runAt, business } = reminder;
  const asked = business === null ? null : runAt;
  const next = regularNext(reminder, asked, moment);
  if (next !== null) return { ...reminder, ...next };
  return { ...reminder, ...NOTHING_DUE, status: "COMPLETED", completionReason: "schedule_ended", completedAt: now };
}

/** When it is due next by its policy or else its schedule, or as somebody asked if that is still to come; null: never. */
export function regularNext(
  reminder: ReminderRecord,
  asked: Instant | null,
  { now, contactZone = null, calendars, policy }: Omit<Moment, "lastOutcome">,
): NextRun | null {
  const after = Math.max(now, reminder.lastOccurrenceAt ?? now);
  const { business } = reminder;
  const timetable = timetableOf(reminder, contactZone, business && calendars?.get(business.calendar));
  const wanted = asked !== null && asked > after ? askedOccurrence(timetable, asked) : null;
  if (wanted !== null && wanted.at > after) return asNextRun(wanted);
  const next = nextOccurrence(timetable, after);
  const byPolicy = againByPolicy(reminder, policy, timetable, now, next);
  if (byPolicy !== null) return byPolicy.nextRunAt === null ? null : byPolicy;
  return next && asNextRun(next);
}

/**
 * A reminder that its flag had completed, and whose flag was set back: the same one, with its id and its history, from its next
 * regular instant on. Its policy begins anew, and that it was put off before it was done is over. One that is sent once is due at once.
 */
export function reopen(
  reminder: ReminderRecord,
  { now, contactZone = null, calendars }: Moment,
  flagKey: string,
): Transition {
  const { bounds, occurrenceCount, schedule, business, people } = reminder;
  const because = `the flag ${flagKey} was set back`;
  if (bounds.maxOccurrences !== null && occurrenceCount >= bounds.maxOccurrences)
    return { kind: "refused", because: `${because}, but it has fired as often as max_occurrences lets it` };
  const after = Math.max(now, reminder.lastOccurrenceAt ?? now);
  const timetable = timetableOf(reminder, contactZone, business && calendars?.get(business.calendar));
  const isOnce = schedule.type === "one_time";
  const next = isOnce
    ? askedOccurrence(timetable, afterLastOccurrence(now, reminder))
    : nextOccurrence(timetable, after);
  if (next === null) return { kind: "refused", because: `${because}, but its schedule has no further occurrence` };
  const anew: ReminderRecord = {
    ...reminder,
    ...{ status: "ACTIVE", completionReason: null, completedAt: null, needsAttention: null },
    ...asNextRun(next),
    silence: null,
    people: { ...people, escalation: null },
  };
  return changed(anew, "reopened", `${because}: it begins anew, and is due at ${new Date(next.at).toISOString()}`);
}

/** One that has fired for the last time: done if its message has ended, due again if that was held back. */
export function comeBackLast(
  reminder: ReminderRecord,
  now: Instant,
  lastOutcome: DeliveryStatus | null,
): ReminderRecord {
  const reason = lastOutcome && completionAfter(lastOutcome, reminder);
  if (reason) return { ...reminder, status: "COMPLETED", completionReason: reason, completedAt: now };
  const wasHeldBack = lastOutcome === null || lastOutcome === "suppressed";
  return wasHeldBack ? { ...reminder, nextRunAt: afterLastOccurrence(now, reminder) } : reminder;
}

function cameBack(reminder: ReminderRecord, how: "resumed" | "restored"): Transition {
  const { status, nextRunAt, completionReason } = reminder;
  if (status === "PAUSED") return changed(reminder, how, `somebody ${how} it; it is PAUSED`);
  if (status === "COMPLETED")
    return changed(reminder, how, `somebody ${how} it; it is done`, { reason: completionReason });
  const next = nextRunAt === null ? "its message is on its way" : `it is due at ${new Date(nextRunAt).toISOString()}`;
  return changed(reminder, how, `somebody ${how} it; ${next}`);
}

export function changed(reminder: ReminderRecord, type: string, because: string, details: JsonObject = {}): Transition {
  return { kind: "changed", reminder, change: { type, because, details } };
}
