import type { DeliveryRow } from "../evidence.ts";
import type { Case, Court } from "./case.ts";
import { isHeldByFailing } from "./fallbacks.ts";
import { windowOf } from "./windows.ts";

/** What may still wait when all is at rest: then it is asked about again. */
export function isHeld(one: Case, delivery: DeliveryRow, court: Court): boolean {
  if (!["pending", "retrying"].includes(delivery.status)) return false;
  return (
    isHeldByQuiet(one, court) ||
    isHeldByWindow(one, delivery, court) ||
    isHeldByBudget(one, delivery, court) ||
    isHeldByFailing(one, delivery, court)
  );
}

/** Its quiet hours haven't ended yet. */
function isHeldByQuiet({ input: { quiet } }: Case, { readAt }: Court): boolean {
  return quiet.some(({ from, until }) => from <= readAt && readAt < until);
}

/** The message that it is to be in hasn't left yet. */
function isHeldByWindow(one: Case, delivery: DeliveryRow, { readAt, limits }: Court): boolean {
  const window = windowOf(one, delivery);
  return window !== null && readAt <= window.until + limits.clockSlackMs;
}

const DAY_MS = 24 * 3_600_000;
/** A place is free again a little later than a day after it was used, and promised ones come one after the other. */
const LATER = 0.2;

/** There was no place for it: as many as its person wants have been used, or a fault may have cost one. It is promised a later one. */
function isHeldByBudget({ input: { budget } }: Case, { nextAttemptAt, createdAt }: DeliveryRow, court: Court): boolean {
  if (budget === null || nextAttemptAt === null) return false;
  const { tries, waiting } = court.budgetOf(budget.person);
  const latest = court.readAt + DAY_MS * (1 + LATER + waiting / budget.perDay);
  const mayHaveCost = court.faults.some(({ from }) => from >= createdAt - DAY_MS && from <= court.readAt);
  return nextAttemptAt > court.readAt && nextAttemptAt <= latest && (tries >= budget.perDay || mayHaveCost);
}
