import { createHmac, hash } from "node:crypto";

// Signatures as Standard Webhooks has them (https://www.standardwebhooks.com, version 1): HMAC-SHA256 over id, time and body.

const SECRET_PREFIX = "whsec_";
const [MIN_SECRET_BYTES, MAX_SECRET_BYTES] = [24, 64];
const FINGERPRINT_LENGTH = 12;

/** What is signed beside the body: the headers `webhook-id` and `webhook-timestamp` as they are sent. */
export interface SignedHead {
  id: string;
  /** Whole seconds since 1970. */
  timestamp: string;
}

/** The signature of a message with one secret, which has to be one: see `secretFlaw`. */
export function signatureOf(secret: string, { id, timestamp }: SignedHead, body: Buffer): Buffer {
  return createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.`).update(body).digest();
}

/** The headers of a message that is signed with each of these secrets: with more than one while one replaces another. */
export function signedHeaders(secrets: readonly string[], head: SignedHead, body: Buffer): Record<string, string> {
  const signatures = secrets.map((secret) => `v1,${signatureOf(secret, head, body).toString("base64")}`);
  return {
    "webhook-id": head.id,
    "webhook-timestamp": head.timestamp,
    "webhook-signature": signatures.join(" "),
  };
}

/** Why a text is no secret; null when it is one. The message goes on from what it is, and shows nothing of it. */
export function secretFlaw(secret: string): string | null {
  const bytes = keyOf(secret);
  const isWhole = secret.startsWith(SECRET_PREFIX) && bytes.toString("base64") === bareSecret(secret);
  if (isWhole && bytes.length >= MIN_SECRET_BYTES && bytes.length <= MAX_SECRET_BYTES) return null;
  return `must be ${SECRET_PREFIX} and the base64 of ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} random bytes`;
}

/** Tells secrets apart without telling them: a part of a hash of at least 192 random bits. */
export function fingerprintOf(secret: string): string {
  return hash("sha256", keyOf(secret), "hex").slice(0, FINGERPRINT_LENGTH);
}

/** What is secret of it: the base64 behind the prefix. */
export function bareSecret(secret: string): string {
  return secret.slice(SECRET_PREFIX.length);
}

function keyOf(secret: string): Buffer {
  return Buffer.from(bareSecret(secret), "base64");
}
