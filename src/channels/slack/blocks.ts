import { mostThatFit } from "../../core/most-that-fit.ts";
import { countOf } from "../../templates/builtin/facts.ts";
import { speakTo } from "../../templates/builtin/speak-to.ts";
import type { Rendered } from "../../templates/render.ts";
import { writeEntity } from "../../templates/words.ts";
import type { Message } from "../channel.ts";
import { shorten } from "../shorten.ts";
import { buttonBlocks, PRESSED } from "./buttons.ts";
import { escapeMrkdwn, mrkdwnTexts } from "./mrkdwn.ts";

// Slack's limits, in characters: https://docs.slack.dev/reference/block-kit/blocks
export const MAX_HEADER_CHARS = 150;
const MAX_SECTION_CHARS = 3_000;
/** Of the body as it is written, with what is escaped. With it, there are never more than 50 blocks. */
export const MAX_BODY_CHARS = 12_000;
/** Of all blocks, which are counted together: somewhat less than was seen to be refused (https://github.com/slackapi/bolt-js/issues/2509). */
const MAX_MESSAGE_CHARS = 13_000;
/** Of the body in what notifications and screen readers get. */
const MAX_FALLBACK_CHARS = 2_000;

/** What is posted, beside where to. */
export interface SlackContent {
  /** For notifications and screen readers, escaped. */
  text: string;
  blocks: object[];
}

/** The message as Block Kit: its subject, what it says, how it is answered, and how often so far and when again. */
export function slackContent(message: Message, { subject, body, answers }: Rendered): SlackContent {
  const title = shorten(subject, MAX_HEADER_CHARS);
  const buttons = buttonBlocks(message);
  const linked = buttons.length === 0 ? answers : answers.filter(({ purpose }) => !PRESSED.has(purpose));
  const beneath = [
    ...(linked.length === 0 ? [] : [answerLinks(linked)]),
    ...(message.isDigest ? [] : [context(message)]),
  ];
  const besides = [title, ...beneath].reduce((sum, { length }) => sum + length, 0);
  const shown = withRoom(body, Math.min(MAX_BODY_CHARS, MAX_MESSAGE_CHARS - besides));
  return {
    text: escapeMrkdwn(`${subject}\n${shorten(body, MAX_FALLBACK_CHARS)}`),
    blocks: [
      { type: "header", text: { type: "plain_text", text: title, emoji: false } },
      ...mrkdwnTexts(shown, MAX_SECTION_CHARS).map((text) => ({ type: "section", text: mrkdwn(text) })),
      ...buttons,
      ...beneath.map((text) => ({ type: "context", elements: [mrkdwn(text)] })),
    ],
  };
}

/** How many characters a body takes as it is written. */
export function slackLength(body: string): number {
  return mrkdwnTexts(body, MAX_SECTION_CHARS).reduce((sum, { length }) => sum + length, 0);
}

function withRoom(body: string, maxChars: number): string {
  const hasRoom = (text: string): boolean => slackLength(text) <= maxChars;
  if (hasRoom(body)) return body;
  const tooMany = Math.min(body.length, maxChars) + 1;
  return shorten(
    body,
    mostThatFit(tooMany, (count) => hasRoom(shorten(body, count))),
  );
}

/** `verbatim`: Slack looks for no names of channels or people in it by itself. */
export function mrkdwn(text: string): object {
  return { type: "mrkdwn", text, verbatim: true };
}

function answerLinks(answers: Rendered["answers"]): string {
  return answers.map(({ label, url }) => `<${escapeMrkdwn(url)}|${escapeMrkdwn(label)}>`).join("  ·  ");
}

/** What it is about, how often so far, and when again: in the reader's language. */
function context(message: Message): string {
  const { reminder, occurrenceNumber, nextRunAt } = message;
  const { words, style } = speakTo(message);
  const about = shorten(writeEntity(reminder), MAX_HEADER_CHARS);
  const count = occurrenceNumber > 1 ? [countOf(message, words, style).join(": ")] : [];
  const next = nextRunAt === null ? [] : [`${escapeMrkdwn(words.facts.next)}: ${inReadersZone(nextRunAt)}`];
  return [...[about, ...count].map(escapeMrkdwn), ...next].join("  ·  ");
}

/** Slack writes it in the zone of whoever reads it, and what stands behind the bar where it can't. */
export function inReadersZone(instant: number): string {
  const fallback = `${new Date(instant).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return `<!date^${Math.floor(instant / 1_000)}^{date_short_pretty}, {time}|${fallback}>`;
}
