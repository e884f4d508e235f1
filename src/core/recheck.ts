import type { Instant, MisfirePolicy, ReminderStatus } from "./reminder.ts";
import type { StopAnswer } from "./stop.ts";

/** The reminder of a delivery that waited, as it is now. */
export interface ReminderNow {
  status: ReminderStatus;
  deletedAt: Instant | null;
  /** The due instant of its newest occurrence. */
  lastOccurrenceAt: Instant | null;
  /** With `all`, each occurrence has a message of its own, however late; not set: the usual policy. */
  misfirePolicy?: MisfirePolicy;
}

export type SuppressionReason = "stop_condition" | "deleted" | "completed" | "paused" | "superseded";

export interface Suppression {
  reason: SuppressionReason;
  because: string;
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
  if (reminder.misfirePolicy === "all") return null;
  if (reminder.lastOccurrenceAt !== null && reminder.lastOccurrenceAt > occurrenceAt) {
    return { reason: "superseded", because: "a newer occurrence of the same reminder took its place" };
  }
  return null;
}
