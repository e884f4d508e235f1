import type { UseCase } from "./builtin/use-case.ts";
import { html, Markup } from "./html.ts";

export interface Colours {
  strong: string;
  pale: string;
  dark: string;
}

/**
 * Of each use case: the colour of its line and buttons on white (white on it reads well), the ground of its label, and the same colour
 * as it reads on a dark page, where what stands on it is dark.
 */
export const COLOURS: Record<UseCase, Colours> = {
  interview: { strong: "#4f46e5", pale: "#eef2ff", dark: "#a5b4fc" },
  feedback: { strong: "#0f766e", pale: "#e6f7f4", dark: "#5eead4" },
  approval: { strong: "#1d4ed8", pale: "#e8f0fe", dark: "#93c5fd" },
  sla: { strong: "#b91c1c", pale: "#fdecec", dark: "#fca5a5" },
  compliance: { strong: "#6d28d9", pale: "#f3eefe", dark: "#c4b5fd" },
  payment: { strong: "#92510a", pale: "#fdf3e1", dark: "#fcd34d" },
  document: { strong: "#0369a1", pale: "#e6f3fb", dark: "#7dd3fc" },
  general: { strong: "#475569", pale: "#eef1f5", dark: "#cbd5e1" },
};

const FONT = "system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

export interface Framed {
  /** BCP 47, of the words that are our own. */
  locale: string;
  subject: string;
  /** What lists of mails show beside the subject. */
  inShort: string;
  colours: Colours;
  /** Of a table. */
  rows: Markup;
}

/** As much as lists of mails have room for. */
const PREHEADER_LENGTH = 140;
/** Keeps lists of mails from going on with the page: they take these for text, and show nothing. */
const NOTHING_MORE = new Markup("&#847;&zwnj;&nbsp;".repeat(60));

// Tables and inline styles, because mail programs know little else; the style sheet only turns it dark, and gives phones more room. No
// picture, no font, nothing from the network. Outlook, which Word draws, gets its width from a table that only it reads.
export function framed({ locale, subject, inShort, colours, rows }: Framed): string {
  const { strong, dark } = colours;
  return html`<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no">
<meta name="x-apple-disable-message-reformatting">
<title>${subject}</title>
<style>
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (max-width: 480px) {
  .page td.around { padding: 12px 8px !important; }
  .side { padding-left: 20px !important; padding-right: 20px !important; }
  .between { padding-left: 12px !important; padding-right: 12px !important; }
}
@media (prefers-color-scheme: dark) {
  .page { background: #14161a !important; }
  .card { background: #1f2228 !important; border-color: #343944 !important; }
  .bar { background: ${dark} !important; }
  .strong { color: #f2f4f7 !important; }
  .soft { color: #a9b2c0 !important; }
  .line { border-color: #343944 !important; }
  .facts { background: #272b33 !important; }
  .label { background: #343a45 !important; color: ${dark} !important; }
  .text a { color: ${dark} !important; }
  .filled { background: ${dark} !important; border-color: ${dark} !important; }
  .filled a { color: #10141b !important; }
  .empty { background: #1f2228 !important; border-color: #5b6472 !important; }
  .empty a { color: ${dark} !important; }
}
</style>
<!--[if mso]><noscript><xml><o:OfficeDocumentSettings xmlns:o="urn:schemas-microsoft-com:office:office"><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml></noscript><![endif]-->
</head>
<body class="page" style="margin:0;padding:0;background:#f3f4f6;-webkit-text-size-adjust:100%;-ms-text-size-adjust:100%">
<div style="display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;mso-hide:all">${preheader(inShort)}${NOTHING_MORE}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="#f3f4f6" class="page" style="background:#f3f4f6">
<tr><td class="around" align="center" style="padding:32px 12px">
<!--[if mso]><table role="presentation" width="560" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="#ffffff" class="card" style="max-width:560px;background:#ffffff;border:1px solid #e2e5ea;border-radius:12px;border-collapse:separate;overflow:hidden;font-family:${FONT};text-align:start;word-break:break-word;overflow-wrap:anywhere">
<tr><td class="bar" height="5" bgcolor="${strong}" style="height:5px;line-height:5px;font-size:0;background:${strong};border-radius:11px 11px 0 0">&nbsp;</td></tr>
${rows}</table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr>
</table>
</body>
</html>
`.markup;
}

function preheader(body: string): string {
  const line = body.replace(/\s+/g, " ").trim();
  return line.length <= PREHEADER_LENGTH ? line : `${line.slice(0, PREHEADER_LENGTH).toWellFormed()}…`;
}

export interface ButtonLook {
  label: string;
  url: string;
  /** Of the use case. */
  colour: string;
  isFilled: boolean;
  isForemost: boolean;
  /** How much of the row it takes. */
  width?: string;
}

/**
 * A button is a cell, since programs know no other: at least 44 px high, so that a finger meets it, pressed anywhere within. Outlook gives
 * the link no room around its words, and the cell that much instead.
 */
export function buttonCell({ label, url, colour, isFilled, isForemost, width }: ButtonLook): Markup {
  const ground = isFilled ? colour : "#ffffff";
  const [size, weight, sides] = isForemost ? [16, 600, 22] : [14, 400, 6];
  const high = isForemost ? 12 : 13;
  const text = `display:block;padding:${high}px ${sides}px;font-size:${size}px;line-height:20px;font-weight:${weight};color:${isFilled ? "#ffffff" : colour};text-decoration:none`;
  const cell = `padding:0;background:${ground};border:1px solid ${isFilled ? colour : "#b9c1cc"};border-radius:9px;mso-padding-alt:${high}px ${sides}px`;
  return html`<td class="press ${isFilled ? "filled" : "empty"}" align="center" bgcolor="${ground}" width="${width ?? "auto"}" style="${cell}"><a href="${url}" style="${text}">${label}</a></td>
`;
}
