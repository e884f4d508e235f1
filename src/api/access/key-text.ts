import { createHash, randomInt, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

// A key's text is `rmd_<id>_<secret><checksum>`, all letters and digits, so that a double click takes it whole. The prefix
// tells people and scanners what they have found; the checksum tells them, without asking anybody, whether it is one.

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
export const KEY_PREFIX = "rmd_";
const ID_LENGTH = 12;
/** 43 of 62 letters each: 256 bits. */
const SECRET_LENGTH = 43;
/** Enough for 32 bits. */
const CHECKSUM_LENGTH = 6;

const SHAPE = new RegExp(
  `^(${KEY_PREFIX}([0-9A-Za-z]{${ID_LENGTH}})_[0-9A-Za-z]{${SECRET_LENGTH}})([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`,
);

export interface NewKey {
  id: string;
  /** The whole key, to be shown once. */
  text: string;
  /** What is kept of it. */
  hash: Buffer;
}

/** A key that nobody can guess. */
export function newKey(): NewKey {
  const id = randomText(ID_LENGTH);
  const body = `${KEY_PREFIX}${id}_${randomText(SECRET_LENGTH)}`;
  const text = body + checksum(body);
  return { id, text, hash: hashOf(text) };
}

/** The id of a key's text; null if it can't be one of ours, because a letter is wrong or missing for instance. */
export function idOf(text: string): string | null {
  const [, body = "", id, check] = SHAPE.exec(text) ?? [];
  return id !== undefined && check === checksum(body) ? id : null;
}

/** Whether `hash` is that of this key. Takes as long for one that is nearly right as for any other. */
export function isKeyOf(hash: Buffer, text: string): boolean {
  const other = hashOf(text);
  return hash.length === other.length && timingSafeEqual(hash, other);
}

// A key is random as a whole, so there is nothing to guess that a slow hash would protect.
function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function randomText(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
}

function checksum(body: string): string {
  let rest = crc32(body);
  let digits = "";
  for (let n = 0; n < CHECKSUM_LENGTH; n += 1) {
    digits = (ALPHABET[rest % ALPHABET.length] ?? "") + digits;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return digits;
}
