import { type ReminderNow, recheck } from "../core/recheck.ts";
import { readAnswer } from "../core/stop.ts";
import type { ReminderWithFacts } from "../store/engine-row.ts";
import type { Held } from "./held.ts";
import { type Outcome, suppressed } from "./outcome.ts";

/** What `recheck` asks of a reminder, as it was read. */
export function reminderNow({ reminder, lastOccurrenceAt }: ReminderWithFacts): ReminderNow {
  const { status, deletedAt, bounds, silence } = reminder;
  return { status, deletedAt, lastOccurrenceAt, misfirePolicy: bounds.misfirePolicy, silence };
}

/** What becomes of a delivery that goes by itself and isn't to be sent any more, whatever its stop condition says; null: it may be. */
export function outdated({
  known,
  occurrenceAt,
  addressed,
}: Pick<Held, "known" | "occurrenceAt" | "addressed">): Outcome | null {
  // What only tells that its reminder is done is sent because it is.
  if (addressed?.tells) return null;
  if (known === null) return suppressed("deleted", "the reminder's row was removed");
  const over = recheck(occurrenceAt, reminderNow(known), NOT_MET);
  return over && suppressed(over.reason, over.because);
}

const NOT_MET = readAnswer("not_met", "");
