import { createHmac, timingSafeEqual } from "node:crypto";
import { LINK_PURPOSES, type LinkPurpose } from "../core/answer.ts";
import type { Instant } from "../core/instant.ts";
import type { DeliveryKey } from "../core/reminder.ts";
import { isTenantName, type Tenant } from "../core/tenant.ts";

/** What the link in a message stands for: who may answer it, to what, and until when. The recipient's number names the person. */
export interface AnswerLink<Purpose extends LinkPurpose = LinkPurpose> extends DeliveryKey {
  tenant: Tenant;
  purpose: Purpose;
  /** To the hour, counted from the occurrence; where its message left later, the link is good for as much longer. */
  expiresAt: Instant;
}

/** A key that links are signed with, by a number of its own. */
export interface AnswerKey {
  id: number;
  secret: Buffer;
}

/** Where it stands: in the address of a page, or in a button within the message. What is good as the one isn't as the other. */
export type AnswerPlace = "link" | "button";

/** Longest text of a link's token, in characters: with `/a/` before it, a path of less than 120. */
export const LONGEST_TOKEN = 116;

const VERSION = 1;
const MAC_BYTES = 16;
const MS_PER_HOUR = 3_600_000;
/** What else is signed with such a key must never look the same. */
const CONTEXTS: Readonly<Record<AnswerPlace, string>> = {
  link: "reminder-engine answer link\n",
  button: "reminder-engine answer button\n",
};
const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-";
const BASE = BigInt(LETTERS.length + 1);

/** The token of a link: the same link and key always give the same text, of letters that may stand in a path. */
export function signAnswer(link: AnswerLink, key: AnswerKey, place: AnswerPlace = "link"): string {
  const { reminderId, occurrenceAt, recipientNo, tenant, purpose, expiresAt } = link;
  const bytes = [
    ...[VERSION * 16 + LINK_PURPOSES.indexOf(purpose), key.id],
    ...[reminderId, occurrenceAt, recipientNo].flatMap(varint),
    ...varint(Math.ceil((expiresAt - occurrenceAt) / MS_PER_HOUR)),
    ...packed(tenant),
  ];
  const body = Buffer.from(bytes);
  return Buffer.concat([body, macOf(body, key, place)]).toString("base64url");
}

/**
 * What a token says, if one of these keys has signed it; null for anything else, forged or cut off alike. Whether it has expired is
 * for the caller to see.
 */
export function verifyAnswer(
  token: string,
  keyOf: (id: number) => AnswerKey | null,
  place: AnswerPlace = "link",
): AnswerLink | null {
  if (token.length > LONGEST_TOKEN || !/^[\w-]+$/.test(token)) return null;
  const bytes = Buffer.from(token, "base64url");
  // More than one text may stand for the same bytes; one link has one text (and what lost its last character is looked for by whoever opens it).
  if (bytes.toString("base64url") !== token || bytes.length <= MAC_BYTES + 2) return null;
  const body = bytes.subarray(0, -MAC_BYTES);
  const key = keyOf(body[1] ?? 0);
  // Without the key, as much is worked out: nobody learns from the time it takes which keys there are.
  const mac = macOf(body, key ?? NO_KEY, place);
  const isSigned = timingSafeEqual(mac, bytes.subarray(-MAC_BYTES));
  return isSigned && key ? read(body) : null;
}

/** The number of the key that has signed it, if it is a token. */
export function keyNumberOf(token: string): number | null {
  return Buffer.from(token.slice(0, 4), "base64url")[1] ?? null;
}

const NO_KEY: AnswerKey = { id: -1, secret: Buffer.alloc(32) };

function macOf(body: Buffer, { secret }: AnswerKey, place: AnswerPlace): Buffer {
  return createHmac("sha256", secret).update(CONTEXTS[place]).update(body).digest().subarray(0, MAC_BYTES);
}

function read(body: Buffer): AnswerLink | null {
  const purpose = LINK_PURPOSES[(body[0] ?? 0) % 16];
  if (purpose === undefined || (body[0] ?? 0) >> 4 !== VERSION) return null;
  const numbers: number[] = [];
  let at = 2;
  while (numbers.length < 4) {
    const [value, next] = readVarint(body, at);
    if (value === null) return null;
    numbers.push(value);
    at = next;
  }
  const [reminderId = 0, occurrenceAt = 0, recipientNo = 0, hours = 0] = numbers;
  const tenant = unpacked(body.subarray(at));
  if (!isTenantName(tenant)) return null;
  return { tenant, purpose, reminderId, occurrenceAt, recipientNo, expiresAt: occurrenceAt + hours * MS_PER_HOUR };
}

/** A whole number from 0 to 2^53 - 1, seven bits a byte, the lowest first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

function readVarint(bytes: Buffer, from: number): [value: number | null, next: number] {
  let [value, scale] = [0, 1];
  for (let at = from; at < Math.min(bytes.length, from + 8); at += 1) {
    const byte = bytes[at] as number;
    value += (byte % 128) * scale;
    scale *= 128;
    if (byte < 128) return [Number.isSafeInteger(value) ? value : null, at + 1];
  }
  return [null, bytes.length];
}

/** A tenant's name as a number: 63 letters take 42 bytes. */
function packed(tenant: Tenant): number[] {
  let number = 0n;
  for (const letter of tenant) number = number * BASE + BigInt(LETTERS.indexOf(letter) + 1);
  const hex = number.toString(16);
  return [...Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex")];
}

function unpacked(bytes: Buffer): string {
  let name = "";
  for (let number = BigInt(`0x${bytes.toString("hex") || "0"}`); number > 0n; number /= BASE) {
    name = (LETTERS[Number(number % BASE) - 1] ?? "?") + name;
  }
  return name;
}
