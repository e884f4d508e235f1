import { html, join, type Markup, styleSheet } from "../../templates/html.ts";
import { humanise, writeEntity } from "../../templates/words.ts";
import { STYLE } from "./style.ts";
import type { Words } from "./words/words.ts";

/** What a page shows, from the top down. */
export interface PageContent {
  words: Pick<Words, "language">;
  /** What it is about; null where nobody is told that. */
  about: { title: string; entity: string } | null;
  title: string;
  /** True where the title is a whole sentence about what was done. */
  isResult?: boolean;
  parts: readonly Markup[];
  /** What else stands in its head. */
  head?: Markup;
}

const LONGEST_NAME = 120;
/** The policy names it by its hash. */
const STYLE_SHEET = styleSheet(STYLE);

/** What a reminder is about, for people. */
export function aboutOf(reminder: {
  eventType: string;
  entityType: string;
  entityId: string;
}): NonNullable<PageContent["about"]> {
  return {
    title: humanise(reminder.eventType).slice(0, LONGEST_NAME).toWellFormed(),
    entity: writeEntity(reminder).slice(0, LONGEST_NAME).toWellFormed(),
  };
}

/** A whole page. Works without scripts, on a phone, in light and in dark; tells no search engine and no other site of itself. */
export function writePage({ words, about, title, isResult = false, parts, head: more = html`` }: PageContent): string {
  const head = about
    ? html`<p class="about"><strong dir="auto">${about.title}</strong><span dir="auto">${about.entity}</span></p>\n`
    : html``;
  return html`<!doctype html>
<html lang="${words.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${about ? `${title} · ${about.title}` : title}</title>
<link rel="icon" href="data:,">
${STYLE_SHEET}
${more}</head>
<body>
<main>
${head}<h1 class="${isResult ? "result" : "question"}">${title}</h1>
${join(parts)}</main>
</body>
</html>
`.markup;
}
