import { randomBytes } from "node:crypto";
import type { MessageButtons, MessageLinks } from "../channels/channel.ts";
import { type LinkPurpose, OWN_PURPOSES, PURPOSES } from "../core/answer.ts";
import { MS_PER_DAY } from "../core/schedule/calendar.ts";
import { type AnswerKey, type AnswerPlace, signAnswer } from "../secrets/answer-token.ts";
import { makeFirstAnswerKey, readAnswerKeys } from "../store/answer-keys.ts";
import { isDatabaseAway, type Sql } from "../store/postgres.ts";
import type { Held } from "./held.ts";

/** A key that takes no more part is used no longer than this. */
const FRESH_MS = 2_000;

/**
 * Makes the links by which a message is answered, and what its buttons stand for where it has some. The same delivery gets the same
 * ones, save where the key has changed.
 */
export class AnswerLinks {
  readonly #database: Sql;
  readonly #settings: { publicUrl: string | null; days: number };
  #key: { key: AnswerKey; readAtMs: number } | null = null;
  #reading: Promise<AnswerKey> | null = null;

  /** Without a `publicUrl` there are no links. */
  constructor(database: Sql, settings: { publicUrl: string | null; days: number }) {
    this.#database = database;
    this.#settings = settings;
  }

  /** Null where nobody has said where people reach the API, and for what plain SQL has made due before 1970. */
  async links(held: Held): Promise<MessageLinks | null> {
    const { publicUrl } = this.#settings;
    return publicUrl === null ? null : await this.#signed(held, PURPOSES, "link", (token) => `${publicUrl}/a/${token}`);
  }

  /** Where all is answered that goes as one message, of which this is the first. Null as above. */
  async ofDigest(first: Held): Promise<string | null> {
    const { publicUrl } = this.#settings;
    if (publicUrl === null) return null;
    return (await this.#signed(first, ["digest"], "link", (token) => `${publicUrl}/a/${token}`))?.digest ?? null;
  }

  /** The same as links for buttons, which need no address. */
  async buttons(held: Held): Promise<MessageButtons | null> {
    return await this.#signed(held, OWN_PURPOSES, "button", (token) => token);
  }

  async #signed<Wanted extends LinkPurpose>(
    { tenantId, reminderId, occurrenceAt, recipientNo }: Held,
    purposes: readonly Wanted[],
    place: AnswerPlace,
    written: (token: string) => string,
  ): Promise<Record<Wanted, string> | null> {
    if (occurrenceAt < 0) return null;
    const key = await this.#freshKey();
    const link = {
      tenant: tenantId,
      reminderId,
      occurrenceAt,
      recipientNo,
      expiresAt: occurrenceAt + this.#settings.days * MS_PER_DAY,
    };
    const made = purposes.map((purpose) => [purpose, written(signAnswer({ ...link, purpose }, key, place))]);
    return Object.fromEntries(made) as Record<Wanted, string>;
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
