import type { Message } from "../channel.ts";
import { domainOf } from "./address.ts";
import type { SmtpServer } from "./settings.ts";

/** A header's value as it is written: it stays on one line, or is folded between its words. */
export interface Prepared {
  prepared: true;
  foldLines?: true;
  value: string;
}

/** Headers of one message, beside From, To and Subject. */
export interface MessageHeaders {
  messageId: string;
  /** Left out by a message that begins a thread. */
  inReplyTo?: string;
  references?: string;
  headers: Record<string, string | Prepared>;
}

export interface HeaderOptions {
  /** The sender's address. */
  from: string;
  /** The id of the delivery that began the thread; null: this one does. */
  root: string | null;
  /** The account's own, see `ownHeadersFlaw`. */
  own: Readonly<Record<string, string>>;
  /** Where one click unsubscribes (RFC 8058); null: nowhere. */
  unsubscribeUrl: string | null;
  /** Where it is sent by. */
  servers: readonly Pick<SmtpServer, "host">[];
}

/**
 * Made from nothing but the message and its thread, so that a retry carries the same ones: a server or reader that got the
 * first try after all can tell that the second is the same message.
 */
export function messageHeaders(
  message: Message,
  { from, root, own, unsubscribeUrl, servers }: HeaderOptions,
): MessageHeaders {
  const rootId = root === null ? null : messageId(root, from);
  return {
    messageId: messageId(message.idempotencyKey, from),
    ...(rootId === null ? {} : { inReplyTo: rootId, references: rootId }),
    headers: { ...own, ...AUTOMATIC, ...unsubscribing(unsubscribeUrl), ...toPostmark(message, servers) },
  };
}

/** No out-of-office answers please: RFC 3834 §5, and Exchange's own header for the same. */
const AUTOMATIC = { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply" };

const LONGEST_URL = 500;

/**
 * RFC 8058 wants exactly these two, with https. Unfolded and short: some relays fold anew what is long, within the URL too, and
 * then the signature over it is no good. What can't be written so is left out.
 */
function unsubscribing(url: string | null): Record<string, Prepared> {
  if (url === null || url.length > LONGEST_URL || !/^https:\/\/[\x21-\x7E]+$/.test(url) || /[<>,"\\]/.test(url))
    return {};
  return {
    "List-Unsubscribe": { prepared: true, value: `<${url}>` },
    "List-Unsubscribe-Post": { prepared: true, value: "List-Unsubscribe=One-Click" },
  };
}

/** Where Postmark takes mail. */
const POSTMARK = /(^|\.)postmarkapp\.com$/i;

/**
 * Words for Postmark, which sends none of them on: to leave the `Message-ID` as it is, and to tell it again with what becomes of
 * the message, as it tells no other header. https://postmarkapp.com/developer/user-guide/send-email-with-smtp
 */
function toPostmark({ idempotencyKey }: Message, servers: HeaderOptions["servers"]): Record<string, string> {
  if (!servers.some(({ host }) => POSTMARK.test(host))) return {};
  return { "X-PM-KeepID": "true", "X-PM-Metadata-message-id": messageId(idempotencyKey, "@postmark").slice(1, -1) };
}

/** RFC 5322 §3.6.4. Whatever the id holds, only letters, digits, dots, hyphens and underscores get in. */
function messageId(id: string, from: string): string {
  const safe = id.replace(/[^A-Za-z0-9._-]/gu, (character) => `_${character.codePointAt(0)?.toString(16)}_`);
  return `<${safe}@${domainOf(from)}>`;
}
