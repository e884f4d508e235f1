import type { Logger } from "pino";
import { forgetOldAnswersByLink } from "../store/answers.ts";
import { deleteOldAudit } from "../store/audit.ts";
import { insertEvents } from "../store/events.ts";
import { forgetOldAnswers } from "../store/idempotency.ts";
import { forgetOldEvents } from "../store/inbound-events.ts";
import { forgetIdlePaces } from "../store/pace.ts";
import { dropOldPartitions, ensurePartitions } from "../store/partitions.ts";
import { isFaultOfRows, isLockTimeout } from "../store/postgres.ts";
import { type Ending, lockEnding, rescue } from "../store/repair.ts";
import { forgetOldSlackPeople } from "../store/slack.ts";
import { forgetExpiredSuppressions } from "../store/suppressions.ts";
import { forgetOldTests } from "../store/template-tests.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { forgetSilentWorkers } from "../store/workers.ts";
import { renewCalendars } from "./renew-holidays.ts";

const WEEKS_AHEAD = 5;
/** Reminders that aren't due again are gone through in pages of this many, and so many pages each time. */
const STRAYS_AT_ONCE = 1_000;
const PAGES_AT_ONCE = 20;
const RESCUED =
  "it was ACTIVE with nothing due and nothing under way: completed if its message had ended, else due again";
/** What is forgotten row by row goes in pages of this many, so that no transaction is long. */
const FORGOTTEN_AT_ONCE = 5_000;
/** Of answers, a minute's worth of more than 4,000 requests a second: so that it keeps up with whatever comes. */
const MOST_PAGES = 50;
const MINUTE_MS = 60_000;
const PARTITIONS_EVERY_MS = 60 * MINUTE_MS;

/**
 * Keeps the tables in shape: partitions for the weeks ahead and none older than the retention, no strays, no workers that
 * are long gone, no answers, events and suppressions that are kept no longer. Any worker may do it, and any number at once.
 */
export class Maintainer {
  readonly #database: WorkerDatabase;
  readonly #retentionDays: number;
  readonly #log: Logger;
  #partitionsDueAtMs = 0;
  /** Where the search for strays goes on: after this id. */
  #straysAfter = 0;

  constructor(database: WorkerDatabase, retentionDays: number, log: Logger) {
    this.#database = database;
    this.#retentionDays = retentionDays;
    this.#log = log;
  }

  /** Does what is due; resolves to the milliseconds until it should be called again. */
  async maintain(): Promise<number> {
    await forgetSilentWorkers(this.#database);
    await this.#rescueStrays();
    await pageByPage((limit) => forgetOldAnswers(this.#database, limit));
    await pageByPage((limit) => forgetOldEvents(this.#database, limit));
    await pageByPage((limit) => forgetExpiredSuppressions(this.#database, limit));
    await pageByPage((limit) => forgetOldTests(this.#database, limit));
    await pageByPage((limit) => forgetOldAnswersByLink(this.#database, limit));
    await pageByPage((limit) => forgetOldSlackPeople(this.#database, limit));
    if (performance.now() >= this.#partitionsDueAtMs) await this.#keepPartitions();
    return MINUTE_MS;
  }

  /** Goes through some pages, and through the next ones the next time, so that none hides a stray for ever. */
  async #rescueStrays(): Promise<void> {
    for (let page = 0; page < PAGES_AT_ONCE; page += 1) {
      const ending = await this.#rescueAfter(this.#straysAfter, STRAYS_AT_ONCE);
      this.#straysAfter = ending.length < STRAYS_AT_ONCE ? 0 : (ending.at(-1)?.id ?? 0);
      if (this.#straysAfter === 0) return;
    }
  }

  /** Rescues the strays on this page: together or, where one of them can't be, each by itself. Returns the page. */
  async #rescueAfter(after: number, limit: number): Promise<Ending[]> {
    let ending: Ending[] = [];
    try {
      const ids = await this.#database.transaction(async (sql) => {
        ending = await lockEnding(sql, after, limit);
        const strays = ending.filter(({ outcome }) => outcome !== "open");
        await rescue(sql, strays);
        await insertEvents(
          sql,
          strays.map(({ id }) => ({ reminderId: id, type: "rescued", because: RESCUED })),
        );
        return strays.map(({ id }) => id);
      });
      if (ids.length > 0) this.#log.warn({ count: ids.length, reminders: ids.slice(0, 20) }, "rescued strays");
    } catch (error) {
      if (!isFaultOfRows(error)) throw error;
      if (limit === 1) this.#log.error({ err: error, reminder: ending[0]?.id }, "a stray can't be rescued");
      else for (const { id } of ending) await this.#rescueAfter(id - 1, 1);
    }
    return ending;
  }

  async #keepPartitions(): Promise<void> {
    try {
      await ensurePartitions(this.#database, WEEKS_AHEAD);
      await pageByPage((limit) => forgetIdlePaces(this.#database, limit));
      const dropped = await dropOldPartitions(this.#database, this.#retentionDays);
      if (dropped > 0) this.#log.info({ dropped }, "dropped old weeks of the ledger and the timeline");
      await pageByPage((limit) => deleteOldAudit(this.#database, this.#retentionDays, limit));
      await renewCalendars(this.#database, this.#log);
      this.#partitionsDueAtMs = performance.now() + PARTITIONS_EVERY_MS;
    } catch (error) {
      // Somebody reads the tables for long, a backup perhaps. Weeks are made far ahead: there is time to ask again.
      if (!isLockTimeout(error)) throw error;
    }
  }
}

async function pageByPage(forget: (limit: number) => Promise<number>): Promise<void> {
  for (let page = 0; page < MOST_PAGES; page += 1) {
    if ((await forget(FORGOTTEN_AT_ONCE)) < FORGOTTEN_AT_ONCE) return;
  }
}
