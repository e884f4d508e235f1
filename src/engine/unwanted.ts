import { formsIn } from "../channels/recipient.ts";
import type { Channels } from "../channels/registry.ts";
import { type Unwanted as Verdict, whyUnwanted } from "../core/unwanted.ts";
import { Batcher } from "../store/batcher.ts";
import type { Sql } from "../store/postgres.ts";
import { haveUnwanted, type Outgoing, readUnwanted, type TenantChannel } from "../store/unwanted.ts";
import type { Held } from "./held.ts";
import { isTheirWish } from "./outcome.ts";
import { FRESH_MS } from "./settings.ts";

const LARGEST_READ = 1_000;
const MOST_KNOWN = 10_000;

/** Why something isn't sent to where it goes. */
export interface Refusal {
  because: string;
  /** True where whoever is there has said so themselves. */
  isTheirWish: boolean;
}

interface Look {
  hasAny: Promise<boolean>;
  atMs: number;
}

/**
 * To whom nothing is sent, or nothing more of a reminder or of its kind. Where a tenant has nobody like that in a channel, which
 * is most often so, the database is asked that a few times a second, however much is sent; else once for all that are about to
 * be sent together.
 */
export class Unwanted {
  readonly #lookers: Batcher<TenantChannel, boolean>;
  readonly #readers: Batcher<Outgoing, Verdict>;
  /** Whether a tenant has any in a channel, and when that was asked, by both. */
  readonly #looks = new Map<string, Look>();
  readonly #channels: Channels;

  constructor(database: Sql, channels: Channels) {
    this.#channels = channels;
    this.#lookers = new Batcher((asked) => haveUnwanted(database, asked), LARGEST_READ);
    this.#readers = new Batcher((asked) => readUnwanted(database, asked), LARGEST_READ);
  }

  /** Why this isn't sent to where it goes; null where it may leave. */
  async reasonNotTo({ tenantId, channel, recipient, reminderId, known }: Held): Promise<Refusal | null> {
    if (recipient === null || known === null || !(await this.#hasAny(tenantId, channel))) return null;
    const { eventType } = known.reminder;
    const outgoing = { tenantId, channel, reminderId, eventType };
    // Plain SQL may have written it in another form than the one in which something is held against it.
    const forms = formsIn(this.#channels.get(channel), recipient);
    const verdicts = await Promise.all(forms.map((address) => this.#readers.add({ ...outgoing, address })));
    const refusals = verdicts.flatMap((verdict) => refusalBy(verdict, eventType) ?? []);
    return refusals.find((refusal) => refusal.isTheirWish) ?? refusals[0] ?? null;
  }

  #hasAny(tenantId: string, channel: string): Promise<boolean> {
    const name = `${tenantId} ${channel}`;
    const nowMs = performance.now();
    const last = this.#looks.get(name);
    if (last && nowMs - last.atMs <= FRESH_MS) return last.hasAny;
    const look = { hasAny: this.#lookers.add({ tenantId, channel }), atMs: nowMs };
    if (this.#looks.size >= MOST_KNOWN) this.#looks.clear();
    this.#looks.set(name, look);
    look.hasAny.catch(() => {
      if (this.#looks.get(name) === look) this.#looks.delete(name);
    });
    return look.hasAny;
  }
}

function refusalBy(verdict: Verdict, eventType: string): Refusal | null {
  const because = whyUnwanted(verdict, eventType);
  const { suppressed } = verdict;
  return because === null ? null : { because, isTheirWish: suppressed === null || isTheirWish(suppressed.reason) };
}
