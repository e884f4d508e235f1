import type { AnswerButton } from "./answers.ts";
import type { UseCase } from "./builtin/use-case.ts";
import { html, join, Markup, textToMarkup } from "./html.ts";

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

/**
 * Of each use case: the colour of its line and buttons on white (white on it reads well), the ground of its label, and the same colour
 * as it reads on a dark page, where what stands on it is dark.
 */
const COLOURS: Record<UseCase, { strong: string; pale: string; dark: string }> = {
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

function inText({ label, url }: AnswerButton): string {
  return `${label}: ${url}`;
}

/** What lists of mails show beside the subject: of what it says, as much as they have room for. */
const PREHEADER_LENGTH = 140;
/** Keeps lists of mails from going on with the page: they take these for text, and show nothing. */
const NOTHING_MORE = new Markup("&#847;&zwnj;&nbsp;".repeat(60));

// Tables and inline styles, because mail programs know little else; the style sheet only turns it dark, and gives phones more room. No
// picture, no font, nothing from the network. Outlook, which Word draws, gets its width from a table that only it reads.
export function writeHtml(content: EmailContent): string {
  const body = content.greeting === null ? content.body : `${content.greeting}\n\n${content.body}`;
  const { strong, pale, dark } = COLOURS[content.useCase];
  return html`<!doctype html>
<html lang="${content.locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no">
<meta name="x-apple-disable-message-reformatting">
<title>${content.subject}</title>
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
<div style="display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;mso-hide:all">${preheader(content.body)}${NOTHING_MORE}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="#f3f4f6" class="page" style="background:#f3f4f6">
<tr><td class="around" align="center" style="padding:32px 12px">
<!--[if mso]><table role="presentation" width="560" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="#ffffff" class="card" style="max-width:560px;background:#ffffff;border:1px solid #e2e5ea;border-radius:12px;border-collapse:separate;overflow:hidden;font-family:${FONT};text-align:start;word-break:break-word;overflow-wrap:anywhere">
<tr><td class="bar" height="5" bgcolor="${strong}" style="height:5px;line-height:5px;font-size:0;background:${strong};border-radius:11px 11px 0 0">&nbsp;</td></tr>
<tr><td class="side" style="padding:24px 28px 0">
<span class="label" style="display:inline-block;padding:3px 10px;border-radius:99px;background:${pale};color:${strong};font-size:12px;line-height:1.5;font-weight:600">${content.label}</span>
<h1 class="strong" dir="auto" style="margin:12px 0 0;font-size:22px;line-height:1.3;font-weight:700;color:#14171c">${content.title}</h1>
<p class="soft" dir="auto" style="margin:4px 0 0;font-size:15px;line-height:1.5;color:#5c6573">${content.about}</p>
</td></tr>
<tr><td class="side strong text" dir="auto" style="padding:20px 28px 24px;font-size:16px;line-height:1.6;color:#14171c">
${textToMarkup(body)}
</td></tr>
${actionRow(content.action, strong)}${factRows(content.facts)}${buttonRows(content.answers, strong, content.action === null)}<tr><td class="side soft line" style="padding:16px 28px 22px;border-top:1px solid #e2e5ea;font-size:13px;line-height:1.5;color:#5c6573">
${join(content.footer.map((line) => html`<div dir="auto">${line}</div>`))}${quietLinks(content.answers)}
</td></tr>
</table>
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

function actionRow(action: EmailContent["action"], colour: string): Markup {
  if (action === null) return html``;
  return html`<tr><td class="side" style="padding:0 28px 26px">
<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="border-collapse:separate"><tr>
${buttonCell({ ...action, colour, isFilled: true, isForemost: true })}</tr></table>
</td></tr>
`;
}

interface ButtonLook {
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
function buttonCell({ label, url, colour, isFilled, isForemost, width }: ButtonLook): Markup {
  const ground = isFilled ? colour : "#ffffff";
  const [size, weight, sides] = isForemost ? [16, 600, 22] : [14, 400, 6];
  const high = isForemost ? 12 : 13;
  const text = `display:block;padding:${high}px ${sides}px;font-size:${size}px;line-height:20px;font-weight:${weight};color:${isFilled ? "#ffffff" : colour};text-decoration:none`;
  const cell = `padding:0;background:${ground};border:1px solid ${isFilled ? colour : "#b9c1cc"};border-radius:9px;mso-padding-alt:${high}px ${sides}px`;
  return html`<td class="press ${isFilled ? "filled" : "empty"}" align="center" bgcolor="${ground}" width="${width ?? "auto"}" style="${cell}"><a href="${url}" style="${text}">${label}</a></td>
`;
}

/** The first alone, and filled where nothing else is; the others beneath it side by side. */
function buttonRows(answers: readonly AnswerButton[], colour: string, isMain: boolean): Markup {
  const [first, ...others] = answers.filter(({ isQuiet }) => !isQuiet);
  if (!first) return html``;
  const width = `${Math.floor(100 / others.length)}%`;
  const cells = others.map((other) => buttonCell({ ...other, colour, isFilled: false, isForemost: false, width }));
  return html`<tr><td class="side" style="padding:0 28px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="border-collapse:separate"><tr>
${buttonCell({ ...first, colour, isFilled: isMain, isForemost: true })}</tr></table>
</td></tr>
<tr><td class="between" style="padding:0 20px 20px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="8" border="0" style="border-collapse:separate"><tr>
${join(cells)}</tr></table>
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

/** The labels are our own, and short: they stay whole. */
function factRows(facts: EmailContent["facts"]): Markup {
  if (facts.length === 0) return html``;
  const rows = facts.map(
    ([label, value]) => html`<tr>
<td class="soft" valign="top" style="padding:3px 16px 3px 0;font-size:14px;line-height:1.5;color:#5c6573;white-space:nowrap">${label}</td>
<td class="strong" valign="top" dir="auto" style="padding:3px 0;font-size:14px;line-height:1.5;color:#14171c">${value}</td>
</tr>
`,
  );
  return html`<tr><td class="side" style="padding:0 28px 24px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="#f7f8fa" class="facts" style="background:#f7f8fa;border-radius:8px"><tr><td style="padding:11px 16px">
<table role="presentation" cellpadding="0" cellspacing="0" border="0">
${join(rows)}</table>
</td></tr></table>
</td></tr>
`;
}
