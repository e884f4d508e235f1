import type { DeliveryRow, Span } from "../evidence.ts";
import type { Case } from "./case.ts";
import { isFallback } from "./fallbacks.ts";

const DAY_MS = 24 * 3_600_000;
/** What is due at the very end of a time goes with it: so long its message waits. */
const GATHERING_MS = 60_000;
/** A row's instant is that of its transaction's beginning; so much later it may have been decided. */
const READ_MS = 50;

/**
 * When a delivery leaves together with others: a minute after the first of its person's times that it was due by; where that had passed
 * when it was fired, after the first since then. Between which instants, as the rows tell the latter only roughly. Null: by itself.
 */
export function windowOf({ input }: Case, delivery: DeliveryRow): Span | null {
  const { digest } = input;
  if (digest === null || isFallback(delivery)) return null;
  const { occurrenceAt, createdAt } = delivery;
  const wanted = leavesAt(digest, occurrenceAt);
  const leaves = (firedAt: number) => (wanted > firedAt ? wanted : leavesAt(digest, firedAt));
  return { from: leaves(createdAt), until: leaves(createdAt + READ_MS) };
}

/**
 * Whether a newer occurrence still waited for a later message when an older one ended: then that had kept its place. By when it was due: one
 * that was fired late, and therefore waits for a later one still, takes it all the same.
 */
export function isForLater(one: Case, newer: DeliveryRow, older: DeliveryRow): boolean {
  const wanted = windowOf(one, older);
  if (wanted === null || one.input.digest === null) return false;
  return leavesAt(one.input.digest, newer.occurrenceAt) > Math.max(wanted.until, (older.finishedAt ?? 0) + READ_MS);
}

function leavesAt(times: number[], due: number): number {
  const midnight = Math.floor(due / DAY_MS) * DAY_MS;
  const next = [midnight, midnight + DAY_MS].flatMap((day) => times.map((time) => day + time));
  return Math.min(...next.filter((instant) => instant >= due)) + GATHERING_MS;
}
