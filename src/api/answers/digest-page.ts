import { readSentDigest, type SentDigest, type SentItem } from "../../store/digest-items.ts";
import type { TenantSql } from "../../store/tenant-database.ts";
import { catalogFor, say } from "../../templates/builtin/speak.ts";
import { html, join, type Markup } from "../../templates/html.ts";
import type { OpenedLink } from "./opened.ts";
import { isDone } from "./overturned.ts";
import { aboutOf, writePage } from "./page.ts";
import { type NothingToAsk, readAsked, whenExpired } from "./read-asked.ts";
import type { Shown } from "./results.ts";
import type { Words } from "./words/words.ts";

/** What a message has said of several, and in whose language it is shown. */
export interface OpenedDigest extends SentDigest {
  locale: string | null;
}

/** Reads what a digest's link is about; null where its delivery went by itself, or does by now: then it leads to the answers to that one. */
export async function readOpenedDigest(sql: TenantSql, link: OpenedLink): Promise<OpenedDigest | NothingToAsk | null> {
  const digest = await readSentDigest(sql, link);
  if (digest === null) return null;
  const { reminderId, occurrenceAt, recipientNo } = digest.items[0] as SentItem;
  const ofFirst = { ...link, reminderId, occurrenceAt, recipientNo, purpose: "why" } as const;
  const { locale } = await readAsked(sql, ofFirst, { lock: false });
  return whenExpired(link, digest.leftAt) <= digest.now ? { over: "expired", locale } : { ...digest, locale };
}

/** The page of all that a message has said of several: each leads to a page of its own, where it is answered. */
export function showDigest(link: Pick<OpenedLink, "leadOn">, { items }: SentDigest, words: Words): Shown {
  const { language } = words;
  const title = say(catalogFor(language).digest.subject, language, { count: items.length });
  const ways = items.map((item) => way(link.leadOn("answer", item), item, words));
  return { status: 200, page: writePage({ words, about: null, title, parts: [html`<nav>\n${join(ways)}</nav>\n`] }) };
}

function way(token: string, { reminder }: SentItem, { why }: Words): Markup {
  const { title, entity } = aboutOf(reminder);
  const isSaid = isDone(reminder) ? why.isDone : reminder.status === "PAUSED" ? why.isPaused : null;
  const said = isSaid === null ? html`` : html`<span class="said">${isSaid}</span>`;
  return html`<a class="item" href="${token}"><strong dir="auto">${title}</strong><span dir="auto">${entity}</span>${said}</a>\n`;
}
