import type { FastifyBaseLogger } from "fastify";
import { type FoundKey, findKey, hasKeys, noteKeysUsed } from "../../store/keys.ts";
import type { Sql } from "../../store/postgres.ts";
import { isKeyOf } from "./key-text.ts";
import { Memory } from "./memory.ts";
import { remembered } from "./remembered.ts";

/** How long an answer of the database counts. A key that is revoked opens nothing any more after this: the promise is 5 s. */
const FRESH_MS = 2_000;
/** How often it is written down which keys were used. */
const NOTE_EVERY_MS = 10_000;
const MOST_KEYS = 10_000;

export type Shown = { known: false } | { known: true; key: FoundKey };

/** The keys that were shown lately, asked of the database again every two seconds: no notification has to arrive. */
export class KeyRing {
  /** Whether there are any keys at all. */
  readonly hasKeys: () => boolean | Promise<boolean>;
  readonly #sql: Sql;
  readonly #keys = new Memory<{ key: FoundKey; askedAtMs: number }>(MOST_KEYS);
  readonly #asking = new Map<string, Promise<FoundKey | null>>();
  readonly #used = new Set<string>();
  readonly #noting: NodeJS.Timeout;

  constructor(sql: Sql, log: FastifyBaseLogger) {
    this.#sql = sql;
    this.hasKeys = remembered(() => hasKeys(sql), FRESH_MS);
    this.#noting = setInterval(() => {
      this.noteUse().catch((error: unknown) => {
        log.warn({ because: (error as Error).message }, "when keys were used last could not be written down");
      });
    }, NOTE_EVERY_MS).unref();
  }

  /** The key of this text. One that only has the id of a key is as unknown as any other. */
  async show(id: string, text: string): Promise<Shown> {
    const key = await this.#find(id);
    if (key === null || !isKeyOf(key.hash, text)) return { known: false };
    if (key.state === "valid") this.#used.add(id);
    return { known: true, key };
  }

  /** True for a key that was lately found to be good, without asking anybody. */
  remembers(id: string, text: string): boolean {
    const key = this.#keys.get(id)?.key;
    return key?.state === "valid" && isKeyOf(key.hash, text);
  }

  /** Writes down which keys were used since the last time. */
  async noteUse(): Promise<void> {
    const ids = [...this.#used];
    if (ids.length === 0) return;
    this.#used.clear();
    await noteKeysUsed(this.#sql, ids);
  }

  async close(): Promise<void> {
    clearInterval(this.#noting);
    await this.noteUse().catch(() => {});
  }

  async #find(id: string): Promise<FoundKey | null> {
    const known = this.#keys.get(id);
    if (known && performance.now() - known.askedAtMs < FRESH_MS) return known.key;
    const asking = this.#asking.get(id) ?? this.#ask(id);
    this.#asking.set(id, asking);
    return asking;
  }

  async #ask(id: string): Promise<FoundKey | null> {
    const askedAtMs = performance.now();
    try {
      const key = await findKey(this.#sql, id);
      // Ids that nobody has are not kept: there are too many of them.
      if (key) this.#keys.set(id, { key, askedAtMs });
      else this.#keys.delete(id);
      return key;
    } finally {
      this.#asking.delete(id);
    }
  }
}
