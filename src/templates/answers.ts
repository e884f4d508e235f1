import type { Purpose } from "../core/answer.ts";

/** Something that the reader of a message may answer, and the link that does it. */
export interface AnswerButton {
  purpose: Purpose;
  label: string;
  url: string;
  /** True for what stands small beneath the message. */
  isQuiet: boolean;
}

/** Where all that may be answered is to be found, for where there is room for one link. */
export type OneLink = Pick<AnswerButton, "label" | "url">;

/** In the order in which they are shown, the foremost first. */
const SHOWN: readonly (readonly [purpose: Purpose, isQuiet: boolean])[] = [
  ["done", false],
  ["snooze", false],
  ["promise", false],
  ["not_me", false],
  ["stop", true],
  ["why", true],
];

/** What may be answered to a message with these links, in these words; nothing without. */
export function answerButtons(
  links: Readonly<Record<Purpose, string>> | null | undefined,
  words: Readonly<Record<Purpose, string>>,
): AnswerButton[] {
  if (!links) return [];
  return SHOWN.map(([purpose, isQuiet]) => ({ purpose, label: words[purpose], url: links[purpose], isQuiet }));
}

/** The one link that leads to all of these; null without. */
export function oneLink(
  links: Readonly<Record<Purpose, string>> | null | undefined,
  words: Readonly<Record<Purpose, string>>,
): OneLink | null {
  return links ? { label: words.answer, url: links.answer } : null;
}
