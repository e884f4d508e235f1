import { type Cap, type Paced, place, type Slots } from "../core/pace.ts";
import type { Instant } from "../core/reminder.ts";
import type { Tenant } from "../core/tenant.ts";
import { Batcher } from "../store/batcher.ts";
import {
  giveUpSlots,
  type KeptPace,
  type Limits,
  limitsOfTenants,
  lockPaces,
  type PaceKey,
  postpone,
  readSlots,
  writePaces,
} from "../store/pace.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import type { Held } from "./held.ts";

const LARGEST_BATCH = 500;
/** A change of a tenant's limits is heeded this soon. */
const LIMITS_FRESH_MS = 3_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A delivery under a cap: who asks, and the caps that hold for it. */
interface Asking {
  held: Held;
  tenant: (PaceKey & { cap: Cap }) | null;
  recipient: (PaceKey & { cap: Cap }) | null;
}

/**
 * Keeps to the caps: so many messages a minute for each tenant, and so many an hour for each recipient, over all workers.
 * A delivery asks for its place right before it is sent, attempt for attempt; one for which there is none now is put back
 * until the instant that it is promised. Where nothing is capped, nothing is asked.
 */
export class Pacer {
  readonly #database: WorkerDatabase;
  readonly #limits: Limits;
  readonly #asking: Batcher<Asking, boolean>;
  #reading: Promise<void> | null = null;
  #ofTenants: Map<Tenant, Limits> = new Map();
  #freshUntilMs = Number.NEGATIVE_INFINITY;

  /** `limits`: those of tenants that have none of their own. */
  constructor(database: WorkerDatabase, limits: Limits) {
    this.#database = database;
    this.#limits = limits;
    this.#asking = new Batcher((asking) => giveOut(database, asking), LARGEST_BATCH);
  }

  /** True if the message may leave now; false if its delivery was put back, and is no longer this worker's. */
  async place(held: Held): Promise<boolean> {
    const { reminder } = held.known ?? {};
    if (!reminder) return true;
    await this.#readLimits();
    const { perMinute, perRecipientPerHour } = this.#limitsOf(reminder.tenantId);
    const of = (kind: PaceKey["kind"], key: string, limit: number, windowMs: number) => {
      return { tenantId: reminder.tenantId, kind, key, cap: { limit, windowMs } };
    };
    const tenant = perMinute === null ? null : of("tenant", "", perMinute, MINUTE_MS);
    const isCapped = perRecipientPerHour !== null && held.recipient !== null;
    const recipient = isCapped
      ? of("recipient", `${held.channel} ${held.recipient?.toLowerCase()}`, perRecipientPerHour, HOUR_MS)
      : null;
    return (tenant === null && recipient === null) || this.#asking.add({ held, tenant, recipient });
  }

  /** True if no cap is known to hold for this message: then there is nothing to wait for. */
  isFree(held: Held): boolean {
    if (performance.now() >= this.#freshUntilMs) return false;
    const { perMinute, perRecipientPerHour } = this.#limitsOf(held.known?.reminder.tenantId ?? "");
    return perMinute === null && perRecipientPerHour === null;
  }

  #limitsOf(tenant: Tenant): Limits {
    const own = this.#ofTenants.get(tenant);
    return {
      perMinute: own?.perMinute ?? this.#limits.perMinute,
      perRecipientPerHour: own?.perRecipientPerHour ?? this.#limits.perRecipientPerHour,
    };
  }

  /** One small statement every few seconds, however many messages are sent. */
  async #readLimits(): Promise<void> {
    if (performance.now() < this.#freshUntilMs) return;
    this.#reading ??= limitsOfTenants(this.#database)
      .then((ofTenants) => {
        this.#ofTenants = ofTenants;
        this.#freshUntilMs = performance.now() + LIMITS_FRESH_MS;
      })
      .finally(() => {
        this.#reading = null;
      });
    await this.#reading;
  }
}

/** Gives out places in the order in which they were asked for; whoever gets none is put back. True for those who got one. */
function giveOut(database: WorkerDatabase, asking: readonly Asking[]): Promise<boolean[]> {
  return database.transaction(async (sql) => {
    const all = asking.flatMap(({ tenant, recipient }) => [tenant, recipient].filter((key) => key !== null));
    const unique = [...new Map(all.map((key) => [nameOf(key), key])).values()];
    const { paces, now } = await lockPaces(sql, unique);
    const kept = new Map<string, KeptPace>(paces.map((pace) => [nameOf(pace), pace]));
    const promised = await readSlots(
      sql,
      asking.map(({ held }) => held),
    );

    const placings = asking.map(({ held, tenant, recipient }, n) => {
      const { slots, from } = promised[n] as { slots: Slots; from: Instant | null };
      const placing = place(slots, paced(kept, tenant), paced(kept, recipient), now);
      keep(kept, tenant, placing.tenant);
      keep(kept, recipient, placing.recipient);
      return { held, from, had: slots, placing, because: because(placing.slots, tenant, recipient) };
    });
    const hadOne = placings.filter(({ had }) => (had.tenant ?? had.recipient) !== null);
    const used = hadOne.filter(({ placing }) => placing.until === null);
    const formers = placings.flatMap(({ held, from }) => (from === null ? [] : [{ ...held, occurrenceAt: from }]));
    await Promise.all([
      writePaces(sql, [...kept.values()]),
      giveUpSlots(sql, [...used.map(({ held }) => held), ...formers]),
      postpone(
        sql,
        placings.flatMap(({ held, placing: { until, slots }, because }) =>
          until === null ? [] : [{ ...held, until, slots, reason: because }],
        ),
      ),
    ]);
    return placings.map(({ placing }) => placing.until === null);
  });
}

function paced(kept: Map<string, KeptPace>, key: Asking["tenant"]): Paced | null {
  const pace = key && kept.get(nameOf(key))?.pace;
  return key && pace ? { cap: key.cap, pace } : null;
}

function keep(kept: Map<string, KeptPace>, key: Asking["tenant"], pace: KeptPace["pace"] | null): void {
  const former = key && kept.get(nameOf(key));
  if (former && pace) kept.set(nameOf(key), { ...former, pace });
}

function because({ tenant: ofTenant }: Slots, tenant: Asking["tenant"], recipient: Asking["recipient"]): string {
  return ofTenant === null && recipient
    ? `waits for its turn: at most ${recipient.cap.limit} messages an hour to one recipient`
    : `waits for its turn: at most ${tenant?.cap.limit} messages a minute for this tenant`;
}

function nameOf({ tenantId, kind, key }: PaceKey): string {
  return `${tenantId} ${kind} ${key}`;
}
