import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { buffer } from "node:stream/consumers";
import DKIM from "nodemailer/lib/dkim";

/** What an account's messages are signed with (RFC 6376). */
export interface Dkim {
  /** The `d=` of the signature: the domain of the From address, or one above it. */
  domain: string;
  /** The `s=`: names the key in the domain's DNS. */
  selector: string;
  key: KeyObject;
}

/** The name of a tenant's private key among its secrets. */
export const DKIM_KEY = "dkim_private_key";

/** Verifiers ignore shorter keys (RFC 8301 §3.2); one that is much longer takes long to sign with, and fits into no DNS answer. */
const [FEWEST_BITS, MOST_BITS] = [1_024, 4_096];
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** Something in it isn't right; the message says what would be, as in "must be ...", and shows nothing of the key. */
export class BadDkim extends Error {
  override name = "BadDkim";
}

/** `domain` null: that of the From address. Throws `BadDkim`. */
export function readDkim(
  from: string,
  { domain, selector, pem }: { domain: string | null; selector: string; pem: string },
): Dkim {
  const ofFrom = from.slice(from.lastIndexOf("@") + 1).toLowerCase();
  const signing = (domain ?? ofFrom).toLowerCase();
  if (!LABEL.test(selector) || selector.length > 63) {
    throw new BadDkim("needs a selector of letters, digits and hyphens, like s1");
  }
  if (ofFrom !== signing && !ofFrom.endsWith(`.${signing}`)) {
    throw new BadDkim(`needs the domain of the From address (${ofFrom}), or one above it: else DMARC takes no notice`);
  }
  return { domain: signing, selector, key: readKey(pem) };
}

function readKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    if (key.asymmetricKeyType === "rsa" && bits >= FEWEST_BITS && bits <= MOST_BITS) return key;
  } catch {
    // What OpenSSL says of it may show some of it.
  }
  throw new BadDkim(
    `needs an RSA private key of ${FEWEST_BITS} to ${MOST_BITS} bits in PEM, as \`openssl genrsa 2048\` makes it`,
  );
}

/** The message with its signature in front. It covers the unsubscribe headers too, as RFC 8058 §4 wants it. */
export async function signed(content: Buffer, { domain, selector, key }: Dkim): Promise<Buffer> {
  const signer = new DKIM({ domainName: domain, keySelector: selector, privateKey: key });
  return await buffer(signer.sign(content));
}

/** What has to be in the domain's DNS: the name of a TXT record, and what it says. */
export function dnsRecord({ domain, selector, key }: Dkim): { name: string; text: string } {
  const publicKey = createPublicKey(key).export({ type: "spki", format: "der" }).toString("base64");
  return { name: `${selector}._domainkey.${domain}`, text: `v=DKIM1; k=rsa; p=${publicKey}` };
}
