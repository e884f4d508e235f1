import { smsSegments } from "../../src/core/sms-segments.ts";
import { html, join } from "../../src/templates/html.ts";
import { linked, pageOf } from "./page.ts";

const CSS = `
body { background: #fff; color: #111; padding: 14px; }
.who { text-align: center; font-size: 13px; color: #555; padding-bottom: 10px; }
.bubble { background: #e9e9ec; border-radius: 18px 18px 18px 5px; padding: 9px 14px; margin-right: 34px; }
a { color: #0a58c2; }
.parts { font-size: 12px; color: #666; padding: 8px 4px 0; }
`;

/** What a form that goes to Twilio says, and in how many parts it travels. */
export function smsPage(form: string): string {
  const fields = new URLSearchParams(form);
  const text = fields.get("Body") ?? "";
  const { encoding, parts } = smsSegments(text);
  return pageOf(
    html`<div class="who">${fields.get("From") ?? ""}</div><p class="bubble">${join(linked(text))}</p><div class="parts">Travels in ${parts} parts, as ${encoding}</div>`,
    CSS,
  );
}
