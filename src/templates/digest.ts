import { mostThatFit } from "../core/most-that-fit.ts";
import type { OneLink } from "./answers.ts";
import { catalogFor, localeFor, say } from "./builtin/speak.ts";
import { type CodeMarks, firstWithRoom, withCodeEnded, withoutCode } from "./code-blocks.ts";
import { type Renderable, styleOf } from "./context.ts";
import { type DigestItem, writeDigestHtml } from "./digest-email.ts";
import { type Rendered, shorten } from "./write.ts";

/** What one of several would have said by itself. */
export interface Item {
  message: Renderable;
  rendered: Rendered;
}

/** What a channel shows of a body that says several things. */
export interface Room {
  /** Left out: all. */
  maxDigestChars?: number;
  /** How many of those a text takes, as the channel writes it; left out: as many as it has. */
  digestLength?(text: string): number;
  /** Where blocks of code begin and end in it; left out: it has none. */
  codeMarks?: CodeMarks;
  /** A text as the channel writes it, where blocks of code are others then; left out: as it is. */
  asWritten?(text: string): string;
}

/**
 * Writes what several messages say as one, in the language of the first of them: each in its own words, with its own answers. Where it leads to
 * the one page `leadsTo` of all of them, its body says where each is answered no more: there nothing in it could be pressed. Where there is one alone that is
 * too long for this room, it is cut, and not the link behind it. Pure. There is one at least.
 */
export function writeDigest(items: readonly Item[], leadsTo: string | null = null, room: Room = {}): Rendered {
  const [first] = items as [Item, ...Item[]];
  const locale = localeFor(styleOf(first.message).locale);
  const { digest, answers } = catalogFor(locale);
  const count = items.length;
  const subject = say(digest.subject, locale, { count });
  const intro = say(digest.intro, locale, { count });
  const shown = items.map(toShown);
  // One that is left alone, and is led to, says what it would have said by itself.
  const alone = leadsTo !== null && count === 1 ? first.rendered : null;
  return {
    subject: alone?.subject ?? subject,
    title: alone?.subject ?? subject,
    body: alone
      ? shorten(alone.body, room.maxDigestChars ?? alone.body.length)
      : bodyWithin(room, intro, shown, leadsTo === null),
    text: `${[intro, ...shown.map((item, n) => `${n + 1}. ${inFull(item)}`), `-- \n${digest.why}`].join("\n\n")}\n`,
    html: writeDigestHtml({ locale, subject, intro, items: shown, footer: digest.why }),
    answers: [],
    allAnswers: leadsTo === null ? null : { label: answers.answer, url: leadsTo },
  };
}

/** How many of these, one at least and from the first on, have room, with the link of each. */
export function countThatFits(items: readonly Item[], room: Room): number {
  if (room.maxDigestChars === undefined) return items.length;
  const [first] = items as [Item, ...Item[]];
  const locale = localeFor(styleOf(first.message).locale);
  const shown = items.map(toShown);
  const written: string[] = [];
  for (const [n, item] of shown.entries()) {
    written.push(inShort(item, n, true, room));
    const intro = say(catalogFor(locale).digest.intro, locale, { count: n + 1 });
    if (n > 0 && !fits(joined(intro, written), room)) return n;
  }
  return shown.length;
}

function toShown({ rendered: { title, body, answers, allAnswers } }: Item): DigestItem {
  return { title, body, answers, allAnswers };
}

function bodyWithin(room: Room, intro: string, shown: readonly DigestItem[], hasLinks: boolean): string {
  const whole = bodyOf(intro, shown, hasLinks, room);
  const [only, ...others] = shown as [DigestItem, ...DigestItem[]];
  if (others.length > 0 || fits(whole, room)) return whole;
  const saying = (said: string): string => bodyOf(intro, [{ ...only, body: said }], hasLinks, room);
  const bare = (said: DigestItem): string => bodyOf(intro, [said], hasLinks, {});
  const tooMany = Math.min(only.body.length, room.maxDigestChars ?? 0);
  const isTooLong = !fits(bare(only), room);
  const few = mostThatFit(tooMany, (count) => fits(bare({ ...only, body: `${only.body.slice(0, count)}…` }), room));
  // Where characters end is looked for last, since it takes long; what stands there then may be written with more, and an end of code has any length.
  const ended = firstWithRoom(
    isTooLong ? few : only.body.length,
    (count) => saying(shorten(only.body, count)),
    (said) => tooManyIn(said, room),
  );
  if (ended !== null) return ended;
  const plain = { ...only, title: withoutCode(only.title), body: withoutCode(only.body) };
  const plainly = (count: number): string => bare({ ...plain, body: shorten(plain.body, count) });
  return plainly(mostThatFit(few + 1, (count) => fits(plainly(count), room)));
}

function fits(body: string, room: Room): boolean {
  return tooManyIn(body, room) <= 0;
}

function tooManyIn(body: string, { maxDigestChars = Number.POSITIVE_INFINITY, digestLength }: Room): number {
  return (digestLength?.(body) ?? body.length) - maxDigestChars;
}

function bodyOf(intro: string, shown: readonly DigestItem[], hasLinks: boolean, room: Room): string {
  return joined(
    intro,
    shown.map((item, n) => inShort(item, n, hasLinks, room)),
  );
}

function joined(intro: string, written: readonly string[]): string {
  return [intro, ...written].join("\n\n");
}

/** Where there is little room: by one link, behind which all of its answers are. */
function inShort({ title, body, allAnswers }: DigestItem, n: number, hasLinks: boolean, room: Room): string {
  const { codeMarks, asWritten } = room;
  // With its number before it: behind that a title begins no line, and lines far enough from the margin are part of an item of a list.
  const whole = `${n + 1}. ${title}\n${body}`;
  // What has no room anyway isn't read: it may be long. As the channel counts: Slack is sent no blocks of mere line breaks.
  const isRead = hasLinks && codeMarks !== undefined && fits(whole, room);
  return lines(
    isRead ? withCodeEnded(whole, codeMarks, asWritten) : whole,
    hasLinks && allAnswers !== null ? [allAnswers] : [],
  );
}

function inFull({ title, body, answers }: DigestItem): string {
  return lines(`${title}\n${body}`, answers);
}

function lines(said: string, links: readonly OneLink[]): string {
  return [said, ...links.map(({ label, url }) => `${label}: ${url}`)].join("\n");
}
