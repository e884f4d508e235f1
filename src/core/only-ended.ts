import type { CompletionReason, ReminderRecord } from "./reminder.ts";

/** Why a reminder may be COMPLETED without the thing being done: nothing more was due. */
const ONLY_ENDED: ReadonlySet<CompletionReason | null> = new Set([
  "one_time_sent",
  "max_occurrences",
  "schedule_ended",
  "policy_ended",
  "delivery_failed",
  "delivery_unknown",
]);

/** True for one that is COMPLETED without being done: it may begin again, and may still be said to be done. */
export function hasOnlyEnded({
  status,
  completionReason,
  deletedAt,
}: Pick<ReminderRecord, "status" | "completionReason" | "deletedAt">): boolean {
  return status === "COMPLETED" && ONLY_ENDED.has(completionReason) && deletedAt === null;
}

/** The same reminder, ACTIVE again where it had only ended; null where it is done. */
export function begunAgain(reminder: ReminderRecord): ReminderRecord | null {
  if (reminder.status !== "COMPLETED") return reminder;
  if (!hasOnlyEnded(reminder)) return null;
  return { ...reminder, status: "ACTIVE", completionReason: null, completedAt: null };
}
