/** Where a secret belongs. It opens in this place and in no other, so a copy in another row is of no use. */
export interface SecretPlace {
  tenantId: string;
  /** What uses it, such as `channel:email`. */
  kind: string;
  /** Which of its secrets, such as `smtp_password`. */
  name: string;
}

const FOR_ORIGIN = "origin:";

/** Where a secret belongs that goes to this origin (scheme, host and port) and to no other. */
export function placeForOrigin(tenantId: string, origin: string, name: string): SecretPlace {
  return { tenantId, kind: `${FOR_ORIGIN}${origin}`, name };
}

/** The origin that a secret goes to; null for one that is something else's. */
export function originOf({ kind }: Pick<SecretPlace, "kind">): string | null {
  return kind.startsWith(FOR_ORIGIN) ? kind.slice(FOR_ORIGIN.length) : null;
}

/** A data key, itself encrypted with a master key. */
export interface WrappedKey {
  /** Names the master key, and tells nothing about it. */
  keyId: string;
  wrappedKey: Buffer;
}

/** A secret as it is stored: encrypted with a data key of its own. */
export interface SealedSecret extends WrappedKey {
  ciphertext: Buffer;
}
