import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Channels } from "../channels/registry.ts";
import { stopAnswer } from "../conditions/registry.ts";
import { recheck } from "../core/recheck.ts";
import { deliveryId } from "../core/reminder.ts";
import { type ClaimedDelivery, claimDeliveries, readFacts, renewLeases } from "../store/deliveries.ts";
import type { ReminderWithFacts } from "../store/engine-row.ts";
import type { Database } from "../store/postgres.ts";
import { nextAttemptInMs } from "../store/wake.ts";
import { Batcher } from "./batcher.ts";
import { type Held, HeldDeliveries, isLeaseValid } from "./held.ts";
import { Lane } from "./lane.ts";
import { messageFor } from "./message.ts";
import { exhausted, failed, handedBack, type Outcome, sent, suppressed } from "./outcome.ts";
import { Recorder } from "./recorder.ts";
import { type EngineSettings, FRESH_MS } from "./settings.ts";
import { withinMs } from "./within.ts";

const LARGEST_READ = 1_000;
/** Where the database takes longer than `FRESH_MS` to answer, its answer is taken as it is after this many tries. */
const MOST_READS = 3;
/** How long `stop` waits for aborted sends to end and for their results to be stored. */
const WIND_UP_MS = 1_000;
/** How long a channel may take to wind up after its signal fired; then we go on without it. */
const ABORT_GRACE_MS = 500;
const SWEEP_MS = 250;

/** A reminder and its facts, and when they were read. */
type Reading = Pick<Held, "known" | "readAtMs">;

/** Sends what this worker holds: a lane for each channel, results in batches, leases renewed while it lasts. */
export class Deliverer {
  readonly #database: Database;
  readonly #settings: EngineSettings;
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #held = new HeldDeliveries();
  readonly #recorder: Recorder;
  readonly #reader: Batcher<number, Reading>;
  readonly #sweeper: NodeJS.Timeout;
  #isEnding = false;

  /** `onClaimable` is called when there may be something to claim sooner than the last `claim` said. */
  constructor(database: Database, channels: Channels, settings: EngineSettings, log: Logger, onClaimable: () => void) {
    this.#database = database;
    this.#settings = settings;
    this.#reader = new Batcher((ids) => this.#read(ids), LARGEST_READ);
    this.#recorder = new Recorder({
      database,
      log,
      onStored: (batch) => {
        for (const { held } of batch) this.#held.remove(held);
        if (batch.some(({ outcome }) => outcome.status === "retrying" || outcome.status === "pending")) onClaimable();
      },
    });
    const begin = (lane: Lane, held: Held): void => void this.#deliver(lane, held);
    this.#lanes = new Map([...channels].map(([name, channel]) => [name, new Lane(channel, begin, onClaimable)]));
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
  }

  /** How many deliveries each lane takes now. */
  rooms(): Map<string, number> {
    return new Map([...this.#lanes].map(([name, lane]) => [name, lane.room]));
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

  /** Claims what waits in the database for each channel that has room; resolves to the milliseconds until there is more. */
  async claim(): Promise<number> {
    for (const lane of this.#lanes.values()) {
      while (lane.room > 0) {
        const limit = Math.min(lane.room, this.#settings.batchSize);
        if ((await this.#claimFor(lane, limit)) < limit) break;
        if (lane.room === 0) lane.turnedAway();
      }
    }
    const withRoom = [...this.#lanes.values()].filter((lane) => lane.room > 0).map((lane) => lane.channel.name);
    return (await nextAttemptInMs(this.#database, withRoom)) ?? Number.POSITIVE_INFINITY;
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
    const lanes = [...this.#lanes.values()];
    for (const held of lanes.flatMap((lane) => lane.stop())) this.#end(held, handedBack(held.attempts));
    await withinMs(graceMs, this.#held.empty());
    this.#isEnding = true;
    this.#recorder.hurry();
    for (const lane of lanes) lane.deadlines.abortAll();
    await withinMs(WIND_UP_MS, this.#held.empty());
    clearInterval(this.#sweeper);
  }

  async #claimFor(lane: Lane, limit: number): Promise<number> {
    const lease = { token: randomUUID(), seconds: this.#settings.leaseSeconds };
    const readAtMs = performance.now();
    const claimed = await claimDeliveries(this.#database, lane.channel.name, limit, lease);
    for (const delivery of claimed) this.#take(lane, delivery, lease.token, readAtMs);
    return claimed.length;
  }

  #take(lane: Lane, delivery: ClaimedDelivery, token: string, readAtMs: number): void {
    const leaseEndsAtMs = readAtMs + this.#settings.leaseSeconds * 1000;
    const mine = this.#held.get(delivery);
    if (mine) {
      // Our own lease ran out while we still hold it (its result may be waiting to be stored): go on under the new one.
      mine.token = token;
      mine.leaseEndsAtMs = leaseEndsAtMs;
      return;
    }
    const { known, occurrenceAt, attempts } = delivery;
    const isLast = known?.reminder.nextRunAt === null && known.lastOccurrenceAt === occurrenceAt;
    const held = { ...delivery, token, readAtMs, leaseEndsAtMs, isLast, sendingSinceMs: null, hasEnded: false };
    this.#held.add(held);
    if (attempts > this.#settings.retry.maxAttempts) this.#end(held, exhausted(attempts - 1));
    else lane.add(held);
  }

  async #deliver(lane: Lane, held: Held): Promise<void> {
    if (performance.now() - held.readAtMs > FRESH_MS && !(await this.#readAgain(held))) {
      // Without an answer nothing may leave. It goes back, to be taken up when the database is there again.
      this.#end(held, handedBack(held.attempts), lane);
      return;
    }
    const nowMs = performance.now();
    const reason = this.#reasonNotTo(held, nowMs);
    if (reason || !held.known) {
      this.#end(held, reason ?? handedBack(held.attempts), lane);
      return;
    }
    held.sendingSinceMs = nowMs;
    try {
      const receipt = await lane.channel.send(messageFor(held, held.known), { signal: lane.deadlines.signal(nowMs) });
      this.#end(held, sent(receipt), lane);
    } catch (error) {
      this.#end(held, failed(error, held.attempts, this.#settings.retry, this.#isEnding), lane);
    }
  }

  /** Reads the reminder and its facts until they are fresh; false when the database doesn't answer. */
  async #readAgain(held: Held): Promise<boolean> {
    try {
      for (let reads = 0; reads < MOST_READS && performance.now() - held.readAtMs > FRESH_MS; reads += 1) {
        Object.assign(held, await this.#reader.add(held.reminderId));
      }
      return true;
    } catch {
      return false;
    }
  }

  /** What ends the delivery right before its send, if anything does. */
  #reasonNotTo(held: Held, nowMs: number): Outcome | null {
    if (!isLeaseValid(held, nowMs)) return handedBack(held.attempts);
    if (!held.known) return suppressed("deleted", "the reminder's row was removed");
    const { reminder, lastOccurrenceAt, facts } = held.known;
    const now = { status: reminder.status, deletedAt: reminder.deletedAt, lastOccurrenceAt };
    const suppression = recheck(held.occurrenceAt, now, stopAnswer(reminder.stopCondition, facts));
    return suppression && suppressed(suppression.reason, suppression.because);
  }

  /** Ends the attempt, once: frees its place in the lane and has the outcome stored. */
  #end(held: Held, outcome: Outcome, lane?: Lane): void {
    if (held.hasEnded) return;
    held.hasEnded = true;
    this.#recorder.add({ held, outcome });
    lane?.ended();
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
      this.#end(held, failed(error, held.attempts, this.#settings.retry, this.#isEnding), lane);
    }
  }

  async #read(ids: number[]): Promise<Reading[]> {
    const readAtMs = performance.now();
    const facts: Map<number, ReminderWithFacts> = await readFacts(this.#database, ids);
    return ids.map((id) => ({ known: facts.get(id) ?? null, readAtMs }));
  }
}
