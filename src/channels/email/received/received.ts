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
}

const LONGEST_HTML = 100_000;

/** What it says as text: its own, or what its HTML says where there is nothing else. Empty where that can't be read. */
export async function textFrom(text: string | null | undefined, html: string | null | undefined): Promise<string> {
  if (text?.trim()) return text;
  return html ? await textOf(html.slice(0, LONGEST_HTML)).catch(() => "") : "";
}
