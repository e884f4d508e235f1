import { Batcher } from "../store/batcher.ts";
import { isDatabaseAway, type Sql } from "../store/postgres.ts";
import {
  readTemplateContents,
  readTemplateHeads,
  type TemplateHead,
  type TemplateVersionRow,
} from "../store/templates.ts";
import { candidates, type StoredTemplate, type TemplateKey, type WantedTemplate } from "../templates/template.ts";

export interface StoredTemplatesOptions {
  /** Sees all tenants. */
  database: Sql;
  /** How old what is known may be before it is asked for again, in milliseconds. */
  freshMs?: number;
}

/** A change takes effect within 5 s: what is older than this is asked for again while it is still used ... */
const FRESH_MS = 2_000;
/** ... and what is this much older isn't used any more, unless the database is away. */
const WAIT_MS = 2_000;
/** What hasn't been asked for in this time is forgotten. */
const FORGET_MS = 60_000;
const LARGEST_READ = 1_000;
/** Templates whose words are kept in memory, of up to some 100 kB each. */
const MOST_REMEMBERED = 500;
const LARGEST_FETCH = 20;

interface Known {
  readAtMs: number;
  heads: ReadonlyMap<string, TemplateHead>;
}

/**
 * Which templates tenants have, and what they say. While there is something to send, it is asked for every two seconds, once for all
 * tenants; a message waits for that only the first time. What a version says never changes, so it is read once.
 */
export class StoredTemplates {
  readonly #freshMs: number;
  readonly #known = new Map<string, Known>();
  readonly #contents = new Map<string, Promise<TemplateVersionRow | null>>();
  readonly #reader: Batcher<string, Known>;
  readonly #fetcher: Batcher<TemplateHead, TemplateVersionRow | null>;
  #prunedAtMs = 0;

  constructor({ database, freshMs = FRESH_MS }: StoredTemplatesOptions) {
    this.#freshMs = freshMs;
    this.#reader = new Batcher((tenants) => this.#read(database, tenants), LARGEST_READ);
    this.#fetcher = new Batcher((heads) => readTemplateContents(database, heads), LARGEST_FETCH);
  }

  /** The best template for this; null where there is none. Answers at once where the tenant is known to have none. */
  find(tenant: string, wanted: WantedTemplate): StoredTemplate | null | Promise<StoredTemplate | null> {
    const known = this.#known.get(tenant);
    const ageMs = known ? performance.now() - known.readAtMs : Number.POSITIVE_INFINITY;
    if (!known || ageMs > this.#freshMs + WAIT_MS)
      return this.#renew(tenant).then((heads) => this.#best(heads, wanted));
    if (ageMs > this.#freshMs) void this.#renew(tenant).catch(() => {});
    return this.#best(known, wanted);
  }

  #best({ heads }: Known, wanted: WantedTemplate): null | Promise<StoredTemplate | null> {
    if (heads.size === 0) return null;
    const head = candidates(wanted)
      .map((key) => heads.get(nameOf(key)))
      .find((head) => head !== undefined);
    return head ? this.#content(head) : null;
  }

  async #renew(tenant: string): Promise<Known> {
    try {
      return await this.#reader.add(tenant);
    } catch (error) {
      const known = this.#known.get(tenant);
      // Without the database no message leaves anyway: what is known is good enough to get to that question.
      if (known && isDatabaseAway(error)) return known;
      throw error;
    }
  }

  async #read(database: Sql, tenants: string[]): Promise<Known[]> {
    const readAtMs = performance.now();
    const asked = [...new Set(tenants)];
    const heads = new Map(asked.map((tenant) => [tenant, new Map<string, TemplateHead>()]));
    for (const head of await readTemplateHeads(database, asked)) heads.get(head.tenantId)?.set(nameOf(head), head);
    this.#prune(readAtMs);
    for (const [tenant, of] of heads) this.#known.set(tenant, { readAtMs, heads: of });
    return tenants.map((tenant) => this.#known.get(tenant) as Known);
  }

  #content(head: TemplateHead): Promise<TemplateVersionRow | null> {
    const name = JSON.stringify([head.tenantId, nameOf(head), head.version]);
    const before = this.#contents.get(name);
    // The least recently used are forgotten.
    this.#contents.delete(name);
    const content = before ?? this.#fetcher.add(head);
    this.#contents.set(name, content);
    if (!before) content.catch(() => this.#contents.delete(name));
    if (this.#contents.size > MOST_REMEMBERED) this.#contents.delete(this.#contents.keys().next().value as string);
    return content;
  }

  #prune(nowMs: number): void {
    if (nowMs - this.#prunedAtMs < FORGET_MS) return;
    this.#prunedAtMs = nowMs;
    for (const [tenant, { readAtMs }] of this.#known) {
      if (nowMs - readAtMs > FORGET_MS) this.#known.delete(tenant);
    }
  }
}

function nameOf({ eventType, channel, locale }: TemplateKey): string {
  return JSON.stringify([eventType, channel, locale]);
}
