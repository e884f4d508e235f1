import type { Instant } from "../core/instant.ts";
import { type ReminderNow, recheck } from "../core/recheck.ts";
import { NOT_MET } from "../core/stop.ts";
import type { ReminderWithFacts } from "../store/engine-row.ts";
import { newestFor } from "./digest.ts";
import type { Held } from "./held.ts";
import { type Outcome, suppressed } from "./outcome.ts";

/** What `recheck` asks of the reminder of a delivery that was read at `now` or before. */
export function reminderNow(held: Held, { reminder }: ReminderWithFacts, now: Instant): ReminderNow {
  const { status, deletedAt, bounds, silence } = reminder;
  return { status, deletedAt, lastOccurrenceAt: newestFor(held, now), misfirePolicy: bounds.misfirePolicy, silence };
}

/** What becomes of a delivery that isn't to be sent any more, whatever its stop condition says and its person wants; null: it may be. */
export function overtaken(held: Held): Outcome | null {
  const { known, occurrenceAt, addressed } = held;
  // What only tells that its reminder is done is sent because it is.
  if (addressed?.tells) return null;
  if (known === null) return suppressed("deleted", "the reminder's row was removed");
  const over = recheck(occurrenceAt, reminderNow(held, known, known.now), NOT_MET);
  return over && suppressed(over.reason, over.because);
}
