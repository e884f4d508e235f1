import type { Instant } from "./instant.ts";
import type { Contact, Reminder } from "./reminder.ts";

/** What a stop condition may know of a reminder. */
export type StopReminder = Pick<
  Reminder,
  | "id"
  | "tenantId"
  | "entityType"
  | "entityId"
  | "eventType"
  | "channel"
  | "recipient"
  | "subject"
  | "message"
  | "data"
  | "timeZone"
  | "nextRunAt"
  | "occurrenceCount"
  | "createdAt"
>;

export type StopContact = Pick<Contact, "name" | "email" | "timeZone" | "locale">;

/** Of whom and what a stop condition is asked. */
export interface StopSubject {
  reminder: StopReminder;
  /** Where its entity is reached; null: it has no contact. */
  contact: StopContact | null;
  counts: {
    /** How often it has fired. */
    occurrences: number;
    /** How many of its messages were sent; only kept for conditions that count them. */
    sent: number;
  };
  /** The flags that its condition names, placeholders filled in. One that isn't here is false, as one that nobody set. */
  flags: ReadonlyMap<string, boolean>;
  /** The database's instant. */
  now: Instant;
  /** What may still be spent on working its condition out, with all its parts, in microseconds; not set: what one of them may take. */
  effort?: { left: number };
}

export const NO_FLAGS: StopSubject["flags"] = new Map();
