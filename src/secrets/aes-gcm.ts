import { type CipherKey, createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

// AES-256-GCM as NIST SP 800-38D has it: a random nonce of 96 bits (§8.2.2) and a whole tag of 128 bits. One key may do
// 2^32 of these; a data key does one, and a master key one for each secret that is ever stored or re-wrapped.
const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The format of what follows, so that there can be another one some day. */
const FORMAT = 1;
const HEAD_BYTES = 1 + NONCE_BYTES;

/** Format, nonce, ciphertext and tag in one. What it is `bound` to isn't in it, and must be the same to decrypt it. */
export function encrypt(key: CipherKey, plain: Buffer, bound: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES }).setAAD(bound);
  return Buffer.concat([Buffer.of(FORMAT), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Null when it isn't what `encrypt` made with this key and this `bound`. */
export function decrypt(key: CipherKey, box: Buffer, bound: Buffer): Buffer | null {
  if (box.length < HEAD_BYTES + TAG_BYTES || box[0] !== FORMAT) return null;
  const nonce = box.subarray(1, HEAD_BYTES);
  const tag = box.subarray(box.length - TAG_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES }).setAAD(bound).setAuthTag(tag);
  const plain = decipher.update(box.subarray(HEAD_BYTES, box.length - TAG_BYTES));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    plain.fill(0);
    return null;
  }
}
