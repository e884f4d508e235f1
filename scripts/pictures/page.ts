import { html, type Markup, styleSheet } from "../../src/templates/html.ts";

// Look-alikes of our own making: plain enough to be nobody's, and near enough to tell how a message reads there. What isn't drawn
// here is thrown at, so that no picture leaves out what is sent.

/** A whole page around what is shown. */
export function pageOf(content: Markup, css: string): string {
  return `<!doctype html>${html`<html lang="en"><head><meta charset="utf-8">${styleSheet(BASE + css)}</head><body>${content}</body></html>`.markup}`;
}

const BASE = `
* { box-sizing: border-box; margin: 0; }
body { padding: 20px; font: 15px/1.46 "Open Sans", "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
a { color: inherit; }
.from { display: flex; gap: 10px; }
.bell { flex: none; width: 36px; height: 36px; border-radius: 9px; background: #3b4a63; }
.bell svg { display: block; margin: 7px; }
.name { font-weight: 700; margin-right: 6px; }
.app { font-size: 10px; letter-spacing: .4px; padding: 1px 4px; border-radius: 3px; vertical-align: 2px; }
.when { font-size: 12px; margin-left: 6px; }
p { white-space: pre-wrap; overflow-wrap: anywhere; }
`;

/** Who writes: a bell, a name and the time. */
export function from(name: string, when: string, content: Markup): Markup {
  return html`<div class="from"><div class="bell">${BELL}</div><div class="said"><div><span class="name">${name}</span><span class="app">APP</span><span class="when">${when}</span></div>${content}</div></div>`;
}

const BELL = html`<svg width="22" height="22" viewBox="0 0 24 24" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d="M6 10a6 6 0 0 1 12 0c0 5 2 6 2 7H4c0-1 2-2 2-7"/><path d="M10 20a2.2 2.2 0 0 0 4 0"/></svg>`;

/** A check mark as it is drawn where there is a font that has it. */
export const CHECK = html`<svg class="check" width="18" height="18" viewBox="0 0 20 20"><rect width="20" height="20" rx="4" fill="#2fa968"/><path d="m5 10.5 3.4 3.4L15 7" fill="none" stroke="#fff" stroke-width="2.4"/></svg>`;

/** Text as it is written, its addresses as links. */
export function linked(text: string): Markup[] {
  return text
    .split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)])/)
    .map((part, place) => (place % 2 === 1 ? html`<a href="${part}">${part}</a>` : html`${part}`));
}

/** For a part that a look-alike doesn't know how to draw. */
export function unknown(part: unknown): never {
  throw new Error(`this has to be drawn as well: ${JSON.stringify(part)}`);
}
