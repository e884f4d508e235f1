import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Channel } from "../channels/channel.ts";
import type { Channels } from "../channels/registry.ts";
import { stopAnswer } from "../conditions/registry.ts";
import { recheck } from "../core/recheck.ts";
import { deliveryId } from "../core/reminder.ts";
import { type ClaimedDelivery, claimDeliveries, readFacts, renewLeases } from "../store/deliveries.ts";
import type { Database } from "../store/postgres.ts";
import type { ReminderWithFacts } from "../store/reminder-row.ts";
import { nextAttemptInMs } from "../store/wake.ts";
import { Batcher } from "./batcher.ts";
import { type Held, HeldDeliveries, isLeaseValid } from "./held.ts";
import { Lane } from "./lane.ts";
import { messageFor } from "./message.ts";
import { exhausted, failed, handedBack, type Outcome, sent, suppressed } from "./outcome.ts";
import { createRecorder, type Ended } from "./results.ts";
import { type EngineSettings, FRESH_MS } from "./settings.ts";
import { withinMs } from "./within.ts";

const LARGEST_READ = 1_000;

/** Where the database takes longer than `FRESH_MS` to answer, its answer is taken as it is after this many tries. */
const MOST_READS = 3;
/** How long `stop` waits for aborted sends to end and for their results to be stored. */
const WIND_UP_MS = 1_000;

/** A reminder and its facts, and `performance.now()` before they were read. */
type Reading = Pick<Held, "known" | "readAtMs">;

/** Sends what this worker holds: a lane for each channel, results in batches, leases renewed while it lasts. */
export class Deliverer {
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #database: Database;
  readonly #settings: EngineSettings;
  readonly #held = new HeldDeliveries();
  readonly #recorder: Batcher<Ended, undefined>;
  readonly #reader: Batcher<number, Reading>;
  readonly #ending = new AbortController();

  /** `onClaimable` is called when there may be something to claim sooner than the last `claim` said. */
  constructor(database: Database, channels: Channels, settings: EngineSettings, log: Logger, onClaimable: () => void) {
    this.#database = database;
    this.#settings = settings;
    this.#recorder = createRecorder(database, log, this.#ending.signal, onClaimable);
    this.#reader = new Batcher((ids) => this.#read(ids), LARGEST_READ);
    this.#lanes = new Map(
      [...channels].map(([name, channel]) => [
        name,
        new Lane(channel, (held) => this.#deliver(channel, held), onClaimable),
      ]),
    );
  }

  /** How many deliveries each lane takes now. */
  rooms(): Map<string, number> {
    return new Map([...this.#lanes].map(([name, lane]) => [name, lane.room]));
  }

  /** Call when something had to be left in the database because its lane was full. */
  turnedAway(channel: string): void {
    this.#lanes.get(channel)?.turnedAway();
  }

  /** Takes over deliveries that were just fired under `held.token`. */
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

  /** Prolongs the leases of what has been held for a while. What another worker has taken over is let go. */
  async renew(): Promise<void> {
    const { leaseSeconds } = this.#settings;
    const startedAtMs = performance.now();
    const ageing = this.#held
      .values()
      .filter((held) => held.leaseEndsAtMs - startedAtMs < (leaseSeconds * 1000 * 2) / 3);
    const renewed = new Set((await renewLeases(this.#database, ageing, leaseSeconds)).map(deliveryId));
    for (const held of ageing) {
      if (renewed.has(deliveryId(held))) held.leaseEndsAtMs = startedAtMs + leaseSeconds * 1000;
    }
  }

  /** Hands back what has not begun, waits `graceMs` for what has, then aborts it. */
  async stop(graceMs: number): Promise<void> {
    const lanes = [...this.#lanes.values()];
    for (const held of lanes.flatMap((lane) => lane.stop())) this.#record(held, handedBack(held.attempts));
    await withinMs(graceMs, this.#held.empty());
    this.#ending.abort();
    for (const held of this.#held.values()) held.abort.abort();
    await withinMs(WIND_UP_MS, this.#held.empty());
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
    const { reminderId, occurrenceAt, recipientNo, channel, recipient, attempts, known } = delivery;
    const isLast = known?.reminder.nextRunAt === null && known.lastOccurrenceAt === occurrenceAt;
    const key = { reminderId, occurrenceAt, recipientNo };
    const abort = new AbortController();
    const held: Held = { ...key, token, channel, recipient, attempts, known, readAtMs, leaseEndsAtMs, abort, isLast };
    this.#held.add(held);
    if (attempts > this.#settings.retry.maxAttempts) this.#record(held, exhausted(attempts - 1));
    else lane.add(held);
  }

  async #deliver(channel: Channel, held: Held): Promise<void> {
    this.#record(held, (await this.#askAgain(held)) ?? (await this.#send(channel, held)));
  }

  /** The reminder and its stop condition once more, right before the send. Null: it may leave. */
  async #askAgain(held: Held): Promise<Outcome | null> {
    try {
      for (let reads = 0; reads < MOST_READS && performance.now() - held.readAtMs > FRESH_MS; reads += 1) {
        Object.assign(held, await this.#reader.add(held.reminderId));
      }
    } catch {
      // Without an answer nothing may leave. It goes back, to be taken up when the database is there again.
      return handedBack(held.attempts);
    }
    if (!isLeaseValid(held, performance.now())) return handedBack(held.attempts);
    if (!held.known) return suppressed("deleted", "the reminder's row was removed");
    const { reminder, lastOccurrenceAt, facts } = held.known;
    const now = { status: reminder.status, deletedAt: reminder.deletedAt, lastOccurrenceAt };
    const suppression = recheck(held.occurrenceAt, now, stopAnswer(reminder.stopCondition, facts));
    return suppression && suppressed(suppression.reason, suppression.because);
  }

  async #send(channel: Channel, held: Held): Promise<Outcome> {
    const timer = setTimeout(() => held.abort.abort(), channel.timeoutMs);
    try {
      const message = messageFor(held, held.known as ReminderWithFacts);
      return sent(await orAbort(channel.send(message, { signal: held.abort.signal }), held.abort.signal));
    } catch (error) {
      return failed(error, held.attempts, this.#settings.retry, this.#ending.signal.aborted);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Stores the outcome; the lane goes on meanwhile. */
  #record(held: Held, outcome: Outcome): void {
    void this.#recorder.add({ held, outcome }).then(() => this.#held.remove(held));
  }

  async #read(ids: number[]): Promise<Reading[]> {
    const readAtMs = performance.now();
    const facts = await readFacts(this.#database, ids);
    return ids.map((id) => ({ known: facts.get(id) ?? null, readAtMs }));
  }
}

/** How long a channel may take to wind up after it was told to stop; then we go on without it. */
const ABORT_GRACE_MS = 500;

/** The send's own end; or, if it doesn't heed the signal, an end made for it. */
async function orAbort<T>(send: Promise<T>, signal: AbortSignal): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const cutOff = new Promise<never>((_, reject) => {
    const arm = (): void => {
      timer = setTimeout(() => reject(new Error("the receiver did not answer in time")), ABORT_GRACE_MS);
    };
    if (signal.aborted) arm();
    else signal.addEventListener("abort", arm, { once: true });
  });
  try {
    return await Promise.race([send, cutOff]);
  } finally {
    clearTimeout(timer);
  }
}
