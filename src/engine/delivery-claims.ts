import { randomUUID } from "node:crypto";
import { isAsked } from "../conditions/registry.ts";
import { deliveryId } from "../core/reminder.ts";
import { attemptsIn } from "../core/retry.ts";
import type { Tenant } from "../core/tenant.ts";
import { aloneFromAttempt, type SuspectPlaces } from "../store/claimable.ts";
import { type ClaimedDelivery, claimDeliveries, claimDigests } from "../store/claimed.ts";
import { nextDigests } from "../store/digests.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { type Earliest, nextAttempts } from "../store/wake.ts";
import { hasAudience } from "./audience.ts";
import type { Digest, Held, HeldDeliveries } from "./held.ts";
import type { Lane } from "./lane.ts";
import type { Look } from "./low-mark.ts";
import { afterAll, cutOff, exhausted, handedBack, type Outcome } from "./outcome.ts";
import { overtaken } from "./overtaken.ts";
import type { EngineSettings } from "./settings.ts";

/** Where a tenant has all the places of a lane that it may have, what waits there of the others is looked for this often. */
const PASSED_OVER_MS = 100;
/** Digests are looked for this often: they are due to the minute. */
const DIGESTS_MS = 1_000;
/** And those of other tenants than had some just now. */
const OTHERS_MS = 1_000;

/** Fetches what waits in the database into the lanes of this worker, as far as they have room. */
export class DeliveryClaims {
  readonly #database: WorkerDatabase;
  readonly #settings: Pick<EngineSettings, "batchSize" | "leaseSeconds">;
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #held: HeldDeliveries;
  readonly #end: (held: Held, outcome: Outcome) => void;
  #digestsLookAtMs = Number.NEGATIVE_INFINITY;
  #othersLookAtMs = Number.NEGATIVE_INFINITY;

  /** `end` ends what is claimed though it isn't to be tried again. */
  constructor(
    database: WorkerDatabase,
    settings: Pick<EngineSettings, "batchSize" | "leaseSeconds">,
    lanes: ReadonlyMap<string, Lane>,
    held: HeldDeliveries,
    end: (held: Held, outcome: Outcome) => void,
  ) {
    this.#database = database;
    this.#settings = settings;
    this.#lanes = lanes;
    this.#held = held;
    this.#end = end;
  }

  /**
   * Claims what waits in the database, once for each channel that has room, so that none waits for another's backlog.
   * Resolves to the milliseconds until there is more. `isRoutine`: most likely nothing does, and it is only looked.
   */
  async claim(isRoutine = false): Promise<number> {
    let claimed = 0;
    let isMore = false;
    // First, since what goes by itself takes all the room that there is: behind a backlog, no digest would ever find any.
    const digestMs = await this.#claimDigests();
    const free = isRoutine ? this.#withRoomForAll() : [];
    if (free.length === this.#lanes.size) {
      const inMs = Math.min(digestMs, await this.#lookForNext(free, free));
      if (inMs > 0) return inMs;
    }
    const withRoomBefore = this.#withRoom();
    for (const lane of this.#lanes.values()) {
      const limit = Math.min(lane.room, this.#settings.batchSize);
      const count = limit > 0 ? await this.#claimFor(lane, limit) : 0;
      if (limit > 0 && (count >= limit || lane.after !== null)) isMore = true;
      if (lane.room === 0 || lane.places().full().length > 0) lane.turnedAway();
      claimed += count;
    }
    const withRoom = this.#withRoom();
    const withRoomForAll = this.#withRoomForAll();
    // Asked for also where there is more, or where that has filled the lane, so that the marks keep up.
    const lookedAt = [...new Set([...withRoomBefore, ...withRoom])];
    const lookedForMs = await this.#lookForNext(lookedAt, withRoomForAll);
    const soonestMs = Math.min(lookedForMs, digestMs);
    const nextMs = withRoomForAll.length < withRoom.length ? Math.min(soonestMs, PASSED_OVER_MS) : soonestMs;
    if (isMore && withRoom.length > 0) return 0;
    return claimed > 0 ? Math.max(0, nextMs) : nextMs;
  }

  #withRoom(): Lane[] {
    return [...this.#lanes.values()].filter((lane) => lane.room > 0);
  }

  /** What a tenant that has all its places in the others still has waiting would hide when others' is due. */
  #withRoomForAll(): Lane[] {
    return this.#withRoom().filter((lane) => lane.places().full().length === 0);
  }

  /** Moves the marks of these lanes. Resolves to the milliseconds until there is something to claim for one of those that are `awaited`. */
  async #lookForNext(lanes: readonly Lane[], awaited: readonly Lane[]): Promise<number> {
    if (lanes.length === 0) return Number.POSITIVE_INFINITY;
    const looks = lanes.map((lane) => {
      const look = lane.mark.begin();
      return { name: lane.channel.name, look, from: look.from?.at ?? null };
    });
    const found = await nextAttempts(this.#database, looks);
    const inMs = lanes.map((lane, n) => lane.mark.end(looks[n]?.look as Look, found[n] as Earliest));
    return Math.min(Number.POSITIVE_INFINITY, ...inMs.filter((_, n) => awaited.includes(lanes[n] as Lane)));
  }

  async #claimFor(lane: Lane, limit: number): Promise<number> {
    const lease = { token: randomUUID(), seconds: this.#settings.leaseSeconds };
    const readAtMs = performance.now();
    const { claimed, next } = await claimDeliveries(this.#database, {
      channel: lane.channel.name,
      limit,
      suspects: this.#suspectsFor(lane),
      from: lane.mark.from?.at ?? null,
      after: lane.after,
      room: lane.places(),
      lease,
      maxAttempts: attemptsIn(lane.retries),
    });
    lane.after = next;
    for (const delivery of claimed) this.#take(lane, delivery, lease.token, readAtMs);
    return claimed.length;
  }

  /**
   * One at a time, so that the one which ends its workers is found by itself, and takes no other along each time. The first time
   * it may be beside as many others as are sent side by side: else a few dead workers leave more than can be sent one by one.
   */
  #suspectsFor({ channel, retries }: Lane): SuspectPlaces {
    const suspects = this.#held.values().filter((held) => held.isSuspect && held.channel === channel.name);
    if (suspects.length === 0) return { alone: 1, together: channel.concurrency };
    const aloneFrom = aloneFromAttempt(attemptsIn(retries));
    // The attempt now being made is counted.
    const isAlone = suspects.some(({ attempts }) => attempts > aloneFrom);
    const messages = new Set(suspects.map((held) => held.digest ?? held));
    return { alone: 0, together: isAlone ? 0 : Math.max(0, channel.concurrency - messages.size) };
  }

  /** Claims the digests that are due. Resolves to the milliseconds until there are more. */
  async #claimDigests(): Promise<number> {
    const nowMs = performance.now();
    if (nowMs < this.#digestsLookAtMs) return this.#digestsLookAtMs - nowMs;
    const found = await nextDigests(this.#database, [...this.#lanes.keys()]);
    let claimed = 0;
    const others: { lane: Lane; left: number; tenants: readonly Tenant[] }[] = [];
    for (const lane of this.#lanes.values()) {
      const limit = Math.min(lane.room, this.#settings.batchSize);
      if ((found.get(lane.channel.name) ?? 1) > 0 || limit <= 0) continue;
      const tenants = await this.#claimDigestsFor(lane, limit);
      claimed += tenants.length;
      const left = Math.min(lane.room, this.#settings.batchSize);
      if (tenants.length > 0 && left > 0 && nowMs >= this.#othersLookAtMs) others.push({ lane, left, tenants });
    }
    // All that was found may be one tenant's, which has thousands: those of others are found beside it. That goes over all of its, so it
    // is seldom done.
    for (const { lane, left, tenants } of others) {
      claimed += (await this.#claimDigestsFor(lane, left, tenants)).length;
      this.#othersLookAtMs = nowMs + OTHERS_MS;
    }
    // Where there were some there may be more, for which there was no room, or none for their tenants.
    const areCareful = [...this.#lanes.values()].some((lane) => this.#suspectsFor(lane).alone === 0);
    const waitMs = claimed > 0 || areCareful ? PASSED_OVER_MS : DIGESTS_MS;
    this.#digestsLookAtMs = nowMs + waitMs;
    const soonestMs = Math.min(...found.values());
    return found.size === 0 ? Number.POSITIVE_INFINITY : Math.max(waitMs, soonestMs);
  }

  /** `except`: of whom none are taken. Resolves to whose those are that were taken. */
  async #claimDigestsFor(lane: Lane, limit: number, except: readonly Tenant[] = []): Promise<Tenant[]> {
    const lease = { token: randomUUID(), seconds: this.#settings.leaseSeconds };
    const readAtMs = performance.now();
    const claimed = await claimDigests(this.#database, {
      ...{ channel: lane.channel.name, limit, room: lane.places(), except, lease },
      ...{ suspects: this.#suspectsFor(lane), maxAttempts: attemptsIn(lane.retries) },
    });
    for (const { id, items } of claimed) {
      const digest: Digest = { id, items: [], hasPlace: false };
      for (const item of items) {
        const held = this.#hold(lane, item, { token: lease.token, readAtMs, digest });
        if (held) digest.items.push(held);
      }
      const [first] = digest.items;
      if (digest.items.length === 1 && first && id === deliveryId(first)) first.digest = null;
      if (lane.isStopped) this.#handBack(digest.items);
      else if (first) lane.add(first);
    }
    return claimed.flatMap(({ items: [first] }) => first?.tenantId ?? []);
  }

  #take(lane: Lane, delivery: ClaimedDelivery, token: string, readAtMs: number): void {
    const held = this.#hold(lane, delivery, { token, readAtMs, digest: null });
    if (!held) return;
    if (lane.isStopped) this.#handBack([held]);
    // Others of its kind wait until it has ended.
    else if (held.isSuspect) lane.addFirst(held);
    else lane.add(held);
  }

  /** Claimed while the worker was told to end: nobody would begin it any more, and its lease would have to run out. */
  #handBack(claimed: readonly Held[]): void {
    for (const held of claimed) this.#end(held, handedBack(held.attempts));
  }

  /** Null where it isn't to be sent, or not again: it may have left, it was overtaken, its attempts are used up, or this worker is at it already. */
  #hold(
    lane: Lane,
    delivery: ClaimedDelivery,
    { token, readAtMs, digest }: Pick<Held, "token" | "readAtMs" | "digest">,
  ): Held | null {
    const leaseEndsAtMs = readAtMs + this.#settings.leaseSeconds * 1000;
    const mine = this.#held.get(delivery);
    if (mine) {
      // Our own lease ran out while we still hold it (its result may be waiting to be stored): go on under the new one.
      mine.token = token;
      mine.leaseEndsAtMs = leaseEndsAtMs;
      // That begins no attempt; those of others in between were some.
      mine.reclaims = (mine.reclaims ?? 0) + 1;
      mine.attempts = Math.max(mine.attempts, delivery.attempts - mine.reclaims);
      mine.overcount = delivery.attempts - mine.attempts;
      if (delivery.mayHaveLeft && !mine.mayHaveLeft) mine.mayHaveLeftElsewhere = true;
      return null;
    }
    const { known, occurrenceAt, attempts } = delivery;
    const { nextRunAt, bounds } = known?.reminder ?? {};
    const isNewest = nextRunAt === null && known?.lastOccurrenceAt === occurrenceAt;
    const isLast = isNewest || bounds?.misfirePolicy === "all";
    const state = { isLast, notBeforeMs: 0, hasPlace: false, sendingSinceMs: null, hasEnded: false };
    // The flags that a condition made of others names, and its people, weren't read along with it.
    const isRead = !isAsked(known?.reminder.stopCondition ?? null) && !(known && hasAudience(known));
    const asOf = {
      readAtMs: isRead ? readAtMs : Number.NEGATIVE_INFINITY,
      answers: new Map(),
      wasAsked: false,
      stop: null,
      checked: null,
    };
    const held = { ...delivery, digest, token, leaseEndsAtMs, ...asOf, ...state };
    this.#held.add(held);
    // At once: what is queued beside one that ends its workers would lose its attempts to it, and count as failed by them.
    const over = delivery.wasCutShort ? overtaken(held) : null;
    const isExhausted = attempts > attemptsIn(lane.retries);
    if (held.mayHaveLeft) this.#end(held, cutOff());
    else if (over) this.#end(held, isExhausted ? afterAll(over, attempts - 1) : over);
    else if (isExhausted) this.#end(held, exhausted(attempts - 1));
    else return held;
    return null;
  }
}
