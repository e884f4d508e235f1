import { createHmac, hash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Instant } from "../../core/reminder.ts";

// Signatures as Standard Webhooks has them (https://www.standardwebhooks.com, version 1): HMAC-SHA256 over id, time and body.

/** How far the sender's clock may be from the database's; an older message may be a recording. */
export const TOLERANCE_MS = 5 * 60_000;
const MAX_ID_LENGTH = 255;
/** A sender that rotates signs with two. */
const MOST_SIGNATURES = 20;
const SIGNATURE_BYTES = 32;
const SECRET_PREFIX = "whsec_";
const [MIN_SECRET_BYTES, MAX_SECRET_BYTES] = [24, 64];
const FINGERPRINT_LENGTH = 12;

/** What the headers of a signed message say. */
export interface Signed {
  id: string;
  /** As it was sent, which is what was signed. */
  timestamp: string;
  signatures: Buffer[];
}

/** What the headers say, or the sentence that says what is wrong with them. */
export function readSignature(headers: IncomingHttpHeaders): Signed | string {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  const signature = headers["webhook-signature"];
  if (typeof id !== "string" || typeof timestamp !== "string" || typeof signature !== "string") {
    return "sign the event as Standard Webhooks has it: with the headers webhook-id, webhook-timestamp and webhook-signature";
  }
  if (!/^[\x21-\x7e]+$/.test(id) || id.length > MAX_ID_LENGTH) {
    return `webhook-id must be 1 to ${MAX_ID_LENGTH} printable ASCII characters`;
  }
  if (!/^\d{1,12}$/.test(timestamp)) return "webhook-timestamp must be whole seconds since 1970";
  const signatures = signature
    .split(" ", MOST_SIGNATURES)
    .filter((part) => part.startsWith("v1,"))
    .map((part) => Buffer.from(part.slice("v1,".length), "base64"))
    .filter(({ length }) => length === SIGNATURE_BYTES);
  if (signatures.length === 0)
    return "webhook-signature must have a signature of the kind v1: `v1,` and base64 of 32 bytes";
  return { id, timestamp, signatures };
}

/** Whether a message was sent at about `now`. */
export function isTimely({ timestamp }: Signed, now: Instant): boolean {
  return Math.abs(now - Number(timestamp) * 1_000) <= TOLERANCE_MS;
}

/** Whether one of the signatures was made with this secret. Takes as long whether it was or not. */
export function isSignedWith(secret: string, { id, timestamp, signatures }: Signed, body: Buffer): boolean {
  const expected = createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.`).update(body).digest();
  return signatures.map((signature) => timingSafeEqual(signature, expected)).includes(true);
}

/** Why a text is no secret; null when it is one. The message goes on from what it is, and shows nothing of it. */
export function secretFlaw(secret: string): string | null {
  const bytes = keyOf(secret);
  const isWhole = secret.startsWith(SECRET_PREFIX) && bytes.toString("base64") === secret.slice(SECRET_PREFIX.length);
  if (isWhole && bytes.length >= MIN_SECRET_BYTES && bytes.length <= MAX_SECRET_BYTES) return null;
  return `must be ${SECRET_PREFIX} and the base64 of ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} random bytes, as the sender shows it`;
}

/** Tells secrets apart without telling them: a part of a hash of at least 192 random bits. */
export function fingerprintOf(secret: string): string {
  return hash("sha256", keyOf(secret), "hex").slice(0, FINGERPRINT_LENGTH);
}

function keyOf(secret: string): Buffer {
  return Buffer.from(secret.slice(SECRET_PREFIX.length), "base64");
}
