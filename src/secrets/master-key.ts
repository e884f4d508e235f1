import { createHmac, createSecretKey, type KeyObject, randomBytes } from "node:crypto";

/** A key that data keys are wrapped with. A `KeyObject` prints as nothing, wherever it ends up. */
export interface MasterKey {
  id: string;
  key: KeyObject;
}

/** A key that isn't one. The message completes "it must be ...", and quotes nothing of it. */
export class BadKey extends Error {
  override name = "BadKey";
}

const KEY_BYTES = 32;
/** 32 bytes are 43 base64 digits and a filler, in the usual alphabet or the one for URLs. */
const BASE64_KEY = /^[A-Za-z0-9+/_-]{43}=?$/;
const ID_LENGTH = 16;

/** A new key in base64, for SECRETS_KEY or a line of SECRETS_KEY_FILE. */
export function newMasterKey(): string {
  return randomBytes(KEY_BYTES).toString("base64");
}

/** Keys in base64, separated by commas, spaces or lines; lines may begin with # to be a comment. Throws `BadKey`. */
export function parseMasterKeys(text: string): MasterKey[] {
  const words = text
    .replace(/^\s*#.*$/gm, "")
    .split(/[\s,]+/)
    .filter((word) => word !== "");
  const keys = words.map(parseMasterKey);
  if (keys.length === 0) throw new BadKey("a key: `reminder-engine secrets new-key` makes one");
  return keys;
}

function parseMasterKey(word: string): MasterKey {
  const bytes = Buffer.from(word, "base64");
  if (!BASE64_KEY.test(word) || bytes.length !== KEY_BYTES) {
    throw new BadKey(`${KEY_BYTES} bytes in base64, as \`reminder-engine secrets new-key\` makes them`);
  }
  // A key that somebody typed, such as all zeros, has few different bytes; of 32 random ones, 16 or fewer never happens.
  if (new Set(bytes).size <= KEY_BYTES / 2) {
    throw new BadKey("random: take one that `reminder-engine secrets new-key` makes");
  }
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return { id: idOf(key), key };
}

/** Made from the key by a function that can't be turned back, so nobody has to give keys names. */
function idOf(key: KeyObject): string {
  return createHmac("sha256", key).update("reminder-engine: id of a master key").digest("hex").slice(0, ID_LENGTH);
}
