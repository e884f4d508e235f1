import { afterLastOccurrence } from "./occurrence.ts";
import type { CompletionReason, DeliveryStatus, Instant, Reminder } from "./reminder.ts";
import { countRecurring } from "./schedule/recurring.ts";
import { nextOccurrence } from "./schedule/schedule.ts";

/** What the stop condition answered, and the sentence that says why. */
export interface StopAnswer {
  met: boolean;
  because: string;
}

/** What the store read about a reminder's stop condition, in the same query that claimed the reminder. */
export interface StoredFacts {
  /** The flag that a `db_check` means, its placeholders filled in. */
  flagKey: string | null;
  /** A key that nobody set is false. */
  flagIsSet: boolean;
}

/** Everything a decision rests on besides the reminder itself. */
export interface Facts {
  stop: StopAnswer;
}

export type Decision =
  | { kind: "complete"; reason: CompletionReason; because: string }
  | {
      kind: "send";
      /** The due instant that this send is for. */
      occurrenceAt: Instant;
      /** When the reminder is due again; null when this was its last occurrence. */
      nextRunAt: Instant | null;
      /** Due instants between this one and now that get no message of their own: one catch-up stands for them all. */
      missed: number;
    };

type DueReminder = Pick<Reminder, "schedule" | "createdAt"> & { nextRunAt: Instant; lastOccurrenceAt: Instant | null };

/** What becomes of a due reminder. Pure: the same reminder, facts and instant always give the same decision. */
export function decide(reminder: DueReminder, facts: Facts, now: Instant): Decision {
  if (facts.stop.met) return { kind: "complete", reason: "stop_condition", because: facts.stop.because };

  const { schedule } = reminder;
  // Plain SQL may have moved the due instant back onto an occurrence that was.
  const occurrenceAt = afterLastOccurrence(reminder.nextRunAt, reminder);
  const nextRunAt = nextOccurrence(schedule, Math.max(now, occurrenceAt));
  // Nothing was missed before there was a reminder: one created with a due instant in the past is due at once.
  const since = Math.max(occurrenceAt, reminder.createdAt);
  const missed = schedule.type === "recurring" ? countRecurring(schedule, since, now) : 0;
  return { kind: "send", occurrenceAt, nextRunAt, missed };
}

/**
 * What becomes of a reminder whose schedule has no further occurrence, once its last delivery has ended.
 * Until then it stays ACTIVE, so that "completed" always means that nothing more will be sent.
 */
export function completionAfter(outcome: DeliveryStatus): CompletionReason | null {
  switch (outcome) {
    case "sent":
      return "one_time_sent";
    case "failed":
      return "delivery_failed";
    case "unknown":
      return "delivery_unknown";
    default:
      return null;
  }
}
