import type { Logger } from "pino";
import { deliveryId } from "../core/reminder.ts";
import {
  isDatabaseAway,
  isFaultOfRows,
  isFaultOfStatement,
  isHeldElsewhere,
  isLockTimeout,
} from "../store/postgres.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { type Left, storeFree } from "./free-results.ts";
import { passOnPlaces } from "./kept-places.ts";
import { backoffMs } from "./loop.ts";
import { type Ended, unlessSentElsewhere, withoutTexts } from "./outcome.ts";
import { hasConsequences, type Keeping, storeResults } from "./results.ts";

const LARGEST_BATCH = 1_000;
/** What somebody else has locked is asked for again after this, in milliseconds, and meanwhile one of it is waited for where it is. */
const BETWEEN_LOOKS_MS = 100;
const WARN_EVERY_MS = 10_000;

export interface RecorderOptions extends Keeping {
  database: WorkerDatabase;
  log: Logger;
  /** With so many results unstored it is full. */
  mostUnstored: number;
  /** Called with what no longer needs to be held: its result is stored, or can't be. */
  onStored: (batch: readonly Ended[]) => void;
}

/** What is still to be stored of a batch. */
interface Unstored {
  /** Once more, under the new claim that this worker made meanwhile. */
  again: Ended[];
  /** Once nobody else has their rows locked any more. */
  locked: Ended[];
}

/**
 * Stores what became of attempts: at once when there is little, in growing batches when there is much. While the
 * database is away, or refuses what it took before, it keeps the results and tries again: a result that is lost is a message sent twice.
 * Those whose rows somebody has locked for long are waited for apart, and hold up no others.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #waiting: Ended[] = [];
  #working = false;
  #unstored = 0;
  #warnedAtMs = Number.NEGATIVE_INFINITY;
  readonly #locked: Ended[] = [];
  #waitsForLocked = false;
  #endsSoon = false;
  #givesUp = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** While it is, nothing more is to be begun: each of these is a message that is sent again, or of which nobody knows, should this worker die. */
  get isFull(): boolean {
    return this.#unstored >= this.#options.mostUnstored;
  }

  add(ended: Ended): void {
    this.#unstored += 1;
    if (this.isFull) this.#warnThatFull();
    this.#waiting.push(ended);
    if (this.#working) return;
    this.#working = true;
    // What ends in the same turn of the event loop travels together.
    setImmediate(() => void this.#work());
  }

  /** From now on nobody is waited for: whoever is to end has no time for all to wait for one. */
  endSoon(): void {
    this.#endsSoon = true;
  }

  /** From now on a result that can't be stored at once is given up: its lease runs out, and another worker sees to it. */
  giveUp(): void {
    this.#givesUp = true;
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Who has one row locked for long may have others.
      await this.#storeNext(this.#waiting, this.#waitsForLocked || this.#endsSoon ? PASSING_OVER : WAITING);
      if (this.#locked.length > 0 && !this.#waitsForLocked) {
        this.#waitsForLocked = true;
        this.#options.log.warn({ results: this.#locked.length }, "waiting for rows that somebody has locked");
        void this.#waitForLocked();
      }
    }
    this.#working = false;
  }

  async #waitForLocked(): Promise<void> {
    while (this.#locked.length > 0) {
      await this.#storeNext(this.#locked, SEARCHING);
      if (this.#givesUp) this.#ended(this.#locked.splice(0), NOTHING);
      // In the queue for its row: when that is free, its lease may have run out, and others want it too. One, for whatever else it has it keeps from others.
      if (this.#locked.length > 0 && !this.#endsSoon) await this.#storeNext(this.#locked, WAITING, 1);
      if (this.#locked.length > 0) await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MS));
    }
    this.#waitsForLocked = false;
  }

  async #storeNext(queue: Ended[], store: Store, most = LARGEST_BATCH): Promise<void> {
    const batch = queue.splice(0, most);
    const { again, locked } = await this.#store(batch, store);
    queue.push(...again);
    this.#locked.push(...locked);
  }

  /** Says what needs no longer be held as soon as that is so: what was put back may be claimed again. */
  #ended(batch: Ended[], { again, locked }: Unstored): Unstored {
    const unstored = new Set([...again, ...locked]);
    this.#unstored -= batch.length - unstored.size;
    this.#options.onStored(unstored.size === 0 ? batch : batch.filter((ended) => !unstored.has(ended)));
    return { again, locked };
  }

  /** Once in a while: as each is stored, the next may make it full again. */
  #warnThatFull(): void {
    const nowMs = performance.now();
    if (nowMs - this.#warnedAtMs < WARN_EVERY_MS) return;
    this.#warnedAtMs = nowMs;
    this.#options.log.warn({ results: this.#unstored }, "taking no more messages until more results are stored");
  }

  async #store(batch: Ended[], store: Store): Promise<Unstored> {
    const { database, log } = this.#options;
    for (let failures = 0; ; failures += 1) {
      // While it waited, its claim may have run out, and come back from another worker.
      for (const ended of batch) ended.outcome = unlessSentElsewhere(ended);
      const tokens = new Map(batch.map((ended) => [ended, ended.held.token]));
      try {
        const { lost, locked } = await store.run(database, batch, this.#options);
        const again = lost.filter((ended) => ended.held.token !== tokens.get(ended));
        const unstored = this.#ended(batch, { again, locked });
        // Nobody waits for that: what was put back may be claimed again already.
        void passOnPlaces(database, again.length === 0 ? lost : lost.filter((ended) => !again.includes(ended)), log);
        return unstored;
      } catch (error) {
        if (store.onLocked === "pass over" && isHeldElsewhere(error)) return await this.#store(batch, PASSING_OVER);
        // Rows of other tables are locked too (an address that somebody is just suppressing, say).
        if (isLockTimeout(error)) return await this.#storeApart(batch, store);
        if (this.#givesUp && !isFaultOfRows(error)) return this.#ended(batch, NOTHING);
        const isRefused = isFaultOfStatement(error);
        if (!isRefused && !isDatabaseAway(error)) return await this.#storeOneByOne(batch, store, error);
        const told = { results: batch.length, ...(isRefused && { err: error }) };
        if (failures === 0) log[isRefused ? "error" : "warn"](told, "keeping results until the database takes them");
        await new Promise((resolve) => setTimeout(resolve, backoffMs(failures)));
      }
    }
  }

  /**
   * Nothing but its own row is needed for what nothing follows from. The rest wants rows of other tables, and is looked through by whoever
   * waits for what is locked: each half with one of them in it takes its time, and others would wait.
   */
  async #storeApart(batch: Ended[], store: Store): Promise<Unstored> {
    if (store.onLocked === "split") {
      const others = batch.filter(hasConsequences);
      const alone = batch.filter((ended) => !hasConsequences(ended));
      if (alone.length === 0 || others.length === 0) return { again: [], locked: batch };
      const { again, locked } = await this.#store(alone, store);
      return { again, locked: [...locked, ...others] };
    }
    if (batch.length === 1) return { again: [], locked: batch };
    const half = Math.ceil(batch.length / 2);
    const one = await this.#store(batch.slice(0, half), store);
    const other = await this.#store(batch.slice(half), store);
    return { again: [...one.again, ...other.again], locked: [...one.locked, ...other.locked] };
  }

  /** One row that can't be stored must not take the others with it; if its words are the reason, it goes without them. */
  async #storeOneByOne(batch: Ended[], store: Store, error: unknown): Promise<Unstored> {
    const [only, ...others] = batch;
    if (!only) return NOTHING;
    if (others.length > 0) {
      const unstored: Unstored = { again: [], locked: [] };
      for (const ended of batch) {
        const { again, locked } = await this.#store([ended], store);
        unstored.again.push(...again);
        unstored.locked.push(...locked);
      }
      return unstored;
    }
    this.#options.log.error({ err: error, delivery: deliveryId(only.held) }, "a result can't be stored as it is");
    const bare = withoutTexts(only.outcome);
    if (bare === only.outcome) return this.#ended([only], NOTHING);
    return await this.#store([{ held: only.held, outcome: bare }], store);
  }
}

const NOTHING: Unstored = Object.freeze({ again: [], locked: [] });

/** A way of storing results, and what is done where it waits in vain for what somebody else has locked. */
interface Store {
  run: (database: WorkerDatabase, batch: readonly Ended[], keep: Keeping) => Promise<Left>;
  onLocked: "pass over" | "split" | "halve";
}

const WAITING: Store = {
  run: async (database, batch, keep) => ({ lost: await storeResults(database, batch, keep), locked: [] }),
  onLocked: "pass over",
};
/** Leaves what is locked to whoever looks for it, and all that may need it. */
const PASSING_OVER: Store = { run: storeFree, onLocked: "split" };
/** Finds out which of them are free. */
const SEARCHING: Store = { run: storeFree, onLocked: "halve" };
