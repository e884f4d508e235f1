import { createHmac, timingSafeEqual } from "node:crypto";
import { type DeliveryKey, deliveryId, type MessageKey } from "../../core/reminder.ts";

/** The part before the `@` has room for so many characters (RFC 5321 §4.5.3.1.1); 44 of them tell the delivery. */
const MOST_CHARACTERS = 64;
const LONGEST_NAME = 20;
/** 80 bits in base 32: letters that survive where somebody changes their case. */
const MAC_BYTES = 10;
const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";
const DELIVERY = /^([0-9a-z]{1,11})-([0-9a-z]{1,10})-([0-9a-z]{1,3})-(?:([0-9a-f]{8})-)?([a-z2-7]{16})$/;

/** Fewer characters could be guessed. */
export const SHORTEST_BOUNCE_SECRET = 32;

export const BOUNCE_ADDRESS_RULE = `must have 1 to ${LONGEST_NAME} characters without a + before the @`;

/** True for an address that deliveries can be written into. */
export function isBounceAddress(address: string): boolean {
  const at = address.lastIndexOf("@");
  return at >= 1 && at <= LONGEST_NAME && !address.slice(0, at).includes("+");
}

/** What an address is for: what is signed for one is good for no other. */
type Use = "return path" | "reply to";

/**
 * Where mail comes back that couldn't be delivered (VERP): an address for each message, which nobody else can make up. With
 * the address `bounces@example.com` it is `bounces+<delivery>-<signature>@example.com`. Of a digest it has the letters as well
 * that its id has more than its first delivery's.
 */
export function returnPath(bounceAddress: string, message: MessageKey, secret: string): string {
  const { digestId } = message;
  const short = writtenInto(bounceAddress, "return path", message, "", secret);
  if (digestId === undefined) return short;
  const long = writtenInto(bounceAddress, "return path", message, digestId.slice(deliveryId(message).length), secret);
  // With a long name before the `@`, and numbers of many billions of reminders, there may be no room.
  return long.lastIndexOf("@") <= MOST_CHARACTERS ? long : short;
}

/** Where the reader's reply goes, made in the same way: whoever has it may answer for the reader. */
export function replyAddress(address: string, delivery: DeliveryKey, secret: string): string {
  return writtenInto(address, "reply to", delivery, "", secret);
}

function writtenInto(base: string, use: Use, delivery: DeliveryKey, more: string, secret: string): string {
  const at = base.lastIndexOf("@");
  const { reminderId, occurrenceAt, recipientNo } = delivery;
  const written = [reminderId, occurrenceAt, recipientNo].map((number) => number.toString(36)).join("-") + more;
  return `${base.slice(0, at)}+${written}-${macOf(use, written, secret)}${base.slice(at)}`;
}

/** The message that came back to this address; null where the address isn't one that we have made. */
export function readReturnPath(address: string, secret: string): MessageKey | null {
  return readWritten(address, "return path", secret);
}

/** The delivery that mail to this address replies to; null where the address isn't one that we have made for replies. */
export function readReplyAddress(address: string, secret: string): DeliveryKey | null {
  return readWritten(address, "reply to", secret);
}

function readWritten(address: string, use: Use, secret: string): MessageKey | null {
  const localPart = address.slice(0, address.lastIndexOf("@")).toLowerCase();
  const [, reminder, occurrence, recipient, digest, mac] =
    DELIVERY.exec(localPart.slice(localPart.indexOf("+") + 1)) ?? [];
  if (reminder === undefined || occurrence === undefined || recipient === undefined || mac === undefined) return null;
  const more = digest === undefined ? "" : `-${digest}`;
  const expected = macOf(use, `${reminder}-${occurrence}-${recipient}${more}`, secret);
  if (!timingSafeEqual(Buffer.from(mac), Buffer.from(expected))) return null;
  const [reminderId = 0, occurrenceAt = 0, recipientNo = 0] = [reminder, occurrence, recipient].map((digits) =>
    Number.parseInt(digits, 36),
  );
  const delivery = { reminderId, occurrenceAt, recipientNo };
  return digest === undefined ? delivery : { ...delivery, digestId: deliveryId(delivery) + more };
}

function macOf(use: Use, written: string, secret: string): string {
  const bytes = createHmac("sha256", secret).update(`${use} ${written}`).digest().subarray(0, MAC_BYTES);
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{5}/g) ?? []).map((five) => LETTERS[Number.parseInt(five, 2)]).join("");
}
