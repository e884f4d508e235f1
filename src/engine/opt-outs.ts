import { Batcher } from "../store/batcher.ts";
import { type Outgoing, readWanted, type Wanted } from "../store/opt-outs.ts";
import type { Sql } from "../store/postgres.ts";
import type { Held } from "./held.ts";
import { FRESH_MS } from "./settings.ts";

const LARGEST_READ = 1_000;
const MOST_KNOWN = 10_000;

/**
 * Who wants no more of a reminder or of its kind. Most tenants have nobody who does, which is remembered for a moment, as with
 * `Suppressions`.
 */
export class OptOuts {
  readonly #reader: Batcher<Outgoing, Wanted>;
  /** When a tenant had none in a channel, by both. */
  readonly #noneAtMs = new Map<string, number>();

  constructor(database: Sql) {
    this.#reader = new Batcher((asked) => readWanted(database, asked), LARGEST_READ);
  }

  /** Why whoever this delivery goes to doesn't want it; null where they may. */
  async of({ tenantId, channel, recipient, known }: Held): Promise<string | null> {
    if (recipient === null || known === null) return null;
    const name = `${tenantId} ${channel}`;
    const noneAtMs = this.#noneAtMs.get(name);
    const askedAtMs = performance.now();
    if (noneAtMs !== undefined && askedAtMs - noneAtMs <= FRESH_MS) return null;
    const { id: reminderId, eventType } = known.reminder;
    const { optedOutOf, hasAny } = await this.#reader.add({
      tenantId,
      channel,
      address: recipient,
      reminderId,
      eventType,
    });
    if (hasAny) this.#noneAtMs.delete(name);
    else this.#remember(name, askedAtMs);
    if (optedOutOf === null) return null;
    const what = optedOutOf === "reminder" ? "this reminder" : eventType;
    return `whoever has this address wants no more of ${what}; see /opt-outs`;
  }

  #remember(name: string, askedAtMs: number): void {
    if (this.#noneAtMs.size >= MOST_KNOWN) this.#noneAtMs.clear();
    this.#noneAtMs.set(name, askedAtMs);
  }
}
