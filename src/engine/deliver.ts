import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Message } from "../channels/channel.ts";
import type { Channels } from "../channels/registry.ts";
import { isAsked } from "../conditions/registry.ts";
import { deliveryId } from "../core/reminder.ts";
import { attemptsIn } from "../core/retry.ts";
import type { Tenant } from "../core/tenant.ts";
import { type ClaimedDelivery, claimDeliveries, claimDigests, renewLeases } from "../store/deliveries.ts";
import { nextDigests } from "../store/digests.ts";
import { isDatabaseAway } from "../store/postgres.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { type Earliest, nextAttempts } from "../store/wake.ts";
import type { Written } from "../templates/writer.ts";
import { AnswerLinks } from "./answer-links.ts";
import type { Questions } from "./asking/questions.ts";
import { hasAudience } from "./audience.ts";
import { DigestSender } from "./digest-sender.ts";
import { Gate, MustAsk, Overtaken, Postponed } from "./gate.ts";
import { type Digest, type Held, HeldDeliveries } from "./held.ts";
import { Lane } from "./lane.ts";
import type { Look } from "./low-mark.ts";
import { messageFor } from "./message.ts";
import { exhausted, failed, handedBack, type Outcome, sent } from "./outcome.ts";
import type { Places } from "./places.ts";
import { Recorder } from "./recorder.ts";
import type { Ended } from "./results.ts";
import type { EngineSettings } from "./settings.ts";
import { withinMs } from "./within.ts";
import type { Words } from "./words.ts";

/** How long `stop` waits for aborted sends to end and for their results to be stored. */
const WIND_UP_MS = 700;
/** How long a channel may take to wind up after its signal fired; then we go on without it. */
const ABORT_GRACE_MS = 500;
const SWEEP_MS = 250;
/** Where a tenant has all the places of a lane that it may have, what waits there of the others is looked for this often. */
const PASSED_OVER_MS = 100;
/** Digests are looked for this often: they are due to the minute. */
const DIGESTS_MS = 1_000;
/** And those of other tenants than had some just now. */
const OTHERS_MS = 1_000;

/** Sends what this worker holds: a lane for each channel, results in batches, leases renewed while it lasts. */
export class Deliverer {
  readonly #database: WorkerDatabase;
  readonly #settings: EngineSettings;
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #held = new HeldDeliveries();
  readonly #recorder: Recorder;
  readonly #gate: Gate;
  readonly #words: Words;
  readonly #answers: AnswerLinks;
  readonly #digests: DigestSender;
  #digestsLookAtMs = Number.NEGATIVE_INFINITY;
  #othersLookAtMs = Number.NEGATIVE_INFINITY;
  readonly #sweeper: NodeJS.Timeout;
  readonly #log: Logger;
  readonly #onClaimable: () => void;
  #isStopping = false;
  #isEnding = false;

  /** `onClaimable` is called when there may be something to claim sooner than the last `claim` said. */
  constructor(
    database: WorkerDatabase,
    channels: Channels,
    questions: Questions,
    words: Words,
    settings: EngineSettings,
    log: Logger,
    onClaimable: () => void,
  ) {
    this.#database = database;
    this.#settings = settings;
    this.#log = log;
    this.#onClaimable = onClaimable;
    this.#words = words;
    this.#answers = new AnswerLinks(database, settings.links ?? { publicUrl: null, days: settings.answerDays });
    this.#gate = new Gate({ database, questions, channels, settings, log });
    this.#recorder = new Recorder({
      database,
      log,
      ...{ hold: settings.hold, fallbacks: settings.fallbacks, channels },
      onStored: (batch) => {
        for (const { held } of batch) this.#held.remove(held);
        if (batch.some(leavesMore)) onClaimable();
      },
    });
    this.#digests = new DigestSender({
      gate: this.#gate,
      write: (lane, held) => this.#write(lane, held),
      end: (held, outcome, lane) => this.#end(held, outcome, lane),
      letGo: (held, lane) => this.#letGo(held, lane),
      isEnding: () => this.#isEnding,
    });
    const begin = (lane: Lane, held: Held): void => {
      void (held.digest === null ? this.#deliver(lane, held) : this.#digests.deliver(lane, held.digest));
    };
    this.#lanes = new Map(
      [...channels].map(([name, channel]) => [name, new Lane(channel, settings, begin, onClaimable)]),
    );
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
  }

  /** The places that each lane has now, to plan with. */
  rooms(): Map<string, Places> {
    return new Map([...this.#lanes].map(([name, lane]) => [name, lane.places()]));
  }

  /** Call when something had to be left in the database because its lane was full. */
  turnedAway(channel: string): void {
    this.#lanes.get(channel)?.turnedAway();
  }

  /** Takes over a delivery that was just fired under `held.token`. */
  accept(held: Held): void {
    this.#held.add(held);
    this.#lanes.get(held.channel)?.add(held);
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
    const lookedAt = isRoutine ? this.#withRoomForAll() : [];
    if (lookedAt.length === this.#lanes.size) {
      const inMs = Math.min(digestMs, await this.#lookForNext(lookedAt));
      if (inMs > 0) return inMs;
    }
    for (const lane of this.#lanes.values()) {
      const limit = Math.min(lane.room, this.#settings.batchSize);
      const count = limit > 0 ? await this.#claimFor(lane, limit) : 0;
      if (limit > 0 && (count >= limit || lane.after !== null)) isMore = true;
      if (lane.room === 0 || lane.places().full().length > 0) lane.turnedAway();
      claimed += count;
    }
    const withRoom = [...this.#lanes.values()].filter((lane) => lane.room > 0);
    const withRoomForAll = this.#withRoomForAll();
    // Asked for also where there is more, so that the marks keep up.
    const lookedForMs = await this.#lookForNext(withRoomForAll);
    const soonestMs = Math.min(lookedForMs, digestMs);
    const nextMs = withRoomForAll.length < withRoom.length ? Math.min(soonestMs, PASSED_OVER_MS) : soonestMs;
    if (isMore && withRoom.length > 0) return 0;
    return claimed > 0 ? Math.max(0, nextMs) : nextMs;
  }

  /** Prolongs the leases of what has been held for a while. One that another worker has taken over is left to run out. */
  async renew(): Promise<void> {
    const { leaseSeconds } = this.#settings;
    const startedAtMs = performance.now();
    const ageing = this.#held.values().filter((held) => held.leaseEndsAtMs - startedAtMs < (leaseSeconds * 2_000) / 3);
    const renewed = new Set((await renewLeases(this.#database, ageing, leaseSeconds)).map(deliveryId));
    for (const held of ageing) {
      if (renewed.has(deliveryId(held))) held.leaseEndsAtMs = startedAtMs + leaseSeconds * 1000;
    }
  }

  /** Hands back what has not begun, waits `graceMs` for what has, then aborts it. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    const lanes = [...this.#lanes.values()];
    const notBegun = lanes.flatMap((lane) => lane.stop()).flatMap((held) => held.digest?.items ?? [held]);
    for (const held of notBegun) this.#end(held, handedBack(held.attempts));
    await withinMs(graceMs, this.#held.empty());
    this.#isEnding = true;
    this.#recorder.hurry();
    for (const lane of lanes) lane.deadlines.abortAll();
    await withinMs(WIND_UP_MS, this.#held.empty());
    clearInterval(this.#sweeper);
  }

  /** What a tenant that has all its places in the others still has waiting would hide when others' is due. */
  #withRoomForAll(): Lane[] {
    return [...this.#lanes.values()].filter((lane) => lane.room > 0 && lane.places().full().length === 0);
  }

  /** Milliseconds until there is something to claim for one of these lanes. */
  async #lookForNext(lanes: readonly Lane[]): Promise<number> {
    if (lanes.length === 0) return Number.POSITIVE_INFINITY;
    const looks = lanes.map((lane) => ({ name: lane.channel.name, ...lane.mark.begin() }));
    const found = await nextAttempts(this.#database, looks);
    return Math.min(...lanes.map((lane, n) => lane.mark.end(looks[n] as Look, found[n] as Earliest)));
  }

  async #claimFor(lane: Lane, limit: number): Promise<number> {
    const lease = { token: randomUUID(), seconds: this.#settings.leaseSeconds };
    const readAtMs = performance.now();
    const { claimed, next } = await claimDeliveries(this.#database, {
      channel: lane.channel.name,
      limit,
      suspects: this.#suspectsFor(lane),
      from: lane.mark.from,
      after: lane.after,
      room: lane.places(),
      lease,
      maxAttempts: attemptsIn(lane.retries),
    });
    lane.after = next;
    for (const delivery of claimed) this.#take(lane, delivery, lease.token, readAtMs);
    return claimed.length;
  }

  /** One at a time, so that the one which ends its workers is found by itself, and takes no other along each time. */
  #suspectsFor({ channel }: Lane): number {
    return this.#held.values().some((held) => held.isSuspect && held.channel === channel.name) ? 0 : 1;
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
    const waitMs = claimed > 0 ? PASSED_OVER_MS : DIGESTS_MS;
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
      if (first) lane.add(first);
    }
    return claimed.flatMap(({ items: [first] }) => first?.tenantId ?? []);
  }

  #take(lane: Lane, delivery: ClaimedDelivery, token: string, readAtMs: number): void {
    const held = this.#hold(lane, delivery, { token, readAtMs, digest: null });
    if (held) lane.add(held);
  }

  /** Null where it isn't to be sent, or not again: its attempts are used up, or this worker is at it already. */
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
      mine.attempts = delivery.attempts;
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
    };
    const held = { ...delivery, digest, token, leaseEndsAtMs, ...asOf, ...state };
    this.#held.add(held);
    if (attempts <= attemptsIn(lane.retries)) return held;
    this.#end(held, exhausted(attempts - 1));
    return null;
  }

  async #deliver(lane: Lane, held: Held): Promise<void> {
    try {
      await this.#gate.pass(held);
      held.sendingSinceMs = performance.now();
      const signal = lane.deadlines.signal(held.sendingSinceMs);
      const { message, instead } = await this.#write(lane, held);
      const receipt = await lane.channel.send(message, { signal, beforeSend: () => this.#gate.pass(held) });
      this.#end(held, sent(receipt, instead), lane);
    } catch (error) {
      if (error instanceof Postponed) this.#letGo(held, lane);
      else if (error instanceof MustAsk) await this.#ask(lane, held);
      else if (error instanceof Overtaken) this.#end(held, error.outcome, lane);
      else this.#end(held, failed(error, held.attempts, lane.retries, this.#isEnding), lane);
    }
  }

  /** Its links and its words. While nobody can say which, it goes back, to be taken up when the database is there again. */
  async #write(lane: Lane, held: Held): Promise<{ message: Message; instead: Written["instead"] }> {
    try {
      const links = await this.#answers.links(held);
      const buttons = lane.channel.hasButtons ? await this.#answers.buttons(held) : null;
      const message = messageFor(held, { links, buttons });
      const written = await this.#words.write(lane.channel.name, message);
      if (written) message.written = written;
      return { message, instead: written?.instead ?? null };
    } catch (error) {
      if (isDatabaseAway(error)) throw new Overtaken(handedBack(held.attempts));
      throw error;
    }
  }

  /**
   * Gives its place to others while somebody outside is asked, and takes its turn again after that. If the answer grew too old
   * before its turn came it keeps its place the next time: in a lane that is slow and full it would else ask for ever.
   */
  async #ask(lane: Lane, held: Held): Promise<void> {
    held.sendingSinceMs = null;
    const keepsPlace = held.wasAsked;
    held.wasAsked = true;
    if (!keepsPlace) lane.ended(held);
    let outcome: Outcome | null;
    try {
      outcome = await this.#gate.ask(held);
    } catch (error) {
      outcome = failed(error, held.attempts, lane.retries, this.#isEnding);
    }
    if (this.#isStopping) outcome ??= handedBack(held.attempts);
    if (outcome) this.#end(held, outcome, keepsPlace ? lane : undefined);
    else if (keepsPlace) await this.#deliver(lane, held);
    else lane.addFirst(held);
  }

  /** What was put back already leaves nothing to be stored. */
  #letGo(held: Held, lane: Lane): void {
    if (held.hasEnded) return;
    held.hasEnded = true;
    this.#held.remove(held);
    leave(lane, held);
    this.#onClaimable();
  }

  /** Ends the attempt, once: frees its place in the lane and has the outcome stored. */
  #end(held: Held, outcome: Outcome, lane?: Lane): void {
    if (held.hasEnded) return;
    held.hasEnded = true;
    this.#report(held, outcome);
    this.#recorder.add({ held, outcome });
    if (lane) leave(lane, held);
  }

  #report({ channel, attempts, ...key }: Held, { status, reason, untried }: Outcome): void {
    if (status === "sent" || status === "suppressed" || untried) return;
    this.#log.warn(
      { delivery: deliveryId(key), channel, delivery_attempt: attempts, status, reason },
      "a message was not sent",
    );
  }

  /** Ends sends whose channel doesn't heed its signal, so that none holds its place for ever. */
  #sweep(): void {
    const nowMs = performance.now();
    for (const held of this.#held.values()) {
      const lane = this.#lanes.get(held.channel);
      if (!lane || held.sendingSinceMs === null || held.hasEnded) continue;
      const allowedMs = this.#isEnding ? 0 : lane.channel.timeoutMs + ABORT_GRACE_MS;
      if (nowMs - held.sendingSinceMs < allowedMs) continue;
      const error = new Error("the receiver did not answer in time");
      this.#end(held, failed(error, held.attempts, lane.retries, this.#isEnding), lane);
    }
  }
}

/** Frees its place; that of a digest with the last of its items. */
function leave(lane: Lane, held: Held): void {
  if (held.digest === null || held.digest.items.every(({ hasEnded }) => hasEnded)) lane.ended(held);
}

/** True when there may be something to claim after this: it was put back, goes over another channel, or kept others of its kind waiting. */
function leavesMore({ held, outcome }: Ended): boolean {
  const { status, mayGoOver } = outcome;
  return status === "retrying" || status === "pending" || held.isSuspect || mayGoOver === true;
}
