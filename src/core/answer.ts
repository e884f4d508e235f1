import { isSameAddress } from "./address-key.ts";
import { type Answered, type Answerer, IS_DONE } from "./answered.ts";
import { alsoSaid, LONGEST_ATTENTION, without } from "./attention.ts";
import { flagKey } from "./flag-key.ts";
import type { Instant } from "./instant.ts";
import { changed, comeBackLast, hindrance, type Moment, NOTHING_DUE, regularNext } from "./lifecycle.ts";
import { declined, type NotMe } from "./not-me.ts";
import { afterLastOccurrence } from "./occurrence.ts";
import { begunAgain, hasOnlyEnded } from "./only-ended.ts";
import type { DoneMeans, ReminderRecord } from "./reminder.ts";
import { owedAfterSilence, type Silence } from "./silence.ts";

/**
 * What the link in a message is for: one thing each. `why` only tells; `answer` leads to all that may be answered to a message, and `digest`
 * to each of what a message says of several. Tokens have the place in this list, so what is new stands at its end.
 */
export const LINK_PURPOSES = ["done", "snooze", "promise", "not_me", "stop", "why", "answer", "digest"] as const;
export type LinkPurpose = (typeof LINK_PURPOSES)[number];

/** Those that each message has. */
export type Purpose = Exclude<LinkPurpose, "digest">;
export const PURPOSES: readonly Purpose[] = LINK_PURPOSES.filter((purpose) => purpose !== "digest");

/** Those whose page asks or tells something by itself. */
export type OwnPurpose = Exclude<Purpose, "answer">;
export const OWN_PURPOSES: readonly OwnPurpose[] = PURPOSES.filter((purpose) => purpose !== "answer");

/** What somebody answers to a message. */
export type Answer =
  | { kind: "done" }
  | { kind: "snooze"; until: Instant }
  /** They do it by then: an acknowledgement with an end. */
  | { kind: "promise"; until: Instant }
  /** They take back that they have put it off. */
  | { kind: "wake" }
  | NotMe
  /** `address` is to get no more of it, or of its event type. */
  | { kind: "stop"; address: string; scope: "reminder" | "event_type" }
  /** They take that back. */
  | { kind: "start"; scope: "reminder" | "event_type" }
  /** They are out of office, as their mail program says; null: it doesn't say until when. */
  | { kind: "away"; until: Instant | null }
  /** They say something that only a person can read. */
  | { kind: "said"; words: string };

/**
 * What an answer does to a reminder. Pure, and the same again changes nothing. Throws a `RuleError` where a rule that can't be read
 * would have to be asked.
 */
export function answerTo(reminder: ReminderRecord, answer: Answer, by: Answerer, moment: Moment): Answered {
  switch (answer.kind) {
    case "done":
      return sayDone(reminder, by, moment);
    case "snooze":
      return silenced(reminder, { until: answer.until, by: "snooze" }, by);
    case "promise":
      return silenced(reminder, { until: answer.until, by: "acknowledgement" }, by);
    case "wake":
      return woken(reminder, by, moment);
    case "not_me":
      return declined(reminder, answer, by, moment);
    case "stop":
      return stopped(reminder, answer, by);
    case "start":
      return wantedAgain(reminder, answer.scope, by);
    case "away":
      return away(reminder, answer.until, by);
    case "said":
      return said(reminder, answer.words, by);
  }
}

/** What is done when somebody says that it is. A flag can only be set where the stop condition is one. */
export function doneMeans({
  doneMeans,
  stopCondition,
}: Pick<ReminderRecord, "doneMeans" | "stopCondition">): DoneMeans {
  const hasFlag = stopCondition?.type === "db_check" && stopCondition.value !== null;
  return hasFlag ? (doneMeans ?? "flag") : "complete";
}

function sayDone(reminder: ReminderRecord, { who, details }: Answerer, { now }: Moment): Answered {
  // One that has only ended, as nothing more was due, may still be done.
  const hindered = hasOnlyEnded(reminder) ? null : hindrance("done", reminder);
  if (hindered) return hindered;
  const value = reminder.stopCondition?.value ?? null;
  if (doneMeans(reminder) === "flag" && value !== null) {
    const key = flagKey(value, reminder);
    const change = { type: "done", because: `${who} said that it is done: the flag "${key}" is set`, details };
    return { kind: "noted", change, flagKey: key };
  }
  const done: ReminderRecord = {
    ...{ ...reminder, status: "COMPLETED", completionReason: "done", completedAt: now, needsAttention: null },
    ...NOTHING_DUE,
    silence: null,
  };
  const kept = hasOnlyEnded(reminder) ? { ...done, completedAt: reminder.completedAt } : done;
  return changed(kept, "completed", `${who} said that it is done`, { ...details, reason: "done" });
}

function silenced(reminder: ReminderRecord, silence: Silence, { who, details }: Answerer): Answered {
  const hindered = hindrance(silence.by === "snooze" ? "snooze" : "acknowledge", reminder);
  if (hindered) return hindered;
  const active = begunAgain(reminder);
  if (active === null) return IS_DONE;
  const { silence: former } = active;
  if (former?.until === silence.until && former.by === silence.by) return { kind: "unchanged" };
  const until = new Date(silence.until).toISOString();
  const [type, did] = silence.by === "snooze" ? ["snoozed", "snoozed it"] : ["acknowledged", "promised to do it"];
  const nextRunAt = afterLastOccurrence(silence.until, active);
  const silent = { ...active, silence: { ...silence, until: nextRunAt }, nextRunAt, nextWallAt: null };
  return changed(silent, type, `${who} ${did}: nothing is sent before ${until}, and it is due then`, {
    ...details,
    until,
  });
}

/**
 * Nobody is nagged before they are back. Where others get it too, or come after them by a policy, it goes on: it isn't theirs
 * alone to put off, and no person has asked for it.
 */
function away(reminder: ReminderRecord, until: Instant | null, { who, details }: Answerer): Answered {
  const day = until === null ? "" : ` until ${new Date(until).toISOString()}`;
  const because = `${who} is out of office${day}`;
  const told = until === null ? details : { ...details, until: new Date(until).toISOString() };
  const { status, nextRunAt, people } = reminder;
  const isTheirs = people.recipients === null && people.policy === null;
  const isDueBefore = status === "ACTIVE" && nextRunAt !== null && until !== null && nextRunAt < until;
  const silent = isTheirs && isDueBefore ? silenced(reminder, { until, by: "snooze" }, { who, details: told }) : null;
  if (silent?.kind !== "changed")
    return { kind: "noted", change: { type: "out_of_office", because, details: told }, flagKey: null };
  const change = {
    ...silent.change,
    type: "out_of_office",
    because: `${because}: nothing is sent before, and it is due then`,
  };
  return { ...silent, change };
}

/** Who waits for an answer in words gets none from us: somebody must read it. */
function said(reminder: ReminderRecord, words: string, { who, details }: Answerer): Answered {
  const because = `${who} answered: “${words}”`;
  const change = { type: "replied", because, details };
  const needsAttention = alsoSaid(reminder.needsAttention, because);
  const isDone = reminder.status === "COMPLETED" && !hasOnlyEnded(reminder);
  if (reminder.deletedAt !== null || isDone || needsAttention.length > LONGEST_ATTENTION)
    return { kind: "noted", change, flagKey: null };
  return { kind: "changed", reminder: { ...reminder, needsAttention }, change };
}

function woken(reminder: ReminderRecord, { who, details }: Answerer, moment: Moment): Answered {
  const hindered = hindrance("wake", reminder);
  if (hindered) return hindered;
  if (owedAfterSilence(reminder) === null) return { kind: "unchanged" };
  const awake = asIfNever(reminder, moment);
  const what = reminder.silence?.by === "snooze" ? "the snooze" : "the promise";
  const next =
    awake.nextRunAt === null ? "nothing more is due" : `it is due at ${new Date(awake.nextRunAt).toISOString()}`;
  return changed(awake, "woken", `${who} took back ${what}; ${next}`, details);
}

/** As it would stand if nobody had put it off. */
function asIfNever(reminder: ReminderRecord, moment: Moment): ReminderRecord {
  const { now, lastOutcome } = moment;
  const { schedule, bounds, occurrenceCount, runAt } = reminder;
  const plain: ReminderRecord = { ...reminder, silence: null, ...NOTHING_DUE };
  const { maxOccurrences } = bounds;
  const hasFired = occurrenceCount > 0;
  const isOnce = schedule.type === "one_time";
  if (isOnce && !hasFired) return { ...plain, nextRunAt: runAt !== null && runAt > now ? runAt : now };
  const isLast = isOnce || (maxOccurrences !== null && occurrenceCount >= maxOccurrences);
  const next = isLast ? null : regularNext(plain, runAt, moment);
  if (next !== null) return { ...plain, ...next };
  if (hasFired) return comeBackLast(plain, now, lastOutcome);
  return { ...plain, status: "COMPLETED", completionReason: "schedule_ended", completedAt: now };
}

function stopped(
  reminder: ReminderRecord,
  { address, scope }: Extract<Answer, { kind: "stop" }>,
  { who, details }: Answerer,
): Answered {
  const because = wantsNoMore(who, scope, reminder);
  const change = { type: "opted_out", because, details: { ...details, address, scope } };
  const isOver = reminder.deletedAt !== null || reminder.status === "COMPLETED";
  const isSomebodyElses = reminder.recipient !== null && !isSameAddress(reminder.recipient, address);
  if (isOver || isSomebodyElses) return { kind: "noted", change, flagKey: null };
  const told = givenUp(because);
  // What somebody must look at besides, a ceiling say, stays so when this is taken back.
  const needsAttention = alsoSaid(without(reminder.needsAttention, told), told);
  return { kind: "changed", reminder: { ...reminder, needsAttention }, change };
}

function wantsNoMore(who: string, scope: "reminder" | "event_type", { eventType }: ReminderRecord): string {
  return `${who} wants no more of ${scope === "reminder" ? "this reminder" : eventType}`;
}

function givenUp(because: string): string {
  return `${because}: give it another recipient, or complete it`;
}

function wantedAgain(reminder: ReminderRecord, scope: "reminder" | "event_type", { who, details }: Answerer): Answered {
  const what = scope === "reminder" ? "this reminder" : reminder.eventType;
  const change = {
    type: "opted_in",
    because: `${who} wants messages of ${what} again`,
    details: { ...details, scope },
  };
  const told = givenUp(wantsNoMore(who, scope, reminder));
  const needsAttention = without(reminder.needsAttention, told);
  if (needsAttention === reminder.needsAttention) return { kind: "noted", change, flagKey: null };
  return { kind: "changed", reminder: { ...reminder, needsAttention }, change };
}
