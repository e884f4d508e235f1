import { stopAnswer } from "../conditions/evaluate.ts";
import { subjectOf } from "../conditions/subject.ts";
import { insertEvents } from "../store/events.ts";
import { writeCompleted } from "../store/firing.ts";
import { claimWaiting, type FlagKey, markSettled, unsettledFlags } from "../store/settling.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";

/** Some of the waiting reminders are just being fired or edited elsewhere: look again this soon, in milliseconds. */
const BUSY_MS = 50;

/**
 * Completes at once what waits for flags that were set: a share of the batch for each flag, so that a flag with a million
 * reminders doesn't hold up the others. Pages of flags go round: neither those with many reminders nor those with which
 * nothing can be done now keep the next page waiting.
 */
export class Settler {
  readonly #database: WorkerDatabase;
  readonly #batchSize: number;
  #offset = 0;
  /** True when something came of this round. */
  #hasMoved = false;

  constructor(database: WorkerDatabase, batchSize: number) {
    this.#database = database;
    this.#batchSize = batchSize;
  }

  /** Settles a page of flags; resolves to the milliseconds until there is more to do. */
  async settle(): Promise<number> {
    const flags = await unsettledFlags(this.#database, this.#batchSize, this.#offset);
    if (flags.length === 0 && this.#offset === 0) return Number.POSITIVE_INFINITY;
    const completed = await completeWaiting(this.#database, flags, Math.ceil(this.#batchSize / (flags.length || 1)));
    const settled = await markSettled(this.#database, flags);
    this.#hasMoved ||= completed + settled > 0;
    if (flags.length === this.#batchSize) {
      // Those that were settled are no longer among those to pass over.
      this.#offset += flags.length - settled;
      return 0;
    }
    const sleepMs = this.#hasMoved ? 0 : BUSY_MS;
    this.#offset = 0;
    this.#hasMoved = false;
    return sleepMs;
  }
}

async function completeWaiting(
  database: WorkerDatabase,
  flags: readonly FlagKey[],
  limitEach: number,
): Promise<number> {
  return database.transaction(async (sql) => {
    const waiting = await claimWaiting(sql, flags, limitEach);
    const done = waiting.flatMap((known) => {
      const { reminder } = known;
      const { state, because } = stopAnswer(reminder.stopCondition, subjectOf(known));
      return state === "met" ? [{ id: reminder.id, because }] : [];
    });
    const reason = "stop_condition";
    const completed = done.map(({ id }) => ({ id, reason }) as const);
    const events = done.map(({ id, because }) => ({ reminderId: id, type: "completed", because, details: { reason } }));
    await Promise.all([writeCompleted(sql, completed), insertEvents(sql, events)]);
    return done.length;
  });
}
