import { InvalidRecipient } from "../channel.ts";
import { parseEmailAddress } from "./address.ts";

/** Those that an account may set, beside any `X-...`. What a message is made of isn't among them. */
const ALLOWED = new Set(["feedback-id", "importance", "list-help", "list-id", "organization", "reply-to"]);
/** Ours, or read as if a mail server had written them. */
const NOT_THESE = /^x-(auto-response-suppress|original-|envelope-|received|spam|virus|failed-recipients)/;
const NAME = /^[A-Za-z][A-Za-z0-9-]{0,59}$/;
const LONGEST_VALUE = 300;
const MOST_HEADERS = 10;

/** What is wrong with these headers, as in "must ..."; null if nothing is. */
export function ownHeadersFlaw(headers: Readonly<Record<string, string>>): string | null {
  const names = Object.keys(headers);
  if (names.length > MOST_HEADERS) return `must be at most ${MOST_HEADERS} headers`;
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length) return "must have no header twice";
  return Object.entries(headers).flatMap(([name, value]) => flawOf(name, value) ?? [])[0] ?? null;
}

function flawOf(name: string, value: string): string | null {
  const lower = name.toLowerCase();
  const isAllowed = NAME.test(name) && (ALLOWED.has(lower) || (lower.startsWith("x-") && !NOT_THESE.test(lower)));
  if (!isAllowed) return `must be headers like X-Team, or some of ${[...ALLOWED].join(", ")}`;
  if (lower === "reply-to") return addressFlaw(value);
  if (!/^[\x20-\x7E]+$/.test(value) || value.trim() === "" || value.length > LONGEST_VALUE) {
    return `must have values of 1 to ${LONGEST_VALUE} printable ASCII characters on one line`;
  }
  return null;
}

function addressFlaw(value: string): string | null {
  try {
    parseEmailAddress(value);
    return null;
  } catch (error) {
    if (error instanceof InvalidRecipient) return `must have in Reply-To what ${error.message}`;
    throw error;
  }
}
