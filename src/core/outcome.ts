import { isPersonal, type SuppressionReason } from "./recheck.ts";
import type { DeliveryStatus } from "./reminder.ts";

const BEST_FIRST: readonly DeliveryStatus[] = ["sent", "unknown", "failed", "suppressed"];

/** What became of the best of several messages of one occurrence that have ended; undefined: none has. */
export function bestOf(statuses: readonly DeliveryStatus[]): DeliveryStatus | undefined {
  return BEST_FIRST.find((status) => statuses.includes(status));
}

/**
 * What became of an occurrence with the end of one of its messages, as far as its reminder may be done with it. `several`: the best of what
 * became of all of them, where there are several. What somebody got, or one person didn't want, isn't held back. Pure.
 */
export function outcomeOf(
  { status, suppression }: { status: DeliveryStatus; suppression: SuppressionReason | null },
  several: DeliveryStatus | undefined,
): DeliveryStatus {
  const best = several ?? status;
  if (best !== "suppressed" || suppression === null) return best;
  // Nothing is sent to the address: another try would end the same way.
  if (suppression === "address") return "failed";
  return isPersonal(suppression) ? "sent" : best;
}
