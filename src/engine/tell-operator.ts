import type { Logger } from "pino";
import type { NewEvent } from "../store/events.ts";

/** Whoever reads the log learns that a person is needed: once for each time that the timeline says it. */
export function tellOperator(log: Pick<Logger, "warn">, events: readonly NewEvent[]): void {
  for (const { reminderId: reminder, type, because: reason } of events) {
    if (type === "needs_attention") log.warn({ reminder, reason }, "a reminder needs a person");
  }
}
