import type { Logger } from "pino";
import { deliveryId } from "../core/reminder.ts";
import { type Database, isDatabaseAway } from "../store/postgres.ts";
import { backoffMs } from "./loop.ts";
import { type Ended, storeResults } from "./results.ts";

const LARGEST_BATCH = 1_000;

export interface RecorderOptions {
  database: Database;
  log: Logger;
  /** Called with what no longer needs to be held: its result is stored, or can't be. */
  onStored: (batch: readonly Ended[]) => void;
}

/**
 * Stores what became of attempts: at once when there is little, in growing batches when there is much. While the
 * database is away it keeps the results and tries again: a result that is lost is a message sent twice.
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
      await this.#store(batch);
      this.#options.onStored(batch);
    }
    this.#working = false;
  }

  async #store(batch: Ended[]): Promise<void> {
    const { database, log } = this.#options;
    for (let failures = 0; ; failures += 1) {
      try {
        return await storeResults(database, batch);
      } catch (error) {
        if (!isDatabaseAway(error)) return this.#storeOneByOne(batch, error);
        if (this.#hurried) return;
        if (failures === 0) log.warn({ results: batch.length }, "keeping results until the database takes them");
        await new Promise((resolve) => setTimeout(resolve, backoffMs(failures)));
      }
    }
  }

  /** One row that can't be stored must not take the others with it. */
  async #storeOneByOne(batch: Ended[], error: unknown): Promise<void> {
    if (batch.length > 1) for (const ended of batch) await this.#store([ended]);
    else if (batch[0])
      this.#options.log.error({ err: error, delivery: deliveryId(batch[0].held) }, "result not stored");
  }
}
