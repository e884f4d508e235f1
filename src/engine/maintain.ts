import type { Logger } from "pino";
import { insertEvents } from "../store/events.ts";
import { forgetOldAnswers } from "../store/idempotency.ts";
import { dropOldPartitions, ensurePartitions } from "../store/partitions.ts";
import { isLockTimeout } from "../store/postgres.ts";
import { rescueStrays } from "../store/repair.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { forgetSilentWorkers } from "../store/workers.ts";

const WEEKS_AHEAD = 5;
const STRAYS_AT_ONCE = 1_000;
const ANSWERS_AT_ONCE = 5_000;
/** A minute's worth of more than 4,000 requests a second, so that it keeps up with whatever comes. */
const MOST_PAGES_OF_ANSWERS = 50;
const MINUTE_MS = 60_000;
const PARTITIONS_EVERY_MS = 60 * MINUTE_MS;

/**
 * Keeps the tables in shape: partitions for the weeks ahead and none older than the retention, no strays, no workers that
 * are long gone, no answers that are kept no longer. Any worker may do it, and any number at once.
 */
export class Maintainer {
  readonly #database: WorkerDatabase;
  readonly #retentionDays: number;
  readonly #log: Logger;
  #partitionsDueAtMs = 0;

  constructor(database: WorkerDatabase, retentionDays: number, log: Logger) {
    this.#database = database;
    this.#retentionDays = retentionDays;
    this.#log = log;
  }

  /** Does what is due; resolves to the milliseconds until it should be called again. */
  async maintain(): Promise<number> {
    await forgetSilentWorkers(this.#database);
    await this.#rescueStrays();
    await this.#forgetAnswers();
    if (performance.now() >= this.#partitionsDueAtMs) await this.#keepPartitions();
    return MINUTE_MS;
  }

  async #rescueStrays(): Promise<void> {
    const because =
      "it was ACTIVE with nothing due and nothing under way: completed if its message had ended, else due again";
    const ids = await this.#database.transaction(async (sql) => {
      const rescued = await rescueStrays(sql, STRAYS_AT_ONCE);
      await insertEvents(
        sql,
        rescued.map((reminderId) => ({ reminderId, type: "rescued", because })),
      );
      return rescued;
    });
    if (ids.length > 0) this.#log.warn({ count: ids.length, reminders: ids.slice(0, 20) }, "rescued strays");
  }

  /** Page by page, so that no transaction is long. */
  async #forgetAnswers(): Promise<void> {
    for (let page = 0; page < MOST_PAGES_OF_ANSWERS; page += 1) {
      if ((await forgetOldAnswers(this.#database, ANSWERS_AT_ONCE)) < ANSWERS_AT_ONCE) return;
    }
  }

  async #keepPartitions(): Promise<void> {
    try {
      await ensurePartitions(this.#database, WEEKS_AHEAD);
      const dropped = await dropOldPartitions(this.#database, this.#retentionDays);
      if (dropped > 0) this.#log.info({ dropped }, "dropped old weeks of the ledger and the timeline");
      this.#partitionsDueAtMs = performance.now() + PARTITIONS_EVERY_MS;
    } catch (error) {
      // Somebody reads the tables for long, a backup perhaps. Weeks are made far ahead: there is time to ask again.
      if (!isLockTimeout(error)) throw error;
    }
  }
}
