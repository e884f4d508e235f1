import type { Contact } from "../../core/reminder.ts";
import { html, join, type Markup } from "../../templates/html.ts";
import { withoutTurns, writeEntity } from "../../templates/words.ts";
import { writePage } from "../answers/page.ts";
import { PAGE_POLICY } from "../answers/style.ts";
import type { PushWords } from "./words.ts";

/** As for other pages, and our own script, its worker and what they send to us besides. */
export const SUBSCRIBE_POLICY = `${PAGE_POLICY}; script-src 'self'; worker-src 'self'; connect-src 'self'; manifest-src 'self'`;

const LONGEST_NAME = 120;

/** Where everything is, as seen from the page: people may reach us below any path. */
const SCRIPT = "../push/subscribe.js";
const WORKER = "../push/worker.js";
const MANIFEST = "../push/app.webmanifest";

/**
 * The page that asks whether a device is to get a contact's messages. What it says is all in it; its script shows what fits: each part is
 * for the state that its `data-when` names.
 */
export function writeSubscribePage({
  words,
  contact,
  tenant,
  key,
}: {
  words: PushWords;
  contact: Pick<Contact, "name" | "entityType" | "entityId">;
  tenant: string;
  key: string;
}): string {
  const entity = writeEntity(contact).slice(0, LONGEST_NAME).toWellFormed();
  const name = withoutTurns(contact.name ?? entity)
    .slice(0, LONGEST_NAME)
    .toWellFormed();
  const parts = [
    html`<p class="hint">${words.hint}</p>\n`,
    html`<noscript><p class="wrong">${words.noScript}</p></noscript>\n`,
    html`<div id="push" data-key="${key}" data-worker="${WORKER}" data-scope="../push/${tenant}/">\n`,
    when("failed", html`<p class="wrong" role="alert">${words.failed}</p>`),
    when("off", html`<p role="status">${words.off}</p>`),
    when("denied", html`<p class="wrong" role="alert">${words.denied}</p>`),
    when("unsupported", html`<p class="wrong" role="alert">${words.unsupported}</p>`),
    when("on", html`<p class="said" role="status">${words.on}</p>`),
    when("ready failed off", html`<button type="button" id="subscribe" class="main">${words.press}</button>`),
    when("on", html`<button type="button" id="unsubscribe" class="small">${words.stop}</button>`),
    when("on off", html`<p class="close">${words.onHint}</p>`),
    html`</div>\n`,
  ];
  return writePage({
    ...{ words, title: words.ask, parts: [join(parts)], about: { title: name, entity } },
    head: html`<link rel="manifest" href="${MANIFEST}">\n<script type="module" src="${SCRIPT}"></script>\n`,
  });
}

function when(states: string, part: Markup): Markup {
  return html`<div data-when="${states}" hidden>${part}</div>\n`;
}

/** That there is nothing to subscribe to. */
export function writeOver(over: keyof PushWords["over"], words: PushWords): string {
  const [title, text] = words.over[over];
  return writePage({ words, about: null, title, parts: [html`<p>${text}</p>\n`] });
}
