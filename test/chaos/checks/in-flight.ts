import type { Arrival, DeliveryRow } from "../evidence.ts";
import type { Court } from "./case.ts";

/** Whether a fault hit between a message's leaving and the moment its result must have been stored, and that was before `until`. */
export function wasInFlight(before: Arrival, until: number, { faults, limits }: Court): boolean {
  const storedBy = Math.min((before.answeredAt ?? until) + limits.storingMs, until);
  return faults.some((fault) => {
    const { hits } = fault;
    if (hits !== "database" && hits !== before.worker) return false;
    // Workers come back to a database that was away by and by.
    const after = hits === "database" ? limits.recoveryMs : limits.storingMs;
    return fault.from <= storedBy && fault.until + after >= before.leftAt;
  });
}

/** Whether a delivery's worker may have been hit when it had been claimed, and nothing of it had reached anybody. */
export function wasHit({ createdAt, finishedAt }: DeliveryRow, { faults, limits, readAt }: Court): boolean {
  return faults.some(
    ({ kind, hits, from, until }) =>
      (kind.includes("worker") || hits === "database") &&
      from <= (finishedAt ?? readAt) &&
      until + limits.recoveryMs >= createdAt,
  );
}
