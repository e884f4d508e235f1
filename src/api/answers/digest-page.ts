import type { Instant } from "../../core/instant.ts";
import { deliveryId } from "../../core/reminder.ts";
import { silenceEnd } from "../../core/silence.ts";
import { readAnswered } from "../../store/answers.ts";
import { readSentDigest, type SentDigest, type SentItem } from "../../store/digest-items.ts";
import type { TenantSql } from "../../store/tenant-database.ts";
import { catalogFor, say } from "../../templates/builtin/speak.ts";
import { html, join, type Markup } from "../../templates/html.ts";
import { type Asked, stillStands } from "./asked.ts";
import { type OpenedLink, towards } from "./opened.ts";
import { isDone } from "./overturned.ts";
import { aboutOf, writePage } from "./page.ts";
import { sayInstant } from "./questions.ts";
import { type NothingToAsk, readAsked, whenExpired } from "./read-asked.ts";
import { type Shown, sayBefore } from "./results.ts";
import type { Words } from "./words/words.ts";

/** What a message has said of several, and in whose language and by whose clocks it is shown. */
export interface OpenedDigest extends SentDigest, Pick<Asked, "locale" | "zone"> {
  /** What was answered to some of those that go on, and still holds: one of several has done theirs, or wants no more of it. */
  said: ReadonlyMap<SentItem, Asked>;
}

/** Reads what a digest's link is about; null where its delivery went by itself, or does by now: then it leads to the answers to that one. */
export async function readOpenedDigest(sql: TenantSql, link: OpenedLink): Promise<OpenedDigest | NothingToAsk | null> {
  const digest = await readSentDigest(sql, link);
  if (digest === null) return null;
  const ofFirst = { ...towards(link, digest.items[0] as SentItem), purpose: "why" } as const;
  const first = await readAsked(sql, ofFirst, { lock: false });
  const { locale } = first;
  if (whenExpired(link, digest.leftAt) <= digest.now) return { over: "expired", locale };
  const said = await readSaid(sql, link, digest);
  return { ...digest, locale, zone: "zone" in first ? first.zone : "UTC", said };
}

async function readSaid(sql: TenantSql, link: OpenedLink, { items, now }: SentDigest): Promise<Map<SentItem, Asked>> {
  const goingOn = new Map(items.filter((item) => goesOn(item, now)).map((item) => [deliveryId(item), item]));
  const said = new Map<SentItem, Asked>();
  for (const name of await readAnswered(sql, [...goingOn.values()])) {
    const item = goingOn.get(deliveryId(name));
    // That it was put off holds no more: else it wouldn't go on.
    const isPutOff = name.purpose === "snooze" || name.purpose === "promise";
    if (item === undefined || isPutOff || said.has(item)) continue;
    const expiresAt = name.occurrenceAt + link.expiresAt - link.occurrenceAt;
    const asked = await readAsked(sql, { ...link, ...name, expiresAt }, { lock: false });
    if ("over" in asked || asked.former === null || asked.isOverturned || !stillStands(asked, asked.former)) continue;
    said.set(item, asked);
  }
  return said;
}

function goesOn({ reminder }: SentItem, now: Instant): boolean {
  return !isDone(reminder) && reminder.status !== "PAUSED" && silenceEnd(reminder.silence, now) === null;
}

/** The page of all that a message has said of several: each leads to a page of its own, where it is answered. */
export function showDigest(link: Pick<OpenedLink, "leadOn">, digest: OpenedDigest, words: Words): Shown {
  const { items } = digest;
  const { language } = words;
  const title = say(catalogFor(language).digest.subject, language, { count: items.length });
  const ways = items.map((item) => way(link.leadOn("answer", item), item, howItStands(item, digest, words)));
  return { status: 200, page: writePage({ words, about: null, title, parts: [html`<nav>\n${join(ways)}</nav>\n`] }) };
}

/** What has become of it since, so that whoever goes through all of them sees what is left; null: it is open. */
function howItStands(item: SentItem, digest: OpenedDigest, words: Words): string | null {
  const { reminder } = item;
  const { why } = words;
  if (isDone(reminder)) return why.isDone;
  if (reminder.status === "PAUSED") return why.isPaused;
  const until = silenceEnd(reminder.silence, digest.now);
  if (until !== null) return why.silent(sayInstant(until, digest, words));
  const said = digest.said.get(item);
  return said === undefined ? null : sayBefore(said, words);
}

function way(token: string, { reminder }: SentItem, stands: string | null): Markup {
  const { title, entity } = aboutOf(reminder);
  const said = stands === null ? html`` : html`<span class="said">${stands}</span>`;
  return html`<a class="item" href="${token}"><strong dir="auto">${title}</strong><span dir="auto">${entity}</span>${said}</a>\n`;
}
