import type { Answer } from "./outcome.ts";

/** What an answer's `Retry-After` asks to wait, in milliseconds; 0 where it says nothing that is readable (RFC 9110 §10.2.3). */
export function retryAfterMs({ headers }: Pick<Answer, "headers">): number {
  const text = headers["retry-after"]?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // A date is held against that of the same answer: then it doesn't matter whose clock is wrong.
  const waitMs = Date.parse(text) - Date.parse(headers.date ?? "");
  return Number.isNaN(waitMs) ? 0 : Math.max(0, waitMs);
}
