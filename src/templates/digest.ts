import type { AnswerButton } from "./answers.ts";
import { catalogFor, localeFor, say } from "./builtin/speak.ts";
import { type Renderable, styleOf } from "./context.ts";
import { type DigestItem, writeDigestHtml } from "./digest-email.ts";
import type { Rendered } from "./write.ts";

/** What one of several would have said by itself. */
export interface Item {
  message: Renderable;
  rendered: Rendered;
}

/**
 * Writes what several messages say as one, in the language of the first of them: each in its own words, with its own answers. Pure.
 * There is one at least.
 */
export function writeDigest(items: readonly Item[]): Rendered {
  const [first] = items as [Item, ...Item[]];
  const locale = localeFor(styleOf(first.message).locale);
  const { digest } = catalogFor(locale);
  const count = items.length;
  const subject = say(digest.subject, locale, { count });
  const intro = say(digest.intro, locale, { count });
  const shown = items.map(toShown);
  return {
    subject,
    title: subject,
    body: bodyOf(intro, shown),
    text: `${[intro, ...shown.map((item, n) => `${n + 1}. ${inFull(item)}`), `-- \n${digest.why}`].join("\n\n")}\n`,
    html: writeDigestHtml({ locale, subject, intro, items: shown, footer: digest.why }),
    answers: [],
  };
}

/** How many of these, one at least and from the first on, have room in a body of so many characters. */
export function countThatFits(items: readonly Item[], maxChars: number): number {
  const [first] = items as [Item, ...Item[]];
  const locale = localeFor(styleOf(first.message).locale);
  const shown = items.map(toShown);
  let count = shown.length;
  const length = (): number =>
    bodyOf(say(catalogFor(locale).digest.intro, locale, { count }), shown.slice(0, count)).length;
  while (count > 1 && length() > maxChars) count -= 1;
  return count;
}

function toShown({ rendered: { title, body, answers } }: Item): DigestItem {
  return { title, body, answers };
}

function bodyOf(intro: string, shown: readonly DigestItem[]): string {
  return [intro, ...shown.map((item, n) => `${n + 1}. ${inShort(item)}`)].join("\n\n");
}

/** Where there is little room: how to say that it is done, and how to put it off. */
function inShort(item: DigestItem): string {
  return withAnswers(item, ({ purpose }) => purpose === "done" || purpose === "snooze");
}

function inFull(item: DigestItem): string {
  return withAnswers(item, () => true);
}

function withAnswers({ title, body, answers }: DigestItem, isShown: (answer: AnswerButton) => boolean): string {
  return [title, body, ...answers.filter(isShown).map(({ label, url }) => `${label}: ${url}`)].join("\n");
}
