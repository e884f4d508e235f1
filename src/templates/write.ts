import type { Renderable } from "./context.ts";
import { styleOf } from "./context.ts";
import { type EmailContent, writeHtml, writeText } from "./default-email.ts";
import type { DateStyle } from "./liquid.ts";
import { humanise, humaniseInside, writeDay, writeInstant } from "./words.ts";

export interface Rendered {
  /** One line, never empty, at most 200 characters. */
  subject: string;
  /** What the reminder wants to say, without greeting and footer: for channels with little room. */
  body: string;
  text: string;
  html: string;
}

/** Words that somebody has written, filled in. What is empty is left to the built-in ones. */
export interface GivenWords {
  subject: string;
  body: string;
  /** The whole page; null: the built-in one around `body`. */
  html?: string | null;
}

export const NO_WORDS: GivenWords = { subject: "", body: "" };

const MAX_SUBJECT_LENGTH = 200;

/** Writes a message in these words, or the built-in ones where there are none. Pure. */
export function writeMessage(message: Renderable, given: GivenWords): Rendered {
  const { reminder } = message;
  const style = styleOf(message);
  const event = singleLine(humanise(reminder.eventType));
  const about = singleLine(`${humaniseInside(reminder.entityType)} ${reminder.entityId}`);

  const ownSubject = shorten(singleLine(given.subject), MAX_SUBJECT_LENGTH);
  const ownBody = paragraphs(given.body);
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
  const html = given.html || writeHtml(content);
  return { subject: content.subject, body, text: writeText(content), html };
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
