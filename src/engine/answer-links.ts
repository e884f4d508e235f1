import { randomBytes } from "node:crypto";
import type { MessageLinks } from "../channels/channel.ts";
import { PURPOSES } from "../core/answer.ts";
import { MS_PER_DAY } from "../core/schedule/calendar.ts";
import { type AnswerKey, signAnswer } from "../secrets/answer-token.ts";
import { makeFirstAnswerKey, readAnswerKeys } from "../store/answer-keys.ts";
import { isDatabaseAway, type Sql } from "../store/postgres.ts";
import type { Held } from "./held.ts";

export interface LinkSettings {
  /** Where people reach the API from outside, without a slash at the end. */
  publicUrl: string;
  /** How long a link may be used, counted from the occurrence. */
  days: number;
}

/** A key that takes no more part is used no longer than this. */
const FRESH_MS = 2_000;

/** Makes the links by which a message is answered. The same delivery gets the same ones, save where the key has changed. */
export class AnswerLinks {
  readonly #database: Sql;
  readonly #settings: LinkSettings;
  #key: { key: AnswerKey; readAtMs: number } | null = null;
  #reading: Promise<AnswerKey> | null = null;

  constructor(database: Sql, settings: LinkSettings) {
    this.#database = database;
    this.#settings = settings;
  }

  /** Null for what plain SQL has made due before 1970. */
  async of({ tenantId, reminderId, occurrenceAt, recipientNo }: Held): Promise<MessageLinks | null> {
    if (occurrenceAt < 0) return null;
    const { publicUrl, days } = this.#settings;
    const key = await this.#freshKey();
    const link = {
      tenant: tenantId,
      reminderId,
      occurrenceAt,
      recipientNo,
      expiresAt: occurrenceAt + days * MS_PER_DAY,
    };
    const made = PURPOSES.map((purpose) => [purpose, `${publicUrl}/a/${signAnswer({ ...link, purpose }, key)}`]);
    return Object.fromEntries(made) as MessageLinks;
  }

  async #freshKey(): Promise<AnswerKey> {
    const known = this.#key;
    if (known && performance.now() - known.readAtMs < FRESH_MS) return known.key;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    try {
      return await this.#reading;
    } catch (error) {
      // Keys change once in a while: what was good a moment ago most likely is still.
      if (known && isDatabaseAway(error)) return known.key;
      throw error;
    }
  }

  async #read(): Promise<AnswerKey> {
    const readAtMs = performance.now();
    let [key] = await readAnswerKeys(this.#database);
    if (!key) {
      await makeFirstAnswerKey(this.#database, randomBytes(32));
      [key] = await readAnswerKeys(this.#database);
    }
    if (!key) throw new Error("there is no key to sign links with");
    this.#key = { key, readAtMs };
    return key;
  }
}
