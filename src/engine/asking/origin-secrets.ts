import { CannotAsk } from "../../conditions/condition.ts";
import { placeForOrigin, type SealedSecret, type SecretPlace } from "../../core/secret.ts";
import { CannotOpen, type Keyring } from "../../secrets/keyring.ts";
import { Batcher } from "../../store/batcher.ts";
import { isDatabaseAway, type Sql } from "../../store/postgres.ts";
import { readSecrets } from "../../store/secrets.ts";
import { NotNow } from "./not-now.ts";

/** A change takes effect within 5 s; this leaves time to ask. */
const FRESH_MS = 2_000;
const ASK_AGAIN_MS = 1_000;
const LARGEST_READ = 1_000;
/** Beyond this, what isn't fresh any more is forgotten. */
const MOST_KEPT = 1_000;

interface Known {
  readAtMs: number;
  sealed: SealedSecret | null;
}

/**
 * Tenants' secrets for requests to URLs, each for one origin. Kept sealed in memory for a moment, and opened for each request:
 * what isn't in use isn't in the clear.
 */
export class OriginSecrets {
  readonly #keyring: Keyring;
  readonly #known = new Map<string, Known>();
  readonly #reader: Batcher<SecretPlace, SealedSecret | null>;

  constructor(database: Sql, keyring: Keyring) {
    this.#keyring = keyring;
    this.#reader = new Batcher((places) => readSecrets(database, places), LARGEST_READ);
  }

  /** Throws `CannotAsk` where there is none, or it can't be opened, and `NotNow` while the database is away. */
  async of(tenantId: string, name: string, origin: string): Promise<string> {
    const place = placeForOrigin(tenantId, origin, name);
    const sealed = await this.#fresh(place);
    if (sealed === null) throw new CannotAsk(`there is no secret ${name} for ${origin}`);
    try {
      return this.#keyring.open(place, sealed);
    } catch (error) {
      if (error instanceof CannotOpen) throw new CannotAsk(`the secret ${name} for ${origin} ${error.message}`);
      throw error;
    }
  }

  async #fresh(place: SecretPlace): Promise<SealedSecret | null> {
    const key = JSON.stringify(place);
    const known = this.#known.get(key);
    const nowMs = performance.now();
    if (known && nowMs - known.readAtMs < FRESH_MS) return known.sealed;
    try {
      const sealed = await this.#reader.add(place);
      this.#forgetOld(nowMs);
      this.#known.set(key, { readAtMs: nowMs, sealed });
      return sealed;
    } catch (error) {
      if (isDatabaseAway(error)) throw new NotNow(`the secret ${place.name} can't be read at the moment`, ASK_AGAIN_MS);
      throw error;
    }
  }

  #forgetOld(nowMs: number): void {
    if (this.#known.size < MOST_KEPT) return;
    for (const [key, { readAtMs }] of this.#known) if (nowMs - readAtMs >= FRESH_MS) this.#known.delete(key);
  }
}
