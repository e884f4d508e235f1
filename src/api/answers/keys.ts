import { type AnswerKey, keyNumberOf } from "../../secrets/answer-token.ts";
import { readAnswerKeys } from "../../store/answer-keys.ts";
import type { Sql } from "../../store/postgres.ts";

/** Reads the token of a link of some kind; null where none of these keys has signed it. */
export type ReadLink<Link> = (token: string, keyOf: (id: number) => AnswerKey | null) => Link | null;

/** A key that was ended is good no longer than this. */
const FRESH_MS = 1_000;

/** Knows by which keys links are signed. Asks the database once for all that want to know at the same time. */
export class AnswerKeys {
  readonly #database: Sql;
  #keys: ReadonlyMap<number, AnswerKey> = new Map();
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | null = null;

  constructor(database: Sql) {
    this.#database = database;
  }

  /** What a token says, as `read` has it; null where none of our keys has signed it. */
  async verify<Link>(token: string, read: ReadLink<Link>): Promise<Link | null> {
    if (performance.now() - this.#readAtMs >= FRESH_MS) await this.#read();
    // A worker may just have made it.
    else if (!this.#keys.has(keyNumberOf(token) ?? Number.NaN)) await this.#read();
    return read(token, (id) => this.#keys.get(id) ?? null);
  }

  async #read(): Promise<void> {
    this.#reading ??= this.#ask().finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  async #ask(): Promise<void> {
    const readAtMs = performance.now();
    const keys = await readAnswerKeys(this.#database);
    this.#keys = new Map(keys.map((key) => [key.id, key]));
    this.#readAtMs = readAtMs;
  }
}
