import type { OneLink } from "../../templates/answers.ts";
import { countOf } from "../../templates/builtin/facts.ts";
import { speakTo } from "../../templates/builtin/speak-to.ts";
import { firstWithRoom, withCodeEnded, withoutCode } from "../../templates/code-blocks.ts";
import { writeEntity } from "../../templates/words.ts";
import type { Rendered } from "../../templates/write.ts";
import type { Message } from "../channel.ts";
import { shorten } from "../shorten.ts";
import type { HttpService } from "./service.ts";

/** Stands between two characters that would have a meaning together, and is not seen. */
const APART = "\u200b";
const MAX_ABOUT_CHARS = 150;

/** What a message says in a service: its subject, and the text with its links and what it is about. */
export function wordsFor(
  service: Pick<
    HttpService,
    "markup" | "codeMarks" | "lineBreak" | "mentions" | "maxSubjectChars" | "maxTextChars" | "linksInText"
  >,
  message: Message,
  { subject, body, answers, allAnswers }: Rendered,
): { subject: string; text: string } {
  const inert = inertFor(service);
  const what = message.isDigest ? [] : [inert(about(message))];
  // Where all links would leave the text too little room, the one that leads to all answers stands for them.
  const choices = service.linksInText && allAnswers !== null ? [answers, [allAnswers]] : [[]];
  const ends = choices.map((links) =>
    [...(links.length === 0 ? [] : [linksOf(links, service.markup)]), ...what].map((part) => `\n\n${part}`).join(""),
  );
  const end = ends.find(({ length }) => length < service.maxTextChars / 2) ?? "";
  return {
    subject: shorten(inert(subject), service.maxSubjectChars),
    text: within(writtenFor(service, body), service.maxTextChars - end.length, service, end === "") + end,
  };
}

/** A text as the service is sent it, before it is cut: nothing in it means anything, and its lines stay lines. */
export function writtenFor(service: Pick<HttpService, "markup" | "lineBreak" | "mentions">, text: string): string {
  return withBreaks(inertFor(service)(text), service.lineBreak);
}

/** Lines that stay lines. Items of a list are ones anyway, and more between them would take them apart. */
function withBreaks(text: string, lineBreak = "\n"): string {
  return lineBreak === "\n" ? text : text.replace(/(?<!\n)\n(?!\n|[ \t]*(?:[-*+]|\d{1,9}[.)]) )/g, lineBreak);
}

function inertFor({ markup, mentions }: Pick<HttpService, "markup" | "mentions">): (text: string) => string {
  if (markup !== "none") return disarm;
  return mentions ? disarmNames : (text) => text;
}

/**
 * Text that mentions nobody and hides no address behind other words, whatever is in it; it reads as before. Services differ in
 * how a character is escaped, where they can at all: something unseen between two characters works in all of them.
 */
export function disarm(text: string): string {
  return disarmNames(text)
    .replace(/<(?=\S)/g, `<${APART}`)
    .replace(/\](?=[([:])/g, `]${APART}`);
}

function disarmNames(text: string): string {
  return text.replace(/(?<![\p{L}\p{N}])@(?=\S)/gu, `@${APART}`);
}

function linksOf(answers: readonly OneLink[], markup: HttpService["markup"]): string {
  const links = answers.map(({ label, url }) => {
    if (markup === "markdown") return `[${label}](${url})`;
    return markup === "angled" ? `<${url}|${label}>` : `${label}: ${url}`;
  });
  return links.join(markup === "none" ? "\n" : " · ");
}

/** What it is about, and how often so far: in the reader's language. */
function about(message: Message): string {
  const entity = shorten(writeEntity(message.reminder), MAX_ABOUT_CHARS);
  if (message.occurrenceNumber <= 1) return entity;
  const { words, style } = speakTo(message);
  return `${entity} · ${countOf(message, words, style).join(": ")}`;
}

function within(
  text: string,
  length: number,
  { markup, codeMarks = "lines" }: Pick<HttpService, "markup" | "codeMarks">,
  isLast: boolean,
): string {
  // Of a digest, code has its ends before each link; where more were to be written, the last link had no room.
  if (markup === "none" || (isLast && text.length <= length)) return shorten(text, length);
  const ended = firstWithRoom(
    Math.min(text.length, length),
    (count) => withCodeEnded(shorten(text, count), codeMarks),
    (shown) => shown.length - length,
  );
  return ended ?? shorten(withoutCode(text), length);
}
