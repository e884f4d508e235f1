import type { StopReminder, StopSubject } from "../core/stop-subject.ts";

/** What is read of a reminder for its decision. */
interface Read extends Pick<StopSubject, "contact" | "flags" | "now"> {
  reminder: StopReminder;
  standing: { sentCount: number };
}

/** The reminder as its stop condition is asked of it. */
export function subjectOf({ reminder, contact, flags, now, standing }: Read): StopSubject {
  return { reminder, contact, flags, now, counts: { occurrences: reminder.occurrenceCount, sent: standing.sentCount } };
}
