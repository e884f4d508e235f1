import type { Channels } from "../channels/registry.ts";
import type { Instant } from "../core/instant.ts";
import {
  type Cap,
  hasAny,
  type Kind,
  NO_SLOTS,
  NOTHING_TAKEN,
  type Paced,
  type Placing,
  place,
  type Slots,
  type Taken,
  WINDOWS_MS,
  whenFree,
} from "../core/pace.ts";
import type { Tenant } from "../core/tenant.ts";
import { Batcher } from "../store/batcher.ts";
import {
  giveUpSlots,
  type KeptPace,
  keepSlots,
  type Limits,
  limitsOfTenants,
  lockPaces,
  type PaceKey,
  postpone,
  readSlots,
  writePaces,
} from "../store/pace.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { mayGoTogether, personOf } from "./digest.ts";
import type { Held } from "./held.ts";

const LARGEST_BATCH = 500;
/** A change of a tenant's limits is heeded this soon. */
const LIMITS_FRESH_MS = 3_000;

interface Capped extends PaceKey {
  cap: Cap;
}

/** A delivery under a cap: who asks, and the caps that hold for it. */
interface Asking {
  held: Held;
  /** What goes in the same message. */
  along: readonly Held[];
  tenant: Capped | null;
  recipient: Capped | null;
  /** Of the person, over all channels. */
  person: (Capped & { isDigested: boolean }) | null;
}

/**
 * What came of asking for a place. `begins`: with what it has its places again, should it come back unsent. `put_back`: there is none for it now,
 * and it is no longer this worker's. `claim_changed`: there is none either, but the claim under which it was to be put back holds no more.
 */
export type Placed = { state: "begins"; taken: Taken } | { state: "put_back" } | { state: "claim_changed" };

const UNCAPPED: Placed = Object.freeze({ state: "begins", taken: NOTHING_TAKEN });
const PUT_BACK: Placed = Object.freeze({ state: "put_back" });
const CLAIM_CHANGED: Placed = Object.freeze({ state: "claim_changed" });

/**
 * Keeps to the caps: so many messages a minute for each tenant, so many an hour for each recipient, and so many a day for each
 * person that wants no more, over all workers.
 * A delivery asks for its place right before it is sent, attempt for attempt; one for which there is none now is put back
 * until the instant that it is promised. Where nothing is capped, nothing is asked.
 */
export class Pacer {
  readonly #database: WorkerDatabase;
  readonly #limits: Limits;
  readonly #channels: Channels;
  readonly #asking: Batcher<Asking, Placed>;
  #reading: Promise<void> | null = null;
  #ofTenants: Map<Tenant, Limits> = new Map();
  #freshUntilMs = Number.NEGATIVE_INFINITY;

  /** `limits`: those of tenants that have none of their own. */
  constructor(database: WorkerDatabase, limits: Limits, channels: Channels) {
    this.#database = database;
    this.#limits = limits;
    this.#channels = channels;
    this.#asking = new Batcher((asking) => giveOut(database, asking), LARGEST_BATCH);
  }

  /** Whether the message may leave now. `along`: what goes in the same message, and is put back with it. */
  async place(held: Held, along: readonly Held[] = []): Promise<Placed> {
    const { reminder } = held.known ?? {};
    if (!reminder) return UNCAPPED;
    await this.#readLimits();
    const { perMinute, perRecipientPerHour } = this.#limitsOf(reminder.tenantId);
    const of = (kind: PaceKey["kind"], key: string, limit: number) => {
      return { tenantId: reminder.tenantId, kind, key, cap: { limit, windowMs: WINDOWS_MS[kind] } };
    };
    const tenant = perMinute === null ? null : of("tenant", "", perMinute);
    const isCapped = perRecipientPerHour !== null && held.recipient !== null;
    const recipient = isCapped
      ? of("recipient", `${held.channel} ${held.recipient?.toLowerCase()}`, perRecipientPerHour)
      : null;
    const budget = budgetOf(held);
    const person = budget && {
      ...of("person", budget.name, budget.perDay),
      isDigested: budget.isDigested && mayGoTogether(this.#channels.get(held.channel), held.recipient),
    };
    const isUncapped = tenant === null && recipient === null && person === null;
    return isUncapped ? UNCAPPED : await this.#asking.add({ held, along, tenant, recipient, person });
  }

  /** True if no cap is known to hold for this message: then there is nothing to wait for. */
  isFree(held: Held): boolean {
    if (performance.now() >= this.#freshUntilMs) return false;
    const { perMinute, perRecipientPerHour } = this.#limitsOf(held.known?.reminder.tenantId ?? "");
    return perMinute === null && perRecipientPerHour === null && budgetOf(held) === null;
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

/** How many messages a day whoever it is for wants at most; null: as many as there are. */
function budgetOf({ known, addressed }: Held): { name: string; perDay: number; isDigested: boolean } | null {
  const person = known && personOf(known, addressed);
  const perDay = person?.preferences?.max_per_day;
  if (!person || typeof perDay !== "number" || perDay < 1) return null;
  return { name: person.name, perDay, isDigested: person.preferences?.over_budget === "digest" };
}

type Promised = Awaited<ReturnType<typeof readSlots>>[number];

/** Gives out places in the order in which they were asked for; whoever gets none is put back. See `Pacer.place`. */
function giveOut(database: WorkerDatabase, asking: readonly Asking[]): Promise<Placed[]> {
  return database.transaction(async (sql) => {
    const all = asking.flatMap(({ tenant, recipient, person }) => present(tenant, recipient, person));
    const unique = [...new Map(all.map((key) => [nameOf(key), key])).values()];
    const { paces, now } = await lockPaces(sql, unique);
    const kept = new Map<string, KeptPace>(paces.map((pace) => [nameOf(pace), pace]));
    // What is to go together was promised one place, by whichever of it was the first then: that one may be done by now.
    const sharing = asking.map(({ held }) => held.digest?.items ?? [held]);
    const promises = await readSlots(sql, sharing.flat());

    let read = 0;
    const placings = asking.map((one, n) => {
      const mine = (sharing[n] as readonly Held[]).map((sharer) => ({ sharer, ...(promises[read++] as Promised) }));
      const promised = mine.find(({ slots }) => hasAny(slots));
      const { slots, from, sharer } = promised ?? { slots: NO_SLOTS, from: null, sharer: one.held };
      return { ...one, sharer, from, had: slots, ...placeOne(kept, one, slots, now) };
    });
    const hadOne = placings.filter(({ had }) => hasAny(had));
    const passedOn = hadOne.filter(({ placing, sharer, held }) => placing.until === null || sharer !== held);
    const formers = placings.flatMap(({ sharer, from }) => (from === null ? [] : [{ ...sharer, occurrenceAt: from }]));
    const waiting = placings.map(({ held, along, placing: { until, slots }, because, digestAt }) => {
      if (until === null) return [];
      const all = { until, reason: because, digestAt };
      return [{ ...held, ...all, slots }, ...along.map((other) => ({ ...other, ...all, slots: NO_SLOTS }))];
    });
    const [, , postponed] = await Promise.all([
      writePaces(sql, [...kept.values()]),
      giveUpSlots(sql, [...passedOn.map(({ sharer }) => sharer), ...formers]),
      postpone(sql, waiting.flat()),
    ]);
    const putBack = new Set(postponed);
    // Whoever has it now finds its place with it.
    await keepSlots(
      sql,
      waiting.flat().filter((one) => !putBack.has(one)),
    );
    return placings.map(({ placing }, n): Placed => {
      if (placing.until === null) return { state: "begins", taken: { at: now, slots: placing.taken } };
      return waiting[n]?.every((one) => putBack.has(one)) ? PUT_BACK : CLAIM_CHANGED;
    });
  });
}

/** What one of them is given. `digestAt`: when it goes along with all others for which there is no room today; null: by itself. */
function placeOne(
  kept: Map<string, KeptPace>,
  { tenant, recipient, person }: Asking,
  slots: Slots,
  now: Instant,
): { placing: Placing; because: string; digestAt: Instant | null } {
  const caps: Caps = { person, recipient, tenant };
  if (person?.isDigested) {
    const until = whenFree(paced(kept, person), slots.person, now);
    // It is promised nothing: with the others it will need but one place.
    const placing = { until, slots: NO_SLOTS, taken: NO_SLOTS, paces: {} };
    if (until > now) return { placing, because: because(person), digestAt: until };
  }
  const ofEach = { person: paced(kept, person), recipient: paced(kept, recipient), tenant: paced(kept, tenant) };
  const placing = place(slots, ofEach, now);
  for (const key of present(person, recipient, tenant)) keep(kept, key, placing.paces[key.kind]);
  return { placing, because: because(waitsFor(placing.slots, caps)), digestAt: null };
}

function present<T>(...items: (T | null)[]): T[] {
  return items.filter((item) => item !== null);
}

function paced(kept: Map<string, KeptPace>, key: Capped | null): Paced | null {
  const pace = key && kept.get(nameOf(key))?.pace;
  return key && pace ? { cap: key.cap, pace } : null;
}

function keep(kept: Map<string, KeptPace>, key: Capped, pace: KeptPace["pace"] | undefined): void {
  const former = kept.get(nameOf(key));
  if (former && pace) kept.set(nameOf(key), { ...former, pace });
}

type Caps = Readonly<Record<Kind, Capped | null>>;

/** It was promised something up to the cap that it waits for. */
function waitsFor(slots: Slots, caps: Caps): Capped | null {
  const kinds = ["tenant", "recipient", "person"] as const;
  const last = kinds.find((kind) => slots[kind] !== null);
  return (last && caps[last]) ?? caps.tenant ?? caps.recipient ?? caps.person;
}

function because(capped: Capped | null): string {
  const limit = capped?.cap.limit;
  if (capped?.kind === "person") return `waits for its turn: ${capped.key} wants at most ${limit} messages a day`;
  return capped?.kind === "recipient"
    ? `waits for its turn: at most ${limit} messages an hour to one recipient`
    : `waits for its turn: at most ${limit} messages a minute for this tenant`;
}

function nameOf({ tenantId, kind, key }: PaceKey): string {
  return `${tenantId} ${kind} ${key}`;
}
