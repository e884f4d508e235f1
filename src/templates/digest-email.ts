import type { AnswerButton, OneLink } from "./answers.ts";
import { buttonCell, COLOURS, framed } from "./email-frame.ts";
import { html, join, type Markup, textToMarkup } from "./html.ts";

/** One of several, in plain text. */
export interface DigestItem {
  title: string;
  body: string;
  answers: readonly AnswerButton[];
  allAnswers: OneLink | null;
}

export interface DigestContent {
  /** BCP 47, of the words around those that users have written. */
  locale: string;
  subject: string;
  intro: string;
  items: readonly DigestItem[];
  footer: string;
}

const COLOUR = COLOURS.general;

/** The page of a message that says what several have to say: one beneath the other, each with its own buttons. */
export function writeDigestHtml({ locale, subject, intro, items, footer }: DigestContent): string {
  const rows = html`<tr><td class="side strong" style="padding:24px 28px 20px;font-size:16px;line-height:1.6;color:#14171c">
<h1 class="strong" style="margin:0 0 4px;font-size:22px;line-height:1.3;font-weight:700;color:#14171c">${subject}</h1>
${intro}
</td></tr>
${join(items.map(itemRows))}<tr><td class="side soft line" style="padding:16px 28px 22px;border-top:1px solid #e2e5ea;font-size:13px;line-height:1.5;color:#5c6573">${footer}</td></tr>
`;
  const inShort = items.map(({ title }) => title).join(" · ");
  return framed({ locale, subject, inShort, colours: COLOUR, rows });
}

function itemRows({ title, body, answers }: DigestItem): Markup {
  return html`<tr><td class="side text line" dir="auto" style="padding:18px 28px 10px;border-top:1px solid #e2e5ea;font-size:15px;line-height:1.55">
<h2 class="strong" dir="auto" style="margin:0 0 6px;font-size:17px;line-height:1.35;font-weight:600;color:#14171c">${title}</h2>
<div class="strong" style="color:#14171c">${textToMarkup(body)}</div>
</td></tr>
${buttons(answers)}`;
}

/** All in one row, since there may be fifty of them; what is seldom wanted stands small beneath. */
function buttons(answers: readonly AnswerButton[]): Markup {
  const [loud, quiet] = [answers.filter(({ isQuiet }) => !isQuiet), answers.filter(({ isQuiet }) => isQuiet)];
  if (loud.length === 0) return html``;
  const look = {
    colour: COLOUR.strong,
    isFilled: false,
    isForemost: false,
    width: `${Math.floor(100 / loud.length)}%`,
  };
  const links = quiet.map(
    ({ label, url }, n) =>
      html`${n === 0 ? "" : " · "}<a href="${url}" class="soft" style="color:#5c6573">${label}</a>`,
  );
  return html`<tr><td class="between" style="padding:0 20px 2px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="8" border="0" style="border-collapse:separate"><tr>
${join(loud.map((answer) => buttonCell({ ...answer, ...look })))}</tr></table>
</td></tr>
<tr><td class="side soft" style="padding:0 28px 18px;font-size:13px;line-height:1.5;color:#5c6573">${join(links)}</td></tr>
`;
}
