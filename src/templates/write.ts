import { namedSo } from "../core/people.ts";
import { type AnswerButton, answerButtons, type OneLink, oneLink } from "./answers.ts";
import type { Catalog } from "./builtin/catalog.ts";
import { dueFactsOf, type Fact, factsOf, urlOf } from "./builtin/facts.ts";
import { catalogFor, localeFor, say } from "./builtin/speak.ts";
import { speakTo } from "./builtin/speak-to.ts";
import { type UseCase, useCaseOf } from "./builtin/use-case.ts";
import { type Renderable, styleOf } from "./context.ts";
import { type EmailContent, writeHtml, writeText } from "./default-email.ts";
import { humanise, withoutTurns, writeEntity } from "./words.ts";

export interface Rendered {
  /** One line, never empty, at most 200 characters. */
  subject: string;
  /** The same among others of its kind: without saying each time that it is a reminder. */
  title: string;
  /** What the reminder wants to say, without greeting and footer: for channels with little room. */
  body: string;
  /** True where `body` begins with what `subject` says; not set: it doesn't. */
  saysSubject?: true;
  text: string;
  html: string;
  /** What the reader may answer, and where; none without links. */
  answers: readonly AnswerButton[];
  /** Where all of that is, for channels that carry one link; null without. */
  allAnswers: OneLink | null;
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
  if (message.addressed?.tells) return writeTelling(message);
  const { reminder } = message;
  const { words, style } = speakTo(message);
  const useCase = useCaseOf(reminder);
  const event = singleLine(humanise(reminder.eventType));
  const about = singleLine(writeEntity(reminder));

  const ownSubject = shorten(singleLine(given.subject), MAX_SUBJECT_LENGTH);
  const ownBody = paragraphs(given.body);
  const body = ownBody || builtInBody(message, words, style.locale, { event, about, useCase });
  const url = urlOf(message);
  const action = ownBody === "" && url !== null ? { label: words.action[useCase], url } : null;
  const content: EmailContent = {
    locale: style.locale,
    useCase,
    label: words.label[useCase],
    subject: ownSubject || shorten(say(words.subject, style.locale, { event, about }), MAX_SUBJECT_LENGTH),
    title: ownSubject || event,
    about,
    greeting: ownBody === "" ? greeting(message, words, style.locale) : null,
    body,
    action,
    facts: factsOf(message, words, style),
    footer: footer(message, words, style.locale, about),
    answers: answerButtons(message.links, words.answers),
  };
  return {
    subject: content.subject,
    title: ownSubject || `${event} (${about})`,
    body: ownBody || inShort(body, dueFactsOf(message, words, style), action),
    ...(ownBody === "" && ownSubject === "" ? { saysSubject: true } : {}),
    text: writeText(content),
    html: given.html || writeHtml(content),
    answers: content.answers,
    allAnswers: oneLink(message.links, words.answers),
  };
}

/** What those are told to whom its reminders had come as well, once it is done: in the built-in words, and nothing to answer. */
function writeTelling(message: Renderable): Rendered {
  const { reminder } = message;
  const { locale: wanted } = styleOf(message);
  const locale = localeFor(wanted);
  const words = catalogFor(locale);
  const useCase = useCaseOf(reminder);
  const event = singleLine(humanise(reminder.eventType));
  const about = singleLine(writeEntity(reminder));
  const subject = shorten(say(words.told.subject, locale, { event, about }), MAX_SUBJECT_LENGTH);
  const body = say(words.told.body, locale, { event, about });
  const footer = [say(words.told.footer, locale, { id: String(reminder.id) })];
  const content: EmailContent = {
    ...{ locale, useCase, label: words.label[useCase], subject, title: event, about, greeting: null, body, footer },
    ...{ action: null, facts: [], answers: [] },
  };
  const [text, html] = [writeText(content), writeHtml(content)];
  return { subject, title: subject, body, text, html, answers: [], allAnswers: null };
}

/** What is asked of the reader; whom it was escalated to isn't the one to do it. */
function askOf({ addressed }: Renderable, words: Catalog, useCase: UseCase): string {
  return isOwn(addressed) ? words.ask[useCase] : words.askToo;
}

function isOwn(addressed: Renderable["addressed"]): boolean {
  return (addressed?.as ?? "recipient").startsWith("recipient");
}

function builtInBody(
  message: Renderable,
  words: Catalog,
  locale: string,
  { event, about, useCase }: { event: string; about: string; useCase: UseCase },
): string {
  const isOnly = message.occurrenceNumber === 1 && message.nextRunAt === null;
  // An appointment isn't open: it is to come.
  const state = say(isOnly || useCase === "interview" ? words.once : words.again, locale, { event, about });
  const ask = askOf(message, words, useCase);
  return ask === "" ? state : `${state}\n\n${ask}`;
}

/** With until when it is, and where to do it. */
function inShort(body: string, due: readonly Fact[], action: EmailContent["action"]): string {
  const facts = due.map(([label, value]) => `${label}: ${value}`).join("\n");
  return [body, facts, action && `${action.label}: ${action.url}`].filter((part) => part).join("\n\n");
}

function greeting({ contact, recipient, addressee }: Renderable, words: Catalog, locale: string): string | null {
  if (addressee)
    return addressee.name ? say(words.greeting, locale, { name: singleLine(withoutTurns(addressee.name)) }) : null;
  // A message to somebody else than the contact must not call them by the contact's name.
  const goesToContact = contact?.email?.trim().toLowerCase() === recipient?.toLowerCase();
  return contact?.name && goesToContact
    ? say(words.greeting, locale, { name: singleLine(withoutTurns(contact.name)) })
    : null;
}

function footer(
  { reminder, nextRunAt, addressed }: Renderable,
  words: Catalog,
  locale: string,
  about: string,
): string[] {
  const id = String(reminder.id);
  const why = say(whyOf(reminder, addressed, words), locale, { about, id, who: whoOf(addressed) });
  return nextRunAt === null ? [why] : [words.stops, why];
}

function whyOf({ people }: Renderable["reminder"], addressed: Renderable["addressed"], words: Catalog): string {
  if (!isOwn(addressed)) return words.whyToo;
  if (addressed?.via !== undefined) return words.whyInstead;
  return (people?.recipients?.length ?? 1) > 1 ? words.whyOneOf : words.why;
}

/** Whom somebody stands in for, as people call them: "interviewer INT_100". */
function whoOf(addressed: Renderable["addressed"]): string {
  const [contact] = namedSo(addressed?.person ?? "");
  return singleLine(contact ? writeEntity(contact) : withoutTurns(addressed?.person ?? ""));
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

const characters = new Intl.Segmenter();

/** Cuts between characters as people see them (`length` in UTF-16 units), not in the middle of one. */
export function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  // Of the last one alone it is asked where it begins: to go through all of them takes long.
  const last = characters.segment(text.slice(0, length)).containing(length - 1);
  return `${text.slice(0, last?.index ?? 0)}…`;
}
