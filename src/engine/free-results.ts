import { lockFreeDeliveries, lockFreeReminders, stillHeld, waitForNobody } from "../store/held-rows.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import type { Held } from "./held.ts";
import type { Ended } from "./outcome.ts";
import { hasConsequences, type Keeping, storeAlone, storeWithConsequences } from "./results.ts";

export interface Left {
  /** The claim that made them no longer holds. */
  lost: Ended[];
  /** Somebody else has their rows locked. */
  locked: Ended[];
}

/** Stores what became of attempts as `storeResults` does, but waits for nobody: what others have locked is left. Fails where rows of other tables are locked. */
export function storeFree(database: WorkerDatabase, batch: readonly Ended[], keep: Keeping): Promise<Left> {
  return database.transaction(async (sql) => {
    await waitForNobody(sql);
    const withConsequences = batch.filter(hasConsequences).map(({ held }) => held.reminderId);
    const lockedReminders = await lockFreeReminders(sql, [...new Set(withConsequences)]);
    const wanted = batch.filter((ended) => !hasConsequences(ended) || !lockedReminders.has(ended.held.reminderId));
    const free = new Set<Held>(await lockFreeDeliveries(sql, wanted.map(heldOf)));
    const had = wanted.filter(({ held }) => free.has(held));
    const left = batch.filter(({ held }) => !free.has(held));
    const locked = new Set<Held>(await stillHeld(sql, left.map(heldOf)));
    const [alone, others] = [had.filter((ended) => !hasConsequences(ended)), had.filter(hasConsequences)];
    if (alone.length > 0) await storeAlone(sql, alone);
    // All of them: their rows are locked under their claims, so none is claimed anew meanwhile.
    if (others.length > 0) await storeWithConsequences(sql, others, keep);
    return {
      lost: left.filter(({ held }) => !locked.has(held)),
      locked: left.filter(({ held }) => locked.has(held)),
    };
  });
}

function heldOf({ held }: Ended): Held {
  return held;
}
