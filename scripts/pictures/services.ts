import { html, join, type Markup } from "../../src/templates/html.ts";
import { from, linked, pageOf, unknown } from "./page.ts";

const DISCORD = `
body { background: #313339; color: #dcdee1; }
.name { color: #f2f3f5; }
.app { background: #5a64c8; color: #fff; }
.when { color: #a3a6ad; }
a { color: #4eb0f7; text-decoration: none; }
`;

/** A message in Discord: Markdown, of which we write bold text and links. */
export function discordPage(body: string, when: string): string {
  const { content } = JSON.parse(body) as { content: string };
  const pieces = content.split(/(\*\*[^*]+\*\*|\[[^\]]+\]\([^)]+\))/).map((piece, place) => {
    if (place % 2 === 0) return join(linked(piece));
    const [, label, url] = /^\[([^\]]+)\]\(([^)]+)\)$/.exec(piece) ?? [];
    return label === undefined ? html`<b>${piece.slice(2, -2)}</b>` : html`<a href="${url ?? ""}">${label}</a>`;
  });
  return pageOf(from("Reminders", when, html`<p>${join(pieces)}</p>`), DISCORD);
}

const TELEGRAM = `
body { background: #dfe6ea; color: #111; padding: 16px; }
.bubble { background: #fff; border-radius: 14px 14px 14px 4px; padding: 8px 14px 6px; }
.bubble .name { color: #2f7fb8; }
a { color: #1f6fb0; text-decoration: none; }
.row { display: flex; gap: 4px; margin-top: 4px; }
.row a { flex: 1; text-align: center; background: #7f949f; color: #fff; border-radius: 8px; padding: 6px; font-weight: 600; font-size: 14px; }
.at { text-align: right; font-size: 12px; color: #7d8a91; }
`;

/** A message in Telegram: plain text, and buttons beneath it. */
export function telegramPage(body: string, when: string): string {
  const { text, reply_markup: keyboard } = JSON.parse(body) as {
    text: string;
    reply_markup: { inline_keyboard: { text: string; url: string }[][] };
  };
  const rows = keyboard.inline_keyboard.map(
    (row) =>
      html`<div class="row">${join(row.map((button) => html`<a href="${button.url}">${button.text}</a>`))}</div>`,
  );
  const said = html`<div class="bubble"><div class="name">Reminders</div><p>${join(linked(text))}</p><div class="at">${when}</div></div>`;
  return pageOf(html`${said}${join(rows)}`, TELEGRAM);
}

const TEAMS = `
body { background: #f4f4f5; color: #242424; }
.app { background: #dcdcdf; color: #555; }
.when { color: #616161; }
.card { background: #fff; border: 1px solid #dedee2; border-radius: 6px; padding: 14px 16px; margin-top: 6px; }
.card p + p { margin-top: 6px; }
.Large { font-size: 19px; line-height: 1.35; }
.Bolder { font-weight: 700; }
.actions { display: flex; gap: 8px; flex-wrap: wrap; margin-top: 14px; }
.actions a { border: 1px solid #c8c8cc; border-radius: 4px; padding: 4px 12px; font-size: 13px; font-weight: 600; text-decoration: none; }
a { color: #4450a8; }
.actions a { color: #242424; }
`;

interface Part {
  type: string;
  text?: string;
  size?: string;
  weight?: string;
}

/** An Adaptive Card in Teams. */
export function teamsPage(body: string, when: string): string {
  const { attachments } = JSON.parse(body) as {
    attachments: [{ content: { body: Part[]; actions?: { type: string; title: string; url: string }[] } }];
  };
  const { body: parts, actions = [] } = attachments[0].content;
  const buttons = actions.map((action) =>
    action.type === "Action.OpenUrl" ? html`<a href="${action.url}">${action.title}</a>` : unknown(action),
  );
  const card = html`<div class="card">${join(parts.map(textBlock))}<div class="actions">${join(buttons)}</div></div>`;
  return pageOf(from("Reminders", when, card), TEAMS);
}

function textBlock(part: Part): Markup {
  if (part.type !== "TextBlock" || part.text === undefined) return unknown(part);
  const paragraphs = part.text.split(/\n{2,}/);
  return join(
    paragraphs.map((text) => html`<p class="${part.size ?? ""} ${part.weight ?? ""}">${join(linked(text))}</p>`),
  );
}
