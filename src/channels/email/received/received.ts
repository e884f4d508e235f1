import type { ReplyMail } from "../../../core/reply.ts";
import { textOf } from "../plain-text.ts";

/** A mail that was sent to us, as far as it matters for what it answers. */
export interface ReceivedMail extends ReplyMail {
  /** All that it was sent to: by the envelope, and by its headers. */
  recipients: readonly string[];
  /** Who it says that it is from. */
  from: string | null;
  /** Its `Message-ID`, if it has one: the same for the same mail, however often it is told. */
  messageId: string | null;
  /** What it says as a page; null: it has none. Only read where it says nothing as text, see `inWords`. */
  html: string | null;
}

const LONGEST_HTML = 100_000;

/**
 * The same mail with what its HTML says, where it says nothing as text; nothing where that can't be read. It takes a thread of its own, for seconds
 * if the HTML is made for that: ask it of what is an answer only, and not of many at once.
 */
export async function inWords(mail: ReceivedMail): Promise<ReceivedMail> {
  if (mail.text.trim() !== "" || !mail.html) return mail;
  return { ...mail, text: await textOf(mail.html.slice(0, LONGEST_HTML)).catch(() => "") };
}
