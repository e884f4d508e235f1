import { html, join, type Markup, textToMarkup } from "./html.ts";

/** What the built-in e-mail says, piece by piece; every piece is plain text. */
export interface EmailContent {
  subject: string;
  /** What it is about: "Feedback form". */
  title: string;
  /** For whom or what: "interviewer INT_100". */
  about: string;
  greeting: string | null;
  /** Paragraphs, with their line breaks. */
  body: string;
  /** How often so far, when next: label and value. */
  facts: readonly (readonly [label: string, value: string])[];
  /** Why it stops, and why the reader gets it. */
  footer: readonly string[];
}

export function writeText(content: EmailContent): string {
  const facts = content.facts.map(([label, value]) => `${label}: ${value}`).join("\n");
  const parts = [
    `${content.title} (${content.about})`,
    content.greeting,
    content.body,
    facts,
    `-- \n${content.footer.join("\n")}`,
  ];
  return `${parts.filter((part) => part).join("\n\n")}\n`;
}

// Tables and inline styles, because mail programs know little else; the style sheet only turns it dark. No picture, no
// font, nothing from the network.
export function writeHtml(content: EmailContent): string {
  const body = content.greeting === null ? content.body : `${content.greeting}\n\n${content.body}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${content.subject}</title>
<style>
:root { color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background: #16181d !important; }
  .card { background: #21242b !important; border-color: #343944 !important; }
  .strong { color: #f2f4f7 !important; }
  .soft { color: #a7afbd !important; }
  .line { border-color: #343944 !important; }
  a { color: #8ab8ff !important; }
}
</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f3f4f6;-webkit-text-size-adjust:100%">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="page" style="background:#f3f4f6">
<tr><td align="center" style="padding:32px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="card" style="max-width:560px;background:#ffffff;border:1px solid #e2e5ea;border-radius:12px;border-collapse:separate;font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;text-align:start;word-break:break-word;overflow-wrap:anywhere">
<tr><td style="padding:28px 28px 0">
<h1 class="strong" dir="auto" style="margin:0;font-size:22px;line-height:1.3;font-weight:650;color:#14171c">${content.title}</h1>
<p class="soft" dir="auto" style="margin:4px 0 0;font-size:15px;line-height:1.5;color:#5c6573">${content.about}</p>
</td></tr>
<tr><td class="strong" dir="auto" style="padding:20px 28px 24px;font-size:16px;line-height:1.6;color:#14171c">
${textToMarkup(body)}
</td></tr>
${factRows(content.facts)}<tr><td class="soft line" style="padding:16px 28px 22px;border-top:1px solid #e2e5ea;font-size:13px;line-height:1.5;color:#5c6573">
${join(content.footer.map((line) => html`<div dir="auto">${line}</div>`))}
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
`.markup;
}

function factRows(facts: EmailContent["facts"]): Markup {
  if (facts.length === 0) return html``;
  const rows = facts.map(
    ([label, value]) => html`<tr>
<td class="soft" valign="top" style="padding:2px 16px 2px 0;font-size:14px;line-height:1.5;color:#5c6573;white-space:nowrap">${label}</td>
<td class="strong" valign="top" dir="auto" style="padding:2px 0;font-size:14px;line-height:1.5;color:#14171c">${value}</td>
</tr>
`,
  );
  return html`<tr><td style="padding:0 28px 22px">
<table role="presentation" cellpadding="0" cellspacing="0">
${join(rows)}</table>
</td></tr>
`;
}
