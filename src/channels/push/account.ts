import { createECDH } from "node:crypto";
import { z } from "zod";
import { BrokenSettings } from "../own-settings.ts";

/** How we identify ourselves to push services (VAPID, RFC 8292). Keys are base64url. */
export interface PushAccount {
  /** What browsers subscribe with: an uncompressed point of P-256. */
  publicKey: string;
  privateKey: string;
  /** Where push services reach whoever runs this. */
  subject: string;
}

/** The name of the stored secret. */
export const PRIVATE_KEY = "private_key";
export const PUSH_WORDS = {
  privateKey: "the base64url of 32 bytes, as `reminder-engine channels new-push-key` prints it",
  subject: "an address like mailto:ops@example.com, or a URL that begins with https://",
};

const LONGEST_SUBJECT = 200;

export function isPushSubject(text: string): boolean {
  if (text.length > LONGEST_SUBJECT || /[\s\p{Cc}]/u.test(text) || !URL.canParse(text)) return false;
  const { protocol, pathname, hostname } = new URL(text);
  if (protocol === "mailto:") return /^[^@]+@[^@]+$/.test(pathname);
  // Apple's push service turns away whoever names a machine of their own.
  return protocol === "https:" && hostname !== "localhost";
}

/** The public key that belongs to a private one; null for what is none. */
export function publicKeyOf(privateKey: string): string | null {
  if (!/^[\w-]{43}$/.test(privateKey)) return null;
  const bytes = Buffer.from(privateKey, "base64url");
  if (bytes.toString("base64url") !== privateKey) return null;
  try {
    const curve = createECDH("prime256v1");
    curve.setPrivateKey(bytes);
    return curve.getPublicKey().toString("base64url");
  } catch {
    return null;
  }
}

export function isPrivateKey(text: string): boolean {
  return publicKeyOf(text) !== null;
}

export function newPrivateKey(): string {
  const curve = createECDH("prime256v1");
  curve.generateKeys();
  // Leading zeros belong to it.
  return Buffer.from(curve.getPrivateKey("hex").padStart(64, "0"), "hex").toString("base64url");
}

/** What is stored in the open. */
export const StoredPush = z.strictObject({
  public_key: z.string("must be text").max(100),
  subject: z.string("must be text").refine(isPushSubject, `must be ${PUSH_WORDS.subject}`),
});
export type StoredPush = z.output<typeof StoredPush>;

/** Null where one of the two isn't right. */
export function readPushAccount(privateKey: string, subject: string): PushAccount | null {
  const publicKey = publicKeyOf(privateKey);
  return publicKey !== null && isPushSubject(subject) ? { publicKey, privateKey, subject } : null;
}

/** What stored settings and opened secrets make. Throws `BrokenSettings`: they may have been written by hand. */
export function toPushAccount(settings: unknown, secrets: ReadonlyMap<string, string>): PushAccount {
  const { data } = StoredPush.safeParse(settings);
  const account = data ? readPushAccount(secrets.get(PRIVATE_KEY) ?? "", data.subject) : null;
  if (account === null || account.publicKey !== data?.public_key) {
    throw new BrokenSettings("can't be used: set them again by `reminder-engine channels set push`");
  }
  return account;
}
