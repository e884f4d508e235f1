import type { AnswerButton } from "./answers.ts";
import { html, join, type Markup, textToMarkup } from "./html.ts";

/** One of several, in plain text. */
export interface DigestItem {
  title: string;
  body: string;
  answers: readonly AnswerButton[];
}

export interface DigestContent {
  /** BCP 47, of the words around those that users have written. */
  locale: string;
  subject: string;
  intro: string;
  items: readonly DigestItem[];
  footer: string;
}

const FONT = "system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

// Tables and inline styles, as in the built-in e-mail for one.
export function writeDigestHtml({ locale, subject, intro, items, footer }: DigestContent): string {
  return html`<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${subject}</title>
<style>
:root { color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background: #14161a !important; }
  .card { background: #1f2228 !important; border-color: #343944 !important; }
  .strong { color: #f2f4f7 !important; }
  .soft { color: #a9b2c0 !important; }
  .line { border-color: #343944 !important; }
  .text a { color: #8ab8ff !important; }
}
</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f3f4f6;-webkit-text-size-adjust:100%">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="page" style="background:#f3f4f6">
<tr><td align="center" style="padding:32px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="card" style="max-width:560px;background:#ffffff;border:1px solid #e2e5ea;border-radius:12px;border-collapse:separate;overflow:hidden;font-family:${FONT};text-align:start;word-break:break-word;overflow-wrap:anywhere">
<tr><td height="5" style="height:5px;line-height:5px;font-size:0;background:#475569;border-radius:11px 11px 0 0">&nbsp;</td></tr>
<tr><td class="strong" style="padding:24px 28px 20px;font-size:16px;line-height:1.6;color:#14171c">
<h1 style="margin:0 0 4px;font-size:22px;line-height:1.3;font-weight:650">${subject}</h1>
${intro}
</td></tr>
${join(items.map(itemRow))}<tr><td class="soft line" style="padding:16px 28px 22px;border-top:1px solid #e2e5ea;font-size:13px;line-height:1.5;color:#5c6573">${footer}</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
`.markup;
}

function itemRow({ title, body, answers }: DigestItem): Markup {
  const links = answers.map(
    ({ label, url, isQuiet }) =>
      html`<a href="${url}" ${isQuiet ? html`class="soft" style="display:inline-block;padding:8px 14px 8px 0;color:#5c6573"` : html`style="display:inline-block;padding:8px 14px 8px 0;font-weight:600;color:#1f5fd0"`}>${label}</a> `,
  );
  return html`<tr><td class="text line" dir="auto" style="padding:16px 28px 12px;border-top:1px solid #e2e5ea;font-size:15px;line-height:1.55">
<h2 class="strong" dir="auto" style="margin:0 0 6px;font-size:17px;line-height:1.35;font-weight:600;color:#14171c">${title}</h2>
<div class="strong" style="color:#14171c">${textToMarkup(body)}</div>
${
  links.length === 0
    ? ""
    : html`<div style="padding-top:6px;font-size:14px">${join(links)}</div>
`
}</td></tr>
`;
}
