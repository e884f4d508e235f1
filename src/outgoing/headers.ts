import { validateHeaderName, validateHeaderValue } from "node:http";
import { MAX_REQUEST_HEADER_BYTES } from "./limits.ts";
import { refused } from "./outcome.ts";

/** These frame the request or say whom it is for, which is not the caller's to change. */
const OURS = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
const OF_PROXIES = /^proxy-/i;

/** What is wrong with the name of a header, as in "the header host is not yours to set"; null if nothing is. */
export function headerNameMistake(name: string): string | null {
  if (OURS.has(name.toLowerCase()) || OF_PROXIES.test(name))
    return `the header ${name.toLowerCase()} is not yours to set`;
  return isValid(() => validateHeaderName(name)) ? null : "the name of a header has characters that can't be in it";
}

/** True for what can stand in a header: one line of Latin-1. */
export function isHeaderValue(value: string): boolean {
  return isValid(() => validateHeaderValue("x", value));
}

/** Throws `Failed`; it names a header at most, never what is in it. */
export function checkHeaders(headers: Readonly<Record<string, string>>): void {
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    const mistake = headerNameMistake(name);
    if (mistake !== null) throw refused(mistake);
    if (!isHeaderValue(value)) throw refused(`its header ${name} has characters that can't be in it`);
    bytes += name.length + value.length;
  }
  if (bytes > MAX_REQUEST_HEADER_BYTES) {
    throw refused(`its headers are larger than ${MAX_REQUEST_HEADER_BYTES} bytes`);
  }
}

function isValid(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
