import type { Channels } from "../../channels/registry.ts";
import type { OwnPurpose } from "../../core/answer.ts";
import { silenceEnd } from "../../core/silence.ts";
import { readAnswer } from "../../store/answers.ts";
import type { TenantSql } from "../../store/tenant-database.ts";
import { catalogFor } from "../../templates/builtin/speak.ts";
import { html, join, type Markup } from "../../templates/html.ts";
import type { Asked } from "./asked.ts";
import type { OpenedLink } from "./opened.ts";
import { isDone, isOverturned } from "./overturned.ts";
import { paragraph, sayInstant } from "./questions.ts";
import { askedNow, type Shown, sayBefore, shown } from "./results.ts";
import type { Words } from "./words/words.ts";

/** In the order in which a message has them. */
const OTHERS: readonly OwnPurpose[] = ["snooze", "promise", "not_me", "stop", "why"];
/** What there still is to be said of what is done. */
const OF_DONE: readonly OwnPurpose[] = ["stop", "why"];
/** Nothing is sent anyway. */
const OF_PAUSED: readonly OwnPurpose[] = ["not_me", "stop", "why"];

/**
 * The page of all that may be answered to a message: what the page of _Done_ shows, whose button takes one press here as well, and the ways
 * to the other pages. It does nothing by itself. `asked` is what is asked by the link of _Done_.
 */
export function showAll(
  link: Pick<OpenedLink, "leadOn">,
  { asked, besides }: { asked: Asked; besides: readonly Asked[] },
  words: Words,
  channels: Channels,
): Shown {
  const { isResult = false, parts, ...done } = askedNow({ ...asked, formAt: link.leadOn("done") }, words, channels);
  const others = othersOf(asked, isResult);
  const labels = catalogFor(words.language).answers;
  const ways = others.map((purpose) => way(link.leadOn(purpose), labels[purpose], OF_DONE.includes(purpose)));
  const nav = html`<nav aria-label="${words.otherwise}">\n${join(ways)}</nav>\n`;
  const between = isResult ? [] : [paragraph(words.otherwise, "otherwise"), ...howItStands(asked, besides, words)];
  return shown(200, asked, words, { ...done, isResult, parts: [...parts, ...between, nav] });
}

function othersOf({ reminder, recipient }: Asked, isResult: boolean): readonly OwnPurpose[] {
  const others = isResult || isDone(reminder) ? OF_DONE : reminder.status === "PAUSED" ? OF_PAUSED : OTHERS;
  // Nobody can be left out of what others read too.
  return recipient === null ? others.filter((purpose) => purpose !== "stop") : others;
}

/** That it is put off, paused, or wanted no more: who has said so a moment ago looks here what has become of it. */
function howItStands(asked: Asked, besides: readonly Asked[], words: Words): Markup[] {
  const { reminder, now } = asked;
  const until = silenceEnd(reminder.silence, now);
  const silent = until === null ? [] : [words.why.silent(sayInstant(until, asked, words))];
  const stands = reminder.status === "PAUSED" ? [words.why.isPaused] : silent;
  return [...stands, ...besides.map((one) => sayBefore(one, words))].map((sentence) => paragraph(sentence, "hint"));
}

/** What was answered to the same message besides, and still holds, as by the links of that. */
export async function readBesides(sql: TenantSql, asked: Asked): Promise<Asked[]> {
  const said: Asked[] = [];
  for (const purpose of ["not_me", "stop"] as const) {
    const one: Asked = { ...asked, link: { ...asked.link, purpose } };
    const former = await readAnswer(sql, one.link);
    if (former === null || former.undoneAt !== null || (await isOverturned(sql, one, former))) continue;
    said.push({ ...one, former });
  }
  return said;
}

/** From page to page, wherever people reach them. */
function way(token: string, label: string, isQuiet: boolean): Markup {
  return html`<a class="button${isQuiet ? " small" : ""}" href="${token}">${label}</a>\n`;
}
