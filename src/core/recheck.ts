import type { Instant } from "./instant.ts";
import type { ReminderStatus } from "./reminder.ts";
import type { MisfirePolicy } from "./schedule/kinds.ts";
import type { Silence } from "./silence.ts";
import type { StopAnswer } from "./stop.ts";

/** The reminder of a delivery that waited, as it is now. */
export interface ReminderNow {
  status: ReminderStatus;
  deletedAt: Instant | null;
  /** The due instant of its newest occurrence. */
  lastOccurrenceAt: Instant | null;
  /** With `all`, each occurrence has a message of its own, however late; not set: the usual policy. */
  misfirePolicy?: MisfirePolicy;
  /** Not set: nobody has put it off. */
  silence?: Silence | null;
}

export type SuppressionReason =
  | "stop_condition"
  | "deleted"
  | "completed"
  | "paused"
  | "superseded"
  | "silent"
  | "address"
  | "person_done"
  | "opted_out"
  | "reopened";

export interface Suppression {
  reason: SuppressionReason;
  because: string;
}

/** Reasons that concern one person: for all others the occurrence stays what it is. */
export function isPersonal(reason: SuppressionReason): boolean {
  return reason === "person_done" || reason === "opted_out";
}

/** The person that a delivery is for, as things are now. */
export interface PersonNow {
  isDone: boolean;
  /** Why they want nothing of this kind; null: they do. */
  optedOut: string | null;
}

export const HAS_DONE_THEIRS = "this person has done theirs";

/** Why this person is to get nothing any more; null: they are. */
export function recheckPerson({ isDone, optedOut }: PersonNow): Suppression | null {
  if (isDone) return { reason: "person_done", because: HAS_DONE_THEIRS };
  return optedOut === null ? null : { reason: "opted_out", because: optedOut };
}

/** Whether a message that only tells that it is done may still leave: null if so, else why not. */
export function recheckTelling({ status, deletedAt }: Pick<ReminderNow, "status" | "deletedAt">): Suppression | null {
  if (deletedAt !== null) return { reason: "deleted", because: "the reminder was deleted" };
  return status === "COMPLETED" ? null : { reason: "reopened", because: "it isn't done after all" };
}

/**
 * Whether a delivery that waited (for a retry, for its turn, for another worker) may still leave: null if so, else why
 * not. Asked again right before every send, because the world went on meanwhile.
 */
export function recheck(occurrenceAt: Instant, reminder: ReminderNow, stop: StopAnswer): Suppression | null {
  if (stop.state === "met") return { reason: "stop_condition", because: stop.because };
  if (reminder.deletedAt !== null) return { reason: "deleted", because: "the reminder was deleted" };
  if (reminder.status === "COMPLETED") return { reason: "completed", because: "the reminder was completed" };
  if (reminder.status === "PAUSED") return { reason: "paused", because: "the reminder was paused" };
  // What was due before a silence ends is what it was about.
  const { silence } = reminder;
  if (silence && occurrenceAt < silence.until) {
    const what = silence.by === "snooze" ? "snoozed it" : "promised to do it";
    return { reason: "silent", because: `somebody has ${what} until ${new Date(silence.until).toISOString()}` };
  }
  if (reminder.misfirePolicy === "all") return null;
  if (reminder.lastOccurrenceAt !== null && reminder.lastOccurrenceAt > occurrenceAt) {
    return { reason: "superseded", because: "a newer occurrence of the same reminder took its place" };
  }
  return null;
}
