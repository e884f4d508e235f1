import type { Answer } from "./outcome.ts";

/** What an answer's `Retry-After` asks to wait, in milliseconds; 0 where it says nothing that is readable (RFC 9110 §10.2.3). */
export function retryAfterMs({ headers }: Pick<Answer, "headers">): number {
  const text = headers["retry-after"]?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  return untilMs(Date.parse(text), headers);
}

/** The same by a header of a service's own that has an instant, in seconds since 1970. */
export function resetsInMs({ headers }: Pick<Answer, "headers">, name: string): number {
  const text = headers[name]?.trim() ?? "";
  return /^\d{1,12}$/.test(text) ? untilMs(Number(text) * 1000, headers) : 0;
}

/** An instant is held against the date of the same answer: then it doesn't matter whose clock is wrong. */
function untilMs(atMs: number, { date }: Answer["headers"]): number {
  const waitMs = atMs - Date.parse(date ?? "");
  return Number.isNaN(waitMs) ? 0 : Math.max(0, waitMs);
}
