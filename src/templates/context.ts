import type { Purpose } from "../core/answer.ts";
import type { Instant } from "../core/instant.ts";
import type { JsonObject } from "../core/json.ts";
import type { Contact, Reminder } from "../core/reminder.ts";
import type { Silence } from "../core/silence.ts";
import type { DateStyle } from "./liquid.ts";
import { chooseLocale, chooseTimeZone } from "./words.ts";

type Reader = Pick<Contact, "name" | "email" | "timeZone" | "locale">;

/** What a message is made from. A channel's `Message` is one. */
export interface Renderable {
  recipient: string | null;
  reminder: Pick<
    Reminder,
    "id" | "entityType" | "entityId" | "eventType" | "subject" | "message" | "timeZone" | "createdAt"
  > & { data: JsonObject } & Partial<Pick<Reminder, "bounds" | "stopCondition" | "people">>;
  contact: Reader | null;
  tenantZone?: string | null;
  /** Set where it is for somebody else than the one to remind, or by a policy, and how. `template`: whose words its step names. */
  addressed?: {
    as?: string;
    tells?: boolean;
    person?: string | null;
    via?: string;
    template?: string | null;
  } | null;
  /** Who that is; null: nobody knows more than the address; not set: it is for the one to remind. */
  addressee?: Reader | null;
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
    contact: contact && told(contact),
    // Who reads this.
    addressee: readerTold(message),
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

/** The reader's language and clocks: of whoever it is addressed to, and where that isn't known, of the one to remind. */
export function styleOf({ reminder, contact, addressee, tenantZone }: Renderable): DateStyle {
  return {
    timeZone: chooseTimeZone(addressee?.timeZone, reminder.timeZone, contact?.timeZone, tenantZone),
    locale: chooseLocale(addressee?.locale, contact?.locale),
  };
}

function told({ name, email, timeZone, locale }: Reader): Record<string, string | null> {
  return { name, email, time_zone: timeZone, locale };
}

/** Of an address alone nothing is known but that; a message to another address than the contact's is for somebody else. */
function readerTold({ recipient, contact, addressee }: Renderable): Record<string, string | null> | null {
  if (addressee) return told(addressee);
  const email = recipient?.includes("@") ? recipient : null;
  const isContact = email === null || email.toLowerCase() === contact?.email?.trim().toLowerCase();
  if (addressee === undefined && contact && isContact) return told(contact);
  return email === null ? null : { name: null, email, time_zone: null, locale: null };
}

function iso(instant: Instant): string {
  return new Date(instant).toISOString();
}
