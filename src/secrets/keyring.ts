import { randomBytes } from "node:crypto";
import type { SealedSecret, SecretPlace, WrappedKey } from "../core/secret.ts";
import { decrypt, encrypt } from "./aes-gcm.ts";
import type { MasterKey } from "./master-key.ts";

const DATA_KEY_BYTES = 32;

/** There is no key to seal secrets with. The message says how to get one. */
export class NoKey extends Error {
  override name = "NoKey";

  constructor() {
    super(
      "there is no key to seal secrets with: run `reminder-engine secrets new-key`, and set SECRETS_KEY to what it " +
        "prints, or SECRETS_KEY_FILE to a file that holds it",
    );
  }
}

/** A secret that can't be opened. The message goes on from what it is: "... is sealed with a key that ...". */
export class CannotOpen extends Error {
  override name = "CannotOpen";
}

/**
 * The master keys of this process. It seals with the first, and opens with whichever was used. Each secret has a data key
 * of its own, which only is encrypted with a master key: changing that rewrites the data keys and no secret.
 */
export class Keyring {
  readonly #newest: MasterKey | null;
  readonly #byId: ReadonlyMap<string, MasterKey>;

  /** The newest key first; none at all is a keyring that can do nothing, and says so when it should. */
  constructor(keys: readonly MasterKey[]) {
    this.#newest = keys[0] ?? null;
    this.#byId = new Map(keys.map((key) => [key.id, key]));
  }

  /** The key that secrets are sealed with; null if there is none. */
  get newestId(): string | null {
    return this.#newest?.id ?? null;
  }

  has(keyId: string): boolean {
    return this.#byId.has(keyId);
  }

  /** Throws `NoKey`. */
  seal(place: SecretPlace, secret: string): SealedSecret {
    const dataKey = randomBytes(DATA_KEY_BYTES);
    try {
      const ciphertext = encrypt(dataKey, Buffer.from(secret, "utf8"), bind("secret", place));
      return { ...this.#wrap(place, dataKey), ciphertext };
    } finally {
      dataKey.fill(0);
    }
  }

  /** Throws `CannotOpen`. */
  open(place: SecretPlace, sealed: SealedSecret): string {
    const dataKey = this.#unwrap(place, sealed);
    try {
      const secret = decrypt(dataKey, sealed.ciphertext, bind("secret", place));
      if (secret === null) throw altered();
      return secret.toString("utf8");
    } finally {
      dataKey.fill(0);
    }
  }

  /** The same data key under the newest master key. Throws `CannotOpen` or `NoKey`. */
  rewrap(place: SecretPlace, wrapped: WrappedKey): WrappedKey {
    const dataKey = this.#unwrap(place, wrapped);
    try {
      return this.#wrap(place, dataKey);
    } finally {
      dataKey.fill(0);
    }
  }

  #wrap(place: SecretPlace, dataKey: Buffer): WrappedKey {
    if (this.#newest === null) throw new NoKey();
    const { id, key } = this.#newest;
    return { keyId: id, wrappedKey: encrypt(key, dataKey, bind("data key", place)) };
  }

  #unwrap(place: SecretPlace, { keyId, wrappedKey }: WrappedKey): Buffer {
    const master = this.#byId.get(keyId);
    if (master === undefined) {
      throw new CannotOpen(
        `is sealed with the key ${keyId}, which is in neither SECRETS_KEY nor SECRETS_KEY_FILE here`,
      );
    }
    const dataKey = decrypt(master.key, wrappedKey, bind("data key", place));
    if (dataKey === null) throw altered();
    return dataKey;
  }
}

/** What a box is bound to. As JSON, no two places look the same, whatever their names hold. */
function bind(what: "secret" | "data key", { tenantId, kind, name }: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify(["reminder-engine", what, tenantId, kind, name]), "utf8");
}

function altered(): CannotOpen {
  return new CannotOpen("does not open: it was altered, or was put here from another place");
}
