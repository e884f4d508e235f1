import { html, join, type Markup } from "../../src/templates/html.ts";
import { CHECK, from, pageOf, unknown } from "./page.ts";

interface Text {
  type: string;
  text: string;
}
interface Block {
  type: string;
  text?: Text;
  elements?: (Text & { text: Text; style?: string })[];
}

const CSS = `
body { background: #fff; color: #1d1c1d; }
h1 { font-size: 18px; line-height: 1.33; margin: 2px 0 8px; }
.app { background: #e8e8e8; color: #616061; }
.when, .context { color: #616061; }
a { color: #1264a3; text-decoration: none; }
.actions { display: flex; gap: 8px; flex-wrap: wrap; margin: 12px 0; }
.actions span { border: 1px solid #c9c9c9; border-radius: 8px; padding: 5px 12px; font-weight: 700; font-size: 13px; }
.actions .primary { background: #1f7a5c; border-color: #1f7a5c; color: #fff; }
.context { font-size: 13px; margin-top: 6px; }
.check { vertical-align: -3px; }
.between { border-top: 1px solid #e2e2e2; margin: 16px 0; }
`;

/** Messages of Block Kit, one beneath the other; each with when it was written. */
export function slackPage(messages: readonly (readonly [body: string, when: string])[]): string {
  const shown = messages.map(([body, when], place) => {
    const { blocks } = JSON.parse(body) as { blocks: Block[] };
    return html`${place === 0 ? html`` : html`<div class="between"></div>`}${from("Reminders", when, join(blocks.map(block)))}`;
  });
  return pageOf(join(shown), CSS);
}

function block(one: Block): Markup {
  switch (one.type) {
    case "header":
      return html`<h1>${join((one.text?.text ?? "").split(/(✅)/).map((part) => (part === "✅" ? CHECK : html`${part}`)))}</h1>`;
    case "section":
      return html`<p>${mrkdwn(one.text)}</p>`;
    case "context":
      return html`<p class="context">${join((one.elements ?? []).map(mrkdwn))}</p>`;
    case "actions":
      return html`<div class="actions">${join((one.elements ?? []).map(({ text, style }) => html`<span class="${style ?? ""}">${text.text}</span>`))}</div>`;
    default:
      return unknown(one);
  }
}

/** Of Slack's markup what we write: links, and instants, which it writes on the reader's own clock. */
function mrkdwn(one: { type: string; text: unknown } | undefined): Markup {
  if (one?.type !== "mrkdwn" || typeof one.text !== "string") return unknown(one);
  const pieces = one.text.split(/<([^>]*)>/).map((piece, place) => {
    if (place % 2 === 0) return html`${plain(piece)}`;
    const [target = "", label = target] = piece.split("|");
    const [, seconds] = /^!date\^(\d+)\^\{date_short_pretty\}, \{time\}$/.exec(target) ?? [];
    if (seconds !== undefined) return html`${onTheClock(Number(seconds) * 1_000)}`;
    return target.startsWith("http") ? html`<a href="${plain(target)}">${plain(label)}</a>` : unknown(piece);
  });
  return join(pieces);
}

function onTheClock(at: number): string {
  const style = {
    month: "short",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
    timeZone: "Europe/London",
  } as const;
  return new Date(at).toLocaleString("en-US", style).replace("\u202f", " ");
}

function plain(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
