import { timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Instant } from "../../core/instant.ts";
import { type SignedHead, signatureOf } from "../../outgoing/standard-webhooks.ts";

/** How far the sender's clock may be from the database's; an older message may be a recording. */
export const TOLERANCE_MS = 5 * 60_000;
const MAX_ID_LENGTH = 255;
/** A sender that rotates signs with two. */
const MOST_SIGNATURES = 20;
const SIGNATURE_BYTES = 32;

/** What the headers of a signed message say. */
export interface Signed extends SignedHead {
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
export function isSignedWith(secret: string, signed: Signed, body: Buffer): boolean {
  const expected = signatureOf(secret, signed, body);
  return signed.signatures.map((signature) => timingSafeEqual(signature, expected)).includes(true);
}
