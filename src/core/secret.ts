/** Where a secret belongs. It opens in this place and in no other, so a copy in another row is of no use. */
export interface SecretPlace {
  tenantId: string;
  /** What uses it, such as `channel:email`. */
  kind: string;
  /** Which of its secrets, such as `smtp_password`. */
  name: string;
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
