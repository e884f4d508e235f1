import type { AnswerButton } from "./answers.ts";
import type { UseCase } from "./builtin/use-case.ts";
import { html, join, type Markup, textToMarkup } from "./html.ts";

/** What the built-in e-mail says, piece by piece; every piece is plain text. */
export interface EmailContent {
  /** BCP 47, of the words around those that users have written. */
  locale: string;
  useCase: UseCase;
  /** What kind of thing it is: "Feedback". */
  label: string;
  subject: string;
  /** What it is about: "Feedback form". */
  title: string;
  /** For whom or what: "interviewer INT_100". */
  about: string;
  greeting: string | null;
  /** Paragraphs, with their line breaks. */
  body: string;
  /** Where to do it. */
  action: { label: string; url: string } | null;
  /** Until when, how often so far, when next: label and value. */
  facts: readonly (readonly [label: string, value: string])[];
  /** Why it stops, and why the reader gets it. */
  footer: readonly string[];
  /** What the reader may answer, the first of them foremost. */
  answers: readonly AnswerButton[];
}

export function writeText(content: EmailContent): string {
  const facts = content.facts.map(([label, value]) => `${label}: ${value}`).join("\n");
  const parts = [
    `${content.title} (${content.about})`,
    content.greeting,
    content.body,
    content.action && `${content.action.label}: ${content.action.url}`,
    facts,
    content.answers
      .filter(({ isQuiet }) => !isQuiet)
      .map(inText)
      .join("\n"),
    `-- \n${[...content.footer, ...content.answers.filter(({ isQuiet }) => isQuiet).map(inText)].join("\n")}`,
  ];
  return `${parts.filter((part) => part).join("\n\n")}\n`;
}

/** Of each use case, on white: the colour of its line and button (white on it reads well), and the ground of its label. */
const COLOURS: Record<UseCase, { strong: string; pale: string }> = {
  interview: { strong: "#4f46e5", pale: "#eef2ff" },
  feedback: { strong: "#0f766e", pale: "#e6f7f4" },
  approval: { strong: "#1d4ed8", pale: "#e8f0fe" },
  sla: { strong: "#b91c1c", pale: "#fdecec" },
  compliance: { strong: "#6d28d9", pale: "#f3eefe" },
  payment: { strong: "#92510a", pale: "#fdf3e1" },
  document: { strong: "#0369a1", pale: "#e6f3fb" },
  general: { strong: "#475569", pale: "#eef1f5" },
};

const FONT = "system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

function inText({ label, url }: AnswerButton): string {
  return `${label}: ${url}`;
}

// Tables and inline styles, because mail programs know little else; the style sheet only turns it dark. No picture, no
// font, nothing from the network.
export function writeHtml(content: EmailContent): string {
  const body = content.greeting === null ? content.body : `${content.greeting}\n\n${content.body}`;
  const { strong, pale } = COLOURS[content.useCase];
  return html`<!doctype html>
<html lang="${content.locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${content.subject}</title>
<style>
:root { color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background: #14161a !important; }
  .card { background: #1f2228 !important; border-color: #343944 !important; }
  .strong { color: #f2f4f7 !important; }
  .soft { color: #a9b2c0 !important; }
  .line { border-color: #343944 !important; }
  .facts { background: #272b33 !important; }
  .label { background: #343a45 !important; color: #f2f4f7 !important; }
  .text a { color: #8ab8ff !important; }
  .main { background: #7fb0ff !important; border-color: #7fb0ff !important; }
  .main a { color: #10141b !important; }
  .button { border-color: #4a5160 !important; }
  .button a { color: #8ab8ff !important; }
}
</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f3f4f6;-webkit-text-size-adjust:100%">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="page" style="background:#f3f4f6">
<tr><td align="center" style="padding:32px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="card" style="max-width:560px;background:#ffffff;border:1px solid #e2e5ea;border-radius:12px;border-collapse:separate;overflow:hidden;font-family:${FONT};text-align:start;word-break:break-word;overflow-wrap:anywhere">
<tr><td height="5" style="height:5px;line-height:5px;font-size:0;background:${strong};border-radius:11px 11px 0 0">&nbsp;</td></tr>
<tr><td style="padding:24px 28px 0">
<span class="label" style="display:inline-block;padding:3px 10px;border-radius:99px;background:${pale};color:${strong};font-size:12px;line-height:1.5;font-weight:600">${content.label}</span>
<h1 class="strong" dir="auto" style="margin:12px 0 0;font-size:22px;line-height:1.3;font-weight:650;color:#14171c">${content.title}</h1>
<p class="soft" dir="auto" style="margin:4px 0 0;font-size:15px;line-height:1.5;color:#5c6573">${content.about}</p>
</td></tr>
<tr><td class="strong text" dir="auto" style="padding:20px 28px 24px;font-size:16px;line-height:1.6;color:#14171c">
${textToMarkup(body)}
</td></tr>
${button(content.action, strong)}${factRows(content.facts)}${buttonRows(content.answers)}<tr><td class="soft line" style="padding:16px 28px 22px;border-top:1px solid #e2e5ea;font-size:13px;line-height:1.5;color:#5c6573">
${join(content.footer.map((line) => html`<div dir="auto">${line}</div>`))}${quietLinks(content.answers)}
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
`.markup;
}

function button(action: EmailContent["action"], colour: string): Markup {
  if (action === null) return html``;
  return html`<tr><td style="padding:0 28px 26px">
<table role="presentation" cellpadding="0" cellspacing="0"><tr><td style="background:${colour};border-radius:8px">
<a href="${action.url}" style="display:inline-block;padding:11px 22px;font-size:15px;line-height:1.4;font-weight:600;color:#ffffff;text-decoration:none">${action.label}</a>
</td></tr></table>
</td></tr>
`;
}

/** The first alone and filled, the others beneath it side by side; each a cell of its own, since programs know no other buttons. */
function buttonRows(answers: readonly AnswerButton[]): Markup {
  const [first, ...others] = answers.filter(({ isQuiet }) => !isQuiet);
  if (!first) return html``;
  const cells = others.map(
    (
      button,
    ) => html`<td class="button" align="center" width="${Math.floor(100 / others.length)}%" style="padding:0;border:1px solid #cdd3dc;border-radius:9px">
<a href="${button.url}" style="display:block;padding:10px 6px;font-size:14px;line-height:1.3;color:#1f5fd0;text-decoration:none">${button.label}</a></td>
`,
  );
  return html`<tr><td style="padding:0 28px 6px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="border-collapse:separate">
<tr><td class="main" align="center" style="padding:0;background:#1f5fd0;border:1px solid #1f5fd0;border-radius:9px">
<a href="${first.url}" style="display:block;padding:12px 16px;font-size:16px;line-height:1.3;font-weight:600;color:#ffffff;text-decoration:none">${first.label}</a></td></tr>
</table>
</td></tr>
<tr><td style="padding:0 20px 16px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="8" style="border-collapse:separate">
<tr>
${join(cells)}</tr>
</table>
</td></tr>
`;
}

function quietLinks(answers: readonly AnswerButton[]): Markup {
  const links = answers.filter(({ isQuiet }) => isQuiet);
  if (links.length === 0) return html``;
  const parts = links.map(
    ({ label, url }, index) =>
      html`${index === 0 ? "" : " · "}<a href="${url}" class="soft" style="color:#5c6573">${label}</a>`,
  );
  return html`
<div style="padding-top:6px">${join(parts)}</div>`;
}

function factRows(facts: EmailContent["facts"]): Markup {
  if (facts.length === 0) return html``;
  const rows = facts.map(
    ([label, value]) => html`<tr>
<td class="soft" valign="top" style="padding:3px 16px 3px 0;font-size:14px;line-height:1.5;color:#5c6573">${label}</td>
<td class="strong" valign="top" dir="auto" style="padding:3px 0;font-size:14px;line-height:1.5;color:#14171c">${value}</td>
</tr>
`,
  );
  return html`<tr><td style="padding:0 28px 24px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="facts" style="background:#f7f8fa;border-radius:8px"><tr><td style="padding:11px 16px">
<table role="presentation" cellpadding="0" cellspacing="0">
${join(rows)}</table>
</td></tr></table>
</td></tr>
`;
}
