const LONE_SURROGATE = /\p{Surrogate}/u;

/** Why PostgreSQL can't keep a text as it is; null when it can. */
export function whyNotText(text: string): string | null {
  if (text.includes("\0")) return "must not contain the character U+0000";
  if (LONE_SURROGATE.test(text)) return "must be well-formed Unicode: it contains half of a surrogate pair";
  return null;
}

/** The length that PostgreSQL and JSON Schema count: characters, not UTF-16 units. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

// Everything that ends a line or drives a terminal: C0, DEL, C1, and Unicode's own line ends.
const NOT_IN_A_LINE = /[\p{Cc}\u2028\u2029]/u;

/** Why a text is not a single line; null when it is. */
export function whyNotOneLine(text: string): string | null {
  return NOT_IN_A_LINE.test(text) ? "must be a single line without control characters" : null;
}
