import { createHmac, timingSafeEqual } from "node:crypto";
import type { DeliveryKey } from "../../core/reminder.ts";

/** The part before the `@` has room for 64 characters (RFC 5321 §4.5.3.1.1); 44 of them tell the delivery. */
const LONGEST_NAME = 20;
/** 80 bits in base 32: letters that survive where somebody changes their case. */
const MAC_BYTES = 10;
const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";
const DELIVERY = /^([0-9a-z]{1,11})-([0-9a-z]{1,10})-([0-9a-z]{1,3})-([a-z2-7]{16})$/;

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
 * Where mail comes back that couldn't be delivered (VERP): an address for each delivery, which nobody else can make up. With
 * the address `bounces@example.com` it is `bounces+<delivery>-<signature>@example.com`.
 */
export function returnPath(bounceAddress: string, delivery: DeliveryKey, secret: string): string {
  return writtenInto(bounceAddress, "return path", delivery, secret);
}

/** Where the reader's reply goes, made in the same way: whoever has it may answer for the reader. */
export function replyAddress(address: string, delivery: DeliveryKey, secret: string): string {
  return writtenInto(address, "reply to", delivery, secret);
}

function writtenInto(base: string, use: Use, delivery: DeliveryKey, secret: string): string {
  const at = base.lastIndexOf("@");
  const { reminderId, occurrenceAt, recipientNo } = delivery;
  const written = [reminderId, occurrenceAt, recipientNo].map((number) => number.toString(36)).join("-");
  return `${base.slice(0, at)}+${written}-${macOf(use, written, secret)}${base.slice(at)}`;
}

/** The delivery that mail to this address came back for; null where the address isn't one that we have made. */
export function readReturnPath(address: string, secret: string): DeliveryKey | null {
  return readWritten(address, "return path", secret);
}

/** The delivery that mail to this address replies to; null where the address isn't one that we have made for replies. */
export function readReplyAddress(address: string, secret: string): DeliveryKey | null {
  return readWritten(address, "reply to", secret);
}

function readWritten(address: string, use: Use, secret: string): DeliveryKey | null {
  const localPart = address.slice(0, address.lastIndexOf("@")).toLowerCase();
  const [, reminder, occurrence, recipient, mac] = DELIVERY.exec(localPart.slice(localPart.indexOf("+") + 1)) ?? [];
  if (reminder === undefined || occurrence === undefined || recipient === undefined || mac === undefined) return null;
  const expected = macOf(use, `${reminder}-${occurrence}-${recipient}`, secret);
  if (!timingSafeEqual(Buffer.from(mac), Buffer.from(expected))) return null;
  const [reminderId = 0, occurrenceAt = 0, recipientNo = 0] = [reminder, occurrence, recipient].map((digits) =>
    Number.parseInt(digits, 36),
  );
  return { reminderId, occurrenceAt, recipientNo };
}

function macOf(use: Use, written: string, secret: string): string {
  const bytes = createHmac("sha256", secret).update(`${use} ${written}`).digest().subarray(0, MAC_BYTES);
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{5}/g) ?? []).map((five) => LETTERS[Number.parseInt(five, 2)]).join("");
}
