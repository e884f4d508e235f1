import type { CompletionReason } from "./reminder.ts";

/** Why a reminder is COMPLETED whose thing is done; the others only end, and it may still be to be done. The migration says the same. */
export const DONE_REASONS = [
  "stop_condition",
  "event",
  "done",
  "people_done",
  "manual",
] as const satisfies readonly CompletionReason[];
export type DoneReason = (typeof DONE_REASONS)[number];

export function isDoneReason(reason: CompletionReason | null): reason is DoneReason {
  return (DONE_REASONS as readonly (CompletionReason | null)[]).includes(reason);
}
