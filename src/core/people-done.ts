import type { Instant } from "./instant.ts";
import { hasOnlyEnded } from "./only-ended.ts";
import { quorumOf } from "./people.ts";
import type { ReminderRecord } from "./reminder.ts";

/** True where somebody's word that they have done theirs counts: one that has only ended may begin again, and then they get no more of it. */
export function maySayDone(reminder: Pick<ReminderRecord, "status" | "completionReason" | "deletedAt">): boolean {
  return reminder.deletedAt === null && (reminder.status !== "COMPLETED" || hasOnlyEnded(reminder));
}

/** A reminder of whose people so many have done theirs, once that is enough; null: it takes more. Pure. */
export function doneByPeople(reminder: ReminderRecord, count: number, now: Instant): ReminderRecord | null {
  if (count < quorumOf(reminder.people)) return null;
  return {
    ...reminder,
    ...{ status: "COMPLETED", completionReason: "people_done", completedAt: reminder.completedAt ?? now },
    ...{ needsAttention: null, nextRunAt: null, nextWallAt: null },
  };
}
