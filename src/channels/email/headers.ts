import type { Message } from "../channel.ts";
import { domainOf } from "./address.ts";

/** Headers of one message, beside From, To and Subject. */
export interface MessageHeaders {
  messageId: string;
  inReplyTo: string;
  references: string;
  headers: Record<string, string>;
}

/**
 * Made from nothing but the message, so that a retry carries the same ones: a server or reader that got the first try
 * after all can tell that the second is the same message. All messages of a reminder answer to one root that only
 * exists as an id, so mail programs show them as one thread, whichever of them arrived.
 */
export function messageHeaders(message: Message, from: string): MessageHeaders {
  const { id, createdAt } = message.reminder;
  const root = messageId(`reminder-${id}.${createdAt}`, from);
  return {
    messageId: messageId(message.idempotencyKey, from),
    inReplyTo: root,
    references: root,
    headers: AUTOMATIC,
  };
}

/** No out-of-office answers please: RFC 3834 §5, and Exchange's own header for the same. */
const AUTOMATIC = { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply" };

/** RFC 5322 §3.6.4. Whatever the id holds, only letters, digits, dots, hyphens and underscores get in. */
function messageId(id: string, from: string): string {
  const safe = id.replace(/[^A-Za-z0-9._-]/gu, (character) => `_${character.codePointAt(0)?.toString(16)}_`);
  return `<${safe}@${domainOf(from)}>`;
}
