import { hash } from "node:crypto";
import { mostThatFit } from "../../core/most-that-fit.ts";
import { urlOf } from "../../templates/builtin/facts.ts";
import type { Rendered } from "../../templates/write.ts";
import type { Message } from "../channel.ts";
import { shorten } from "../shorten.ts";

/** Push services take 4,096 bytes with all that encryption adds (RFC 8030 §7.2); this leaves them some room. */
export const MOST_PAYLOAD_BYTES = 3 * 1024;
/** What is sent instead where even that was too large. */
export const FEWEST_PAYLOAD_BYTES = 1_024;

/** Where no page lists all of them. In most languages a character takes two bytes at most; title, tag and link have the rest. */
export const MOST_DIGEST_CHARS = 1_000;

/** More wouldn't be shown anyway. */
const MAX_TITLE_CHARS = 120;
/** What a link may take of the payload. */
const LONGEST_LINK = 400;

/** What the service worker is told. It knows no words of its own. */
export interface PushPayload {
  title: string;
  body: string;
  /** What a click opens: all that may be answered; null: nothing. */
  url: string | null;
  /** A notification takes the place of one with the same tag. */
  tag: string;
  actions: { action: string; title: string; url: string }[];
  /** When it was due, in milliseconds since 1970. */
  timestamp: number;
}

/**
 * Names the reminder's messages to this recipient: the same for all of them, and fit for `Topic` (RFC 8030 §5.4). A digest has a name
 * of its own: nothing that comes later says all that it said.
 */
export function topicOf({ reminder, recipient, isDigest, idempotencyKey }: Message): string {
  const named = isDigest ? [reminder.tenantId, "digest", idempotencyKey] : [reminder.tenantId, reminder.id, recipient];
  return hash("sha256", JSON.stringify(named), "base64url").slice(0, 32);
}

/** What a message says on a device, in at most so many bytes. */
export function pushPayload(
  message: Message,
  { subject, body, answers, allAnswers }: Rendered,
  maxBytes: number,
): Buffer {
  const buttons = answers.filter(({ purpose }) => purpose === "done" || purpose === "snooze");
  const links = buttons.map(({ purpose, label, url }) => ({ action: purpose, title: label, url }));
  const isSmall = maxBytes < MOST_PAYLOAD_BYTES;
  const payload: PushPayload = {
    title: shorten(subject, MAX_TITLE_CHARS),
    body,
    // Of several, what one of them is about isn't what the message is about.
    url: shortLink(allAnswers?.url ?? (message.isDigest ? null : urlOf(message))),
    tag: topicOf(message),
    actions: isSmall ? [] : links.filter(({ url }) => shortLink(url) !== null),
    timestamp: message.occurrenceAt,
  };
  return within(payload, maxBytes);
}

function shortLink(url: string | null): string | null {
  return url !== null && url.length <= LONGEST_LINK ? url : null;
}

/** The longest beginning of the body with which all of it is small enough. */
function within(payload: PushPayload, maxBytes: number): Buffer {
  // A character takes one at least. What is behind so many isn't looked at: what fifty messages say may be megabytes, and that for each device.
  const most = Math.min(payload.body.length, maxBytes);
  if (sizeWith(payload, most) <= maxBytes) return Buffer.from(JSON.stringify(cut(payload, most)));
  const chars = mostThatFit(most, (count) => sizeWith(payload, count) <= maxBytes);
  return Buffer.from(JSON.stringify(cut(payload, chars)));
}

function sizeWith(payload: PushPayload, chars: number): number {
  return Buffer.byteLength(JSON.stringify(cut(payload, chars)));
}

function cut(payload: PushPayload, chars: number): PushPayload {
  return { ...payload, body: shorten(payload.body, chars) };
}
