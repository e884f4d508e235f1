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
/**
 * Of the body as it is written, with what is escaped: more is no message any more, as what all blocks have is counted together
 * (https://github.com/slackapi/bolt-js/issues/2509). With it, there are never more than 50 blocks.
 */
export const MAX_BODY_CHARS = 12_000;
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
  const shown = withRoom(body);
  const buttons = buttonBlocks(message);
  const linked = buttons.length === 0 ? answers : answers.filter(({ purpose }) => !PRESSED.has(purpose));
  return {
    text: escapeMrkdwn(`${subject}\n${shorten(body, MAX_FALLBACK_CHARS)}`),
    blocks: [
      { type: "header", text: { type: "plain_text", text: shorten(subject, MAX_HEADER_CHARS), emoji: false } },
      ...mrkdwnTexts(shown, MAX_SECTION_CHARS).map((text) => ({ type: "section", text: mrkdwn(text) })),
      ...buttons,
      ...(linked.length === 0 ? [] : [{ type: "context", elements: [mrkdwn(answerLinks(linked))] }]),
      ...(message.isDigest ? [] : [{ type: "context", elements: [mrkdwn(context(message))] }]),
    ],
  };
}

/** How many characters a body takes as it is written. */
export function slackLength(body: string): number {
  return mrkdwnTexts(body, MAX_SECTION_CHARS).reduce((sum, { length }) => sum + length, 0);
}

function withRoom(body: string): string {
  const hasRoom = (text: string): boolean => slackLength(text) <= MAX_BODY_CHARS;
  if (hasRoom(body)) return body;
  const tooMany = Math.min(body.length, MAX_BODY_CHARS) + 1;
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
