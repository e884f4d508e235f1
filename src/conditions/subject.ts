import type { StopReminder, StopSubject } from "../core/stop.ts";

/** What is read of a reminder for its decision. */
interface Known extends Pick<StopSubject, "contact" | "flags" | "now"> {
  reminder: StopReminder;
}

/** The reminder as its stop condition is asked of it. */
export function subjectOf({ reminder, contact, flags, now }: Known): StopSubject {
  return { reminder, contact, flags, now, counts: { occurrences: reminder.occurrenceCount, sent: 0 } };
}
