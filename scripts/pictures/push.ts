import type { PushPayload } from "../../src/channels/push/payload.ts";
import { html, join } from "../../src/templates/html.ts";
import { pageOf } from "./page.ts";

const CSS = `
body { background: linear-gradient(160deg, #54627a, #2d3647); color: #1a1d21; padding: 22px 14px; }
.note { background: #f6f7f9; border-radius: 16px; padding: 14px 16px; box-shadow: 0 2px 10px #0004; }
.site { font-size: 12px; color: #5c6573; padding-bottom: 4px; }
.title { font-weight: 700; }
p { margin-top: 2px; font-size: 14px; }
.actions { display: flex; gap: 22px; padding-top: 12px; font-weight: 700; font-size: 14px; color: #2a5db0; }
`;

/** A notification as phones show it. */
export function pushPage(payload: Buffer, site: string): string {
  const { title, body, actions } = JSON.parse(payload.toString()) as PushPayload;
  const buttons = actions.map((action) => html`<span>${action.title}</span>`);
  return pageOf(
    html`<div class="note"><div class="site">${site} · now</div><div class="title">${title}</div><p>${body}</p><div class="actions">${join(buttons)}</div></div>`,
    CSS,
  );
}
