import type { Contact, Instant, JsonObject, Reminder } from "../core/reminder.ts";
import { type EmailContent, writeHtml, writeText } from "./default-email.ts";
import { BrokenTemplate, type DateStyle, fillIn } from "./liquid.ts";
import { chooseLocale, chooseTimeZone, humanise, humaniseInside, writeDay, writeInstant } from "./words.ts";

/** What a message is made from. A channel's `Message` is one. */
export interface Renderable {
  recipient: string | null;
  reminder: Pick<
    Reminder,
    "id" | "entityType" | "entityId" | "eventType" | "subject" | "message" | "timeZone" | "createdAt"
  > & { data: JsonObject };
  contact: Pick<Contact, "name" | "email" | "timeZone" | "locale"> | null;
  tenantZone?: string | null;
  occurrenceAt: Instant;
  occurrenceNumber: number;
  nextRunAt: Instant | null;
}

export interface Rendered {
  /** One line, never empty, at most 200 characters. */
  subject: string;
  /** What the reminder wants to say, without greeting and footer: for channels with little room. */
  body: string;
  text: string;
  html: string;
}

const MAX_SUBJECT_LENGTH = 200;

/**
 * Writes a message: the reminder's own `subject` and `message` filled in, or the built-in words where it has none.
 * Throws `BrokenTemplate` with a sentence that names the field.
 */
export function renderMessage(message: Renderable): Rendered {
  const { reminder, contact } = message;
  const style: DateStyle = {
    timeZone: chooseTimeZone(reminder.timeZone, contact?.timeZone, message.tenantZone),
    locale: chooseLocale(contact?.locale),
  };
  const scope = templateScope(message);
  const event = singleLine(humanise(reminder.eventType));
  const about = singleLine(`${humaniseInside(reminder.entityType)} ${reminder.entityId}`);

  const ownSubject = shorten(singleLine(fillInField("subject", reminder.subject, scope, style)), MAX_SUBJECT_LENGTH);
  const ownBody = paragraphs(fillInField("message", reminder.message, scope, style));
  const body = ownBody || defaultBody(message, event, about);
  const content: EmailContent = {
    subject: ownSubject || shorten(`Reminder: ${event} (${about})`, MAX_SUBJECT_LENGTH),
    title: ownSubject || event,
    about,
    greeting: ownBody === "" ? greeting(message) : null,
    body,
    facts: facts(message, style),
    footer: footer(message, about),
  };
  return { subject: content.subject, body, text: writeText(content), html: writeHtml(content) };
}

/** What a template may speak of. Instants are ISO 8601 with `Z`; the `date` filter writes them in the reader's zone. */
function templateScope(message: Renderable): Record<string, unknown> {
  const { reminder, contact } = message;
  return {
    data: reminder.data,
    entity_type: reminder.entityType,
    entity_id: reminder.entityId,
    event_type: reminder.eventType,
    reminder_id: reminder.id,
    contact: contact && {
      name: contact.name,
      email: contact.email,
      time_zone: contact.timeZone,
      locale: contact.locale,
    },
    occurrence_number: message.occurrenceNumber,
    occurrence_at: new Date(message.occurrenceAt).toISOString(),
    next_run_at: message.nextRunAt === null ? null : new Date(message.nextRunAt).toISOString(),
  };
}

function fillInField(
  field: "subject" | "message",
  template: string | null,
  scope: Record<string, unknown>,
  style: DateStyle,
): string {
  if (template === null) return "";
  try {
    return fillIn(template, scope, style);
  } catch (error) {
    if (error instanceof BrokenTemplate)
      throw new BrokenTemplate(`the reminder's ${field} is broken: ${error.message}`);
    throw error;
  }
}

function greeting({ contact, recipient }: Renderable): string | null {
  // A message to somebody else than the contact must not call them by the contact's name.
  const goesToContact = contact?.email?.trim().toLowerCase() === recipient?.toLowerCase();
  return contact?.name && goesToContact ? `Hello ${singleLine(contact.name)},` : null;
}

function defaultBody({ occurrenceNumber, nextRunAt }: Renderable, event: string, about: string): string {
  const isOnly = occurrenceNumber === 1 && nextRunAt === null;
  return isOnly ? `This is a reminder: “${event}” for ${about}.` : `“${event}” for ${about} is still open.`;
}

function facts({ reminder, occurrenceNumber, nextRunAt }: Renderable, style: DateStyle): [string, string][] {
  const lines: [string, string][] = [];
  if (occurrenceNumber > 1) {
    lines.push(["Reminder", `number ${occurrenceNumber}, since ${writeDay(reminder.createdAt, style)}`]);
  }
  if (nextRunAt !== null) lines.push(["Next one", writeInstant(nextRunAt, style)]);
  else if (occurrenceNumber > 1) lines.push(["Next one", "none, this was the last"]);
  return lines;
}

function footer({ reminder, nextRunAt }: Renderable, about: string): string[] {
  const why = `You get this because you are the one to remind about ${about} (reminder ${reminder.id}).`;
  return nextRunAt === null ? [why] : ["These reminders stop by themselves as soon as it is done.", why];
}

/** Control characters have no place in a message; a tab is a space. */
function singleLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029\s]+/gu, " ")
    .trim();
}

function paragraphs(text: string): string {
  return text
    .replace(/\r\n?|[\u2028\u2029]/g, "\n")
    .replace(/[^\P{Cc}\n\t]/gu, "")
    .trim();
}

/** Cuts between characters as people see them (`length` in UTF-16 units), not in the middle of one. */
function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  let short = "";
  for (const { segment } of new Intl.Segmenter().segment(text.slice(0, length))) {
    if (short.length + segment.length >= length) break;
    short += segment;
  }
  return `${short}…`;
}
