import type { Instant, Schedule } from "../reminder.ts";
import { nextOneTime } from "./one-time.ts";
import { nextRecurring } from "./recurring.ts";

/**
 * The first instant of the schedule that is strictly later than `after`, or null when it has none.
 * Every kind of schedule answers this one question; firing, preview and simulation ask nothing else.
 */
export function nextOccurrence(schedule: Schedule, after: Instant): Instant | null {
  switch (schedule.type) {
    case "one_time":
      return nextOneTime();
    case "recurring":
      return nextRecurring(schedule, after);
  }
}
