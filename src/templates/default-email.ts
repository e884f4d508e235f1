import type { AnswerButton } from "./answers.ts";
import type { UseCase } from "./builtin/use-case.ts";
import { buttonCell, COLOURS, framed } from "./email-frame.ts";
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

function inText({ label, url }: AnswerButton): string {
  return `${label}: ${url}`;
}

export function writeHtml(content: EmailContent): string {
  const body = content.greeting === null ? content.body : `${content.greeting}\n\n${content.body}`;
  const colours = COLOURS[content.useCase];
  const { strong, pale } = colours;
  const rows = html`<tr><td class="side" style="padding:24px 28px 0">
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
`;
  return framed({ locale: content.locale, subject: content.subject, inShort: content.body, colours, rows });
}

function actionRow(action: EmailContent["action"], colour: string): Markup {
  if (action === null) return html``;
  return html`<tr><td class="side" style="padding:0 28px 26px">
<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="border-collapse:separate"><tr>
${buttonCell({ ...action, colour, isFilled: true, isForemost: true })}</tr></table>
</td></tr>
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
