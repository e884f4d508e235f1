import type { Channels } from "../channels/registry.ts";
import {
  type Cap,
  NO_SLOTS,
  type Paced,
  type Placing,
  place,
  type Slots,
  wantedPerDay,
  whenFree,
} from "../core/pace.ts";
import type { Instant } from "../core/reminder.ts";
import type { Tenant } from "../core/tenant.ts";
import { Batcher } from "../store/batcher.ts";
import { numbersOf } from "../store/budgets.ts";
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
import type { Sql } from "../store/postgres.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { becauseOf, dailyCap, heedNumber } from "./budgets.ts";
import { mayGoTogether, personOf } from "./digest.ts";
import type { Held } from "./held.ts";

const LARGEST_BATCH = 500;
/** A change of a tenant's limits is heeded this soon. */
const LIMITS_FRESH_MS = 3_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

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
 * Keeps to the caps: so many messages a minute for each tenant, so many an hour for each recipient, and so many a day for each
 * person that wants no more, over all workers.
 * A delivery asks for its place right before it is sent, attempt for attempt; one for which there is none now is put back
 * until the instant that it is promised. Where nothing is capped, nothing is asked.
 */
export class Pacer {
  readonly #database: WorkerDatabase;
  readonly #limits: Limits;
  readonly #channels: Channels;
  readonly #asking: Batcher<Asking, boolean>;
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

  /**
   * True if the message may leave now; false if its delivery was put back, and is no longer this worker's. `along`: what goes in the
   * same message, and is put back with it.
   */
  async place(held: Held, along: readonly Held[] = []): Promise<boolean> {
    const { reminder } = held.known ?? {};
    if (!reminder) return true;
    await this.#readLimits();
    const { perMinute, perRecipientPerHour } = this.#limitsOf(reminder.tenantId);
    const of = (kind: PaceKey["kind"], key: string, cap: Cap) => ({ tenantId: reminder.tenantId, kind, key, cap });
    const tenant = perMinute === null ? null : of("tenant", "", { limit: perMinute, windowMs: MINUTE_MS });
    const isCapped = perRecipientPerHour !== null && held.recipient !== null;
    const recipient = isCapped
      ? of("recipient", `${held.channel} ${held.recipient?.toLowerCase()}`, {
          limit: perRecipientPerHour,
          windowMs: HOUR_MS,
        })
      : null;
    const budget = budgetOf(held);
    const person = budget && {
      ...of("person", budget.name, dailyCap(budget.perDay)),
      isDigested: budget.isDigested && mayGoTogether(this.#channels.get(held.channel), held.recipient),
    };
    const isUncapped = tenant === null && recipient === null && person === null;
    return isUncapped || this.#asking.add({ held, along, tenant, recipient, person });
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
  const perDay = wantedPerDay(person?.preferences?.max_per_day);
  if (!person || perDay === null) return null;
  return { name: person.name, perDay, isDigested: person.preferences?.over_budget === "digest" };
}

type Promised = Awaited<ReturnType<typeof readSlots>>[number];

/** One that asks, and what it was promised. */
interface Claim extends Asking {
  slots: Slots;
  wasPromised: boolean;
  /** Who was: what is to go together was promised one place, as whichever of it was the first then. That one may be done by now. */
  sharer: Held;
  /** See `readSlots`. */
  from: Instant | null;
}

/** Gives out places in the order in which they were asked for; whoever gets none is put back. True for those who got one. */
function giveOut(database: WorkerDatabase, asking: readonly Asking[]): Promise<boolean[]> {
  return database.transaction(async (sql) => {
    const all = asking.flatMap(({ tenant, recipient, person }) => present(tenant, recipient, person));
    const unique = [...new Map(all.map((key) => [nameOf(key), key])).values()];
    const { paces, now } = await lockPaces(sql, unique);
    const kept = new Map<string, KeptPace>(paces.map((pace) => [nameOf(pace), pace]));
    const claims = await claimsOf(sql, asking);
    const formers = claims.flatMap(({ sharer, from }) => (from === null ? [] : [{ ...sharer, occurrenceAt: from }]));
    await giveUpSlots(sql, formers);
    const heeded = await heedNumbers(sql, kept, claims, now);
    const placings = heeded.map((one) => ({ ...one, ...placeOne(kept, one, now) }));
    const hadOne = placings.filter(({ wasPromised }) => wasPromised);
    const passedOn = hadOne.filter(({ placing, sharer, held }) => placing.until === null || sharer !== held);
    await Promise.all([
      writePaces(sql, [...kept.values()]),
      giveUpSlots(
        sql,
        passedOn.map(({ sharer }) => sharer),
      ),
      postpone(
        sql,
        placings.flatMap(({ held, along, placing: { until, slots }, because, digestAt, heldFor }) => {
          if (until === null) return [];
          const all = { until, reason: because, digestAt, heldFor };
          return [{ ...held, ...all, slots }, ...along.map((other) => ({ ...other, ...all, slots: NO_SLOTS }))];
        }),
      ),
    ]);
    return placings.map(({ placing }) => placing.until === null);
  });
}

async function claimsOf(sql: Sql, asking: readonly Asking[]): Promise<Claim[]> {
  const sharing = asking.map(({ held }) => held.digest?.items ?? [held]);
  const promises = await readSlots(sql, sharing.flat());
  let read = 0;
  return asking.map((one, n) => {
    const mine = (sharing[n] as readonly Held[]).map((sharer) => ({ sharer, ...(promises[read++] as Promised) }));
    const promised = mine.find(({ slots }) => (slots.person ?? slots.recipient ?? slots.tenant) !== null);
    return {
      ...one,
      wasPromised: promised !== undefined,
      ...(promised ?? { slots: NO_SLOTS, from: null, sharer: one.held }),
    };
  });
}

/** Holds what asks, and what waits, to the numbers of messages a day that are wanted now: they may be others than those it was read with. */
async function heedNumbers(sql: Sql, kept: Map<string, KeptPace>, claims: Claim[], now: Instant): Promise<Claim[]> {
  const persons = [...kept.values()].filter(({ kind }) => kind === "person");
  // After the paces are locked: whoever had one before may have read a number that wasn't the last.
  const numbers = await numbersOf(sql, persons);
  const byPerson = new Map<string, Claim[]>(persons.map((pace) => [nameOf(pace), []]));
  for (const one of claims) if (one.person) byPerson.get(nameOf(one.person))?.push(one);
  const heeded = new Map<Claim, Claim>();
  for (const [n, pace] of persons.entries()) {
    const perDay = numbers[n] ?? null;
    const theirs = byPerson.get(nameOf(pace)) ?? [];
    const promised = theirs.filter(({ slots }) => slots.person !== null);
    const asking = promised.map(({ slots }) => slots.person as Instant);
    const anew = await heedNumber(sql, pace, perDay, asking, now);
    kept.set(nameOf(pace), anew.kept);
    for (const one of theirs) {
      const place = promised.indexOf(one);
      const slots = { ...one.slots, person: anew.slots[place] ?? null };
      const person = perDay === null || one.person === null ? null : { ...one.person, cap: dailyCap(perDay) };
      heeded.set(one, { ...one, slots, person });
    }
  }
  return claims.map((one) => heeded.get(one) ?? one);
}

/** What one of them is given. `digestAt`: when it goes along with all others for which there is no room today; null: by itself. */
function placeOne(
  kept: Map<string, KeptPace>,
  { slots, tenant, recipient, person }: Claim,
  now: Instant,
): { placing: Placing; because: string; digestAt: Instant | null; heldFor: string | null } {
  if (person?.isDigested) {
    const until = whenFree(paced(kept, person), slots.person, now);
    // It is promised nothing: with the others it will need but one place.
    const placing = { until, waitsFor: "person" as const, slots: NO_SLOTS, paces: {} };
    if (until > now) {
      holdUntil(kept, person, until);
      return { placing, because: because(person), digestAt: until, heldFor: person.key };
    }
  }
  const capped = { tenant, recipient, person };
  const caps = { tenant: paced(kept, tenant), recipient: paced(kept, recipient), person: paced(kept, person) };
  const placing = place(slots, caps, now);
  for (const whose of ["tenant", "recipient", "person"] as const)
    keep(kept, capped[whose], placing.paces[whose] ?? null);
  const isHeld = person !== null && placing.slots.person !== null;
  if (isHeld) holdUntil(kept, person, placing.slots.person as Instant);
  const reason = because(placing.waitsFor && (capped[placing.waitsFor] ?? person ?? recipient ?? tenant));
  return { placing, because: reason, digestAt: null, heldFor: isHeld ? person.key : null };
}

function holdUntil(kept: Map<string, KeptPace>, person: PaceKey, until: Instant): void {
  const pace = kept.get(nameOf(person));
  if (pace) kept.set(nameOf(person), { ...pace, heldUntil: Math.max(until, pace.heldUntil ?? until) });
}

function present<T>(...items: (T | null)[]): T[] {
  return items.filter((item) => item !== null);
}

function paced(kept: Map<string, KeptPace>, key: Capped | null): Paced | null {
  const pace = key && kept.get(nameOf(key))?.pace;
  return key && pace ? { cap: key.cap, pace } : null;
}

function keep(kept: Map<string, KeptPace>, key: Capped | null, pace: KeptPace["pace"] | null): void {
  const former = key && kept.get(nameOf(key));
  if (former && pace) kept.set(nameOf(key), { ...former, pace });
}

function because(capped: Capped | null): string {
  if (capped === null) return "waits for its turn";
  const { kind, cap, key } = capped;
  if (kind === "person") return becauseOf(key, cap.limit);
  return kind === "tenant"
    ? `waits for its turn: at most ${cap.limit} messages a minute for this tenant`
    : `waits for its turn: at most ${cap.limit} messages an hour to one recipient`;
}

function nameOf({ tenantId, kind, key }: PaceKey): string {
  return `${tenantId} ${kind} ${key}`;
}
