import { toGsm7Friendly } from "../../core/sms-segments.ts";
import type { Rendered } from "../../templates/write.ts";

/** Twilio takes no more; and each part is paid for. */
export const MOST_SMS_CHARS = 1_600;

/**
 * What a message says by SMS: its subject, unless the rest says the same, what it wants to say, and the one link by which it is answered.
 * Without greeting and footer, and in characters that cost little where there are such.
 */
export function smsText({
  subject,
  body,
  saysSubject,
  allAnswers,
}: Pick<Rendered, "subject" | "body" | "saysSubject" | "allAnswers">): string {
  const end = allAnswers ? `\n${toGsm7Friendly(allAnswers.label)}: ${allAnswers.url}` : "";
  const said = inSmsWords(saysSubject ? body : `${subject}: ${body}`).trim();
  const room = MOST_SMS_CHARS - end.length;
  const shown = said.length <= room ? said : `${said.slice(0, room - 3).toWellFormed()}...`;
  return shown + end;
}

/** In characters that cost little, where there are such: "…" takes three of them. */
export function inSmsWords(text: string): string {
  return toGsm7Friendly(text).replace(/\n{2,}/g, "\n");
}
