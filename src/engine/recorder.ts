import type { Logger } from "pino";
import { deliveryId } from "../core/reminder.ts";
import { isDatabaseAway, isFaultOfStatement } from "../store/postgres.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { backoffMs } from "./loop.ts";
import { withoutTexts } from "./outcome.ts";
import { type Ended, type Keeping, storeResults } from "./results.ts";

const LARGEST_BATCH = 1_000;

export interface RecorderOptions extends Keeping {
  database: WorkerDatabase;
  log: Logger;
  /** Called with what no longer needs to be held: its result is stored, or can't be. */
  onStored: (batch: readonly Ended[]) => void;
}

/**
 * Stores what became of attempts: at once when there is little, in growing batches when there is much. While the
 * database is away, or refuses what it took before, it keeps the results and tries again: a result that is lost is a message sent twice.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  #waiting: Ended[] = [];
  #working = false;
  #hurried = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  add(ended: Ended): void {
    this.#waiting.push(ended);
    if (this.#working) return;
    this.#working = true;
    // What ends in the same turn of the event loop travels together.
    setImmediate(() => void this.#work());
  }

  /** From now on a result that can't be stored is given up: its lease runs out, and another worker sees to it. */
  hurry(): void {
    this.#hurried = true;
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, LARGEST_BATCH);
      const again = await this.#store(batch);
      this.#waiting.push(...again);
      this.#options.onStored(again.length === 0 ? batch : batch.filter((ended) => !again.includes(ended)));
    }
    this.#working = false;
  }

  /** Returns what has to be stored once more, under the new claim that this worker made meanwhile. */
  async #store(batch: Ended[]): Promise<Ended[]> {
    const { database, log } = this.#options;
    for (let failures = 0; ; failures += 1) {
      const tokens = new Map(batch.map((ended) => [ended, ended.held.token]));
      try {
        const left = await storeResults(database, batch, this.#options);
        return left.filter((ended) => ended.held.token !== tokens.get(ended));
      } catch (error) {
        const isRefused = isFaultOfStatement(error);
        if (!isRefused && !isDatabaseAway(error)) return await this.#storeOneByOne(batch, error);
        if (this.#hurried) return [];
        const told = { results: batch.length, ...(isRefused && { err: error }) };
        if (failures === 0) log[isRefused ? "error" : "warn"](told, "keeping results until the database takes them");
        await new Promise((resolve) => setTimeout(resolve, backoffMs(failures)));
      }
    }
  }

  /** One row that can't be stored must not take the others with it; if its words are the reason, it goes without them. */
  async #storeOneByOne(batch: Ended[], error: unknown): Promise<Ended[]> {
    const [only, ...others] = batch;
    if (!only) return [];
    if (others.length > 0) {
      const again: Ended[] = [];
      for (const ended of batch) again.push(...(await this.#store([ended])));
      return again;
    }
    this.#options.log.error({ err: error, delivery: deliveryId(only.held) }, "a result can't be stored as it is");
    const bare = withoutTexts(only.outcome);
    return bare === only.outcome ? [] : await this.#store([{ held: only.held, outcome: bare }]);
  }
}
