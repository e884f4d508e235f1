/** What became of a message after a mail server had taken it, whoever tells. */
export interface Feedback {
  /** Whom it was for; null where only the delivery is known. */
  address: string | null;
  /** Hard and soft: it came back, and the address is to blame, or may not be. Started: nothing is held against it any more. */
  kind: "hard" | "soft" | "complaint" | "unsubscribed" | "stopped" | "started";
  /** The mail server's words, and its code if it gave one. */
  because: string;
  /** The envelope's sender, if it is told: an address of ours that names the delivery. */
  returnPath: string | null;
  /** The message's `Message-ID`, without brackets, if it is told. */
  messageId: string | null;
}

/** In words, where the provider has none of its own. */
export const SAID: Partial<Record<Feedback["kind"], string>> = {
  complaint: "the reader calls it spam",
  unsubscribed: "the reader unsubscribed",
};

/** For how long nothing is sent to an address that mail came back from. */
export const HARD_BOUNCE_DAYS = 180;

/**
 * Codes that speak of the address itself (RFC 3463, and the IANA's registry): there is no such mailbox, domain or form of
 * address, it has moved, or is switched off. What is full, blocked, too large or can't be reached (5.4.4: no route) may pass.
 */
const OF_ADDRESS = new Set(["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"]);
const CODE = /(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])/;
const LONGEST_WORDS = 300;

/**
 * Whether a message that came back blames the address. `isPermanent`: what the teller makes of it, which counts where there is
 * no code, or one that says nothing (5.0.0, 5.1.0).
 */
export function kindOf(code: string | null, isPermanent: boolean): "hard" | "soft" {
  if (code === null || code === "5.0.0" || code === "5.1.0") return isPermanent ? "hard" : "soft";
  return OF_ADDRESS.has(code) ? "hard" : "soft";
}

/** The enhanced status code in a mail server's words. */
export function codeIn(...words: readonly (string | null | undefined)[]): string | null {
  for (const text of words) {
    const [, code] = CODE.exec((text ?? "").slice(0, 1_000)) ?? [];
    if (code !== undefined) return code;
  }
  return null;
}

/** One line of words out of whatever was said. */
export function wordsOf(...parts: readonly unknown[]): string {
  const words = parts.filter((part) => (typeof part === "string" && part !== "") || typeof part === "number").join(" ");
  const line = words
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029\s]+/gu, " ")
    .trim();
  return line.length > LONGEST_WORDS
    ? `${line.slice(0, LONGEST_WORDS - 1).toWellFormed()}…`
    : line || "no reason was given";
}

/** Without the brackets and whatever is around them. */
export function bareId(messageId: string | null): string | null {
  return messageId?.replace(/^.*<|>.*$/gs, "").trim() || null;
}
