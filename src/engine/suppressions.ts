import { toIso } from "../core/instant.ts";
import { Batcher } from "../store/batcher.ts";
import type { Sql } from "../store/postgres.ts";
import { type Address, readStandings, type Standing, type SuppressedAs } from "../store/suppressions.ts";
import type { Held } from "./held.ts";
import { FRESH_MS } from "./settings.ts";

const LARGEST_READ = 1_000;
const MOST_KNOWN = 10_000;

/**
 * Which addresses nothing is sent to. Most tenants have suppressed none, which is remembered for a moment: then the database is
 * asked a few times a second, however much is sent; else once for all that are about to be sent together.
 */
export class Suppressions {
  readonly #reader: Batcher<Address, Standing>;
  /** When a tenant had none in a channel, by both. */
  readonly #noneAtMs = new Map<string, number>();

  constructor(database: Sql) {
    this.#reader = new Batcher((asked) => readStandings(database, asked), LARGEST_READ);
  }

  /** Why nothing is sent to where this delivery goes; null where it may leave. */
  async of({ tenantId, channel, recipient }: Held): Promise<SuppressedAs | null> {
    if (recipient === null) return null;
    const name = `${tenantId} ${channel}`;
    const noneAtMs = this.#noneAtMs.get(name);
    const askedAtMs = performance.now();
    if (noneAtMs !== undefined && askedAtMs - noneAtMs <= FRESH_MS) return null;
    const { suppressed, hasAny } = await this.#reader.add({ tenantId, channel, address: recipient });
    if (hasAny) this.#noneAtMs.delete(name);
    else this.#remember(name, askedAtMs);
    return suppressed;
  }

  #remember(name: string, askedAtMs: number): void {
    if (this.#noneAtMs.size >= MOST_KNOWN) this.#noneAtMs.clear();
    this.#noneAtMs.set(name, askedAtMs);
  }
}

/** Why it wasn't sent, for people. */
export function sentenceOf({ reason, because, expiresAt }: SuppressedAs): string {
  const until = expiresAt === null ? "until somebody releases it" : `until ${toIso(expiresAt)}`;
  const why = because === null ? reason : `${reason}: ${because}`;
  return `nothing is sent to this address ${until} (${why}); see /suppressions`;
}
