import type { Purpose } from "../core/answer.ts";
import type { Contact, Instant, JsonObject, Reminder } from "../core/reminder.ts";
import type { Silence } from "../core/silence.ts";
import type { DateStyle } from "./liquid.ts";
import { chooseLocale, chooseTimeZone } from "./words.ts";

/** What a message is made from. A channel's `Message` is one. */
export interface Renderable {
  recipient: string | null;
  reminder: Pick<
    Reminder,
    "id" | "entityType" | "entityId" | "eventType" | "subject" | "message" | "timeZone" | "createdAt"
  > & { data: JsonObject } & Partial<Pick<Reminder, "bounds" | "stopCondition">>;
  contact: Pick<Contact, "name" | "email" | "timeZone" | "locale"> | null;
  tenantZone?: string | null;
  /** Set where it is for somebody else than the one to remind, and how. */
  addressed?: { tells?: boolean } | null;
  occurrenceAt: Instant;
  occurrenceNumber: number;
  nextRunAt: Instant | null;
  /** Where it is answered; not set: nowhere. */
  links?: Readonly<Record<Purpose, string>> | null;
  /** With it ends that somebody has put it off. */
  endsSilence?: Silence | null;
}

/**
 * What a template may speak of: docs/guide/templates.md lists it for people. Instants are ISO 8601 with `Z`; the filters for dates
 * write them in the reader's zone. Pure.
 */
export function templateContext(message: Renderable): Record<string, unknown> {
  const { reminder, contact } = message;
  return {
    data: reminder.data,
    entity_type: reminder.entityType,
    entity_id: reminder.entityId,
    event_type: reminder.eventType,
    reminder_id: reminder.id,
    created_at: iso(reminder.createdAt),
    recipient: message.recipient,
    contact: contact && {
      name: contact.name,
      email: contact.email,
      time_zone: contact.timeZone,
      locale: contact.locale,
    },
    occurrence_number: message.occurrenceNumber,
    occurrence_at: iso(message.occurrenceAt),
    next_run_at: message.nextRunAt === null ? null : iso(message.nextRunAt),
    // Where it is answered, by what for; empty without PUBLIC_URL.
    links: message.links ?? {},
    // The reminder's own words; filled in before a template that frames them.
    subject: reminder.subject,
    message: reminder.message,
  };
}

/** The reader's language and clocks. */
export function styleOf({ reminder, contact, tenantZone }: Renderable): DateStyle {
  return {
    timeZone: chooseTimeZone(reminder.timeZone, contact?.timeZone, tenantZone),
    locale: chooseLocale(contact?.locale),
  };
}

function iso(instant: Instant): string {
  return new Date(instant).toISOString();
}
