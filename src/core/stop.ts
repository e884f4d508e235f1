import type { Contact, Instant, Reminder } from "./reminder.ts";

export const STOP_STATES = ["met", "not_met", "unknown"] as const;

/** Nobody knows whether the thing is done when what would say so can't be asked: that is neither a yes nor a no. */
export type StopState = (typeof STOP_STATES)[number];

/** What the stop condition answered, and the sentence that says why. */
export interface StopAnswer {
  state: StopState;
  because: string;
  /** When it was got; null: it was read along with the reminder itself. */
  gotAt: Instant | null;
  /** For how long after that it may be used, in milliseconds. */
  freshForMs: number;
}

/** What was answered last before a message left, or didn't: kept with its attempt. */
export interface Checked extends Pick<StopAnswer, "state" | "because"> {
  /** The kind of its stop condition. */
  type: string;
  /** Since when that was so, as far as is known: when it was got, or read. */
  at: Instant;
}

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

/** An answer from what was read along with the reminder: as fresh as that. */
export function readAnswer(state: StopState, because: string): StopAnswer {
  return { state, because, gotAt: null, freshForMs: 0 };
}

export const NO_FLAGS: StopSubject["flags"] = new Map();
