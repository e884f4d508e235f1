import { NotYet } from "../channels/channel.ts";
import type { SealedSecret } from "../core/secret.ts";
import { CannotOpen, type Keyring } from "../secrets/keyring.ts";
import { Batcher } from "../store/batcher.ts";
import { type ChannelSettings, readChannelSettings, secretKind } from "../store/channel-settings.ts";
import type { Sql } from "../store/postgres.ts";
import { beforeSending } from "./before-sending.ts";

export interface TenantSettingsOptions<T> {
  database: Sql;
  keyring: Keyring;
  channel: string;
  /** What the channel works with, made of its settings and its opened secrets. May throw: that tenant's alone. */
  make(settings: unknown, secrets: ReadonlyMap<string, string>): T;
  /** The error for a secret that can't be opened; the sentence goes on from what it is. */
  cannotOpen(sentence: string): Error;
  /** How old what is known may be before it is asked for again, in milliseconds. */
  freshMs?: number;
}

/** A change takes effect within 5 s; this leaves time to ask. */
const FRESH_MS = 2_000;
/** What hasn't been asked for in this time is forgotten. */
const FORGET_MS = 60_000;
const LARGEST_READ = 1_000;

interface Known<T> {
  readAtMs: number;
  /** What it was made of. */
  source: string;
  result: { value: T | null } | { error: Error };
}

/**
 * What each tenant has set for a channel, with the secrets opened. Kept in memory for a moment; the database is asked only
 * while there is something to send, once for all tenants that are asked for at the same time. Nothing has to listen, so it
 * works behind any pooler. As long as nothing has changed, a tenant's settings are one and the same object.
 */
export class TenantSettings<T> {
  readonly #options: TenantSettingsOptions<T>;
  readonly #freshMs: number;
  readonly #known = new Map<string, Known<T>>();
  readonly #reader: Batcher<string, Known<T>>;
  #prunedAtMs = 0;

  constructor(options: TenantSettingsOptions<T>) {
    this.#options = options;
    this.#freshMs = options.freshMs ?? FRESH_MS;
    this.#reader = new Batcher((tenantIds) => this.#read(tenantIds), LARGEST_READ);
  }

  /** Null where the tenant has set nothing. Throws what `make` and `cannotOpen` say, and `NotYet` while the database is away. */
  async of(tenantId: string): Promise<T | null> {
    const { result } = await this.#fresh(tenantId);
    if ("error" in result) throw result.error;
    return result.value;
  }

  async #fresh(tenantId: string): Promise<Known<T>> {
    const known = this.#known.get(tenantId);
    if (known && performance.now() - known.readAtMs < this.#freshMs) return known;
    try {
      return await beforeSending(() => this.#reader.add(tenantId));
    } catch (error) {
      // Without the database no message leaves anyway: what is known is good enough to get to that question.
      if (known && error instanceof NotYet) return known;
      throw error;
    }
  }

  async #read(tenantIds: string[]): Promise<Known<T>[]> {
    const { database, channel } = this.#options;
    const readAtMs = performance.now();
    const found = await readChannelSettings(database, channel, [...new Set(tenantIds)]);
    this.#prune(readAtMs);
    return tenantIds.map((tenantId) => this.#learn(tenantId, found.get(tenantId) ?? null, readAtMs));
  }

  #learn(tenantId: string, settings: ChannelSettings | null, readAtMs: number): Known<T> {
    const source = settings === null ? "" : sourceOf(settings);
    const before = this.#known.get(tenantId);
    const isSame = before?.source === source && "value" in before.result;
    const result = isSame ? before.result : settings === null ? { value: null } : this.#make(settings);
    const known = { readAtMs, source, result };
    this.#known.set(tenantId, known);
    return known;
  }

  #make(settings: ChannelSettings): Known<T>["result"] {
    try {
      const secrets = [...settings.secrets].map(
        ([name, sealed]) => [name, this.#open(settings, name, sealed)] as const,
      );
      return { value: this.#options.make(settings.settings, new Map(secrets)) };
    } catch (error) {
      return { error: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  #open({ tenantId, channel }: ChannelSettings, name: string, sealed: SealedSecret): string {
    try {
      return this.#options.keyring.open({ tenantId, kind: secretKind(channel), name }, sealed);
    } catch (error) {
      if (error instanceof CannotOpen) throw this.#options.cannotOpen(`can't be used: its ${name} ${error.message}`);
      throw error;
    }
  }

  #prune(nowMs: number): void {
    if (nowMs - this.#prunedAtMs < FORGET_MS) return;
    this.#prunedAtMs = nowMs;
    for (const [tenantId, { readAtMs }] of this.#known) {
      if (nowMs - readAtMs > FORGET_MS) this.#known.delete(tenantId);
    }
  }
}

/** Tells whether anything has changed: a secret that was only re-wrapped with another master key is the same. */
function sourceOf({ settings, secrets }: ChannelSettings): string {
  const ciphertexts = [...secrets].map(([name, { ciphertext }]) => [name, ciphertext.toString("base64")]).sort();
  return JSON.stringify([settings, ciphertexts]);
}
