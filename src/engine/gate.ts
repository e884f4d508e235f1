import type { Logger } from "pino";
import { stopAnswer } from "../conditions/registry.ts";
import { subjectOf } from "../conditions/subject.ts";
import { recheck } from "../core/recheck.ts";
import { Batcher } from "../store/batcher.ts";
import { readFacts } from "../store/deliveries.ts";
import type { Limits } from "../store/pace.ts";
import { isDatabaseAway } from "../store/postgres.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { type Held, isLeaseValid } from "./held.ts";
import { handedBack, type Outcome, suppressed } from "./outcome.ts";
import { Pacer } from "./pacer.ts";
import { FRESH_MS } from "./settings.ts";

const LARGEST_READ = 1_000;
/** Where the database takes longer than `FRESH_MS` to answer, its answer is taken as it is after this many tries. */
const MOST_READS = 3;
/** Promise P3: what was read longer ago than this may be outdated by a stop that should have held the message back. */
const OLDEST_MS = 250;

/** A reminder and its facts, and when they were read. */
type Reading = Pick<Held, "known" | "readAtMs">;

/** The world went on while a message was made ready: nothing leaves, and the delivery ends like this. */
export class Overtaken extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super(outcome.reason ?? outcome.status);
    this.outcome = outcome;
  }
}

/** There is no place for it under a cap: its delivery was put back, and is no longer this worker's. */
export class Postponed extends Error {}

/** The last question before a message leaves: is it still to be sent, and still by us? */
export class Gate {
  readonly #reader: Batcher<number, Reading>;
  readonly #pacer: Pacer;
  readonly #log: Logger;

  /** `limits`: see `Pacer`. */
  constructor(database: WorkerDatabase, limits: Limits, log: Logger) {
    this.#log = log;
    this.#pacer = new Pacer(database, limits);
    this.#reader = new Batcher((ids) => read(database, ids), LARGEST_READ);
  }

  /** Returns if the message may leave now, by facts that are fresh; throws `Overtaken` or `Postponed` if not. */
  async pass(held: Held): Promise<void> {
    // In this order, so that what isn't sent anyway takes no place from others, and what has one is judged by what is so now.
    await this.#judge(held);
    if (held.hasPlace || this.#pacer.isFree(held)) return;
    await this.#askForPlace(held);
    await this.#judge(held);
  }

  async #askForPlace(held: Held): Promise<void> {
    try {
      held.hasPlace = await this.#pacer.place(held);
    } catch (error) {
      if (isDatabaseAway(error)) throw new Overtaken(handedBack(held.attempts));
      throw error;
    }
    if (!held.hasPlace) throw new Postponed();
  }

  async #judge(held: Held): Promise<void> {
    if (!isFresh(held) && !(await this.#readAgain(held))) {
      // Without an answer nothing may leave. It goes back, to be taken up when the database is there again.
      throw new Overtaken(handedBack(held.attempts));
    }
    const reason = reasonNotTo(held);
    if (reason) throw new Overtaken(reason);
  }

  /** Reads the reminder and its facts until they are fresh; false when the database doesn't answer. */
  async #readAgain(held: Held): Promise<boolean> {
    try {
      for (let reads = 0; reads < MOST_READS && !isFresh(held); reads += 1) {
        Object.assign(held, await this.#reader.add(held.reminderId));
      }
      const ageMs = Math.round(performance.now() - held.readAtMs);
      if (ageMs > OLDEST_MS)
        this.#log.warn({ ageMs }, "the database is so slow that a stop may come too late for a message");
      return true;
    } catch (error) {
      if (isDatabaseAway(error)) return false;
      throw error;
    }
  }
}

function isFresh(held: Held): boolean {
  return performance.now() - held.readAtMs <= FRESH_MS;
}

function reasonNotTo(held: Held): Outcome | null {
  if (held.hasEnded || !isLeaseValid(held, performance.now())) return handedBack(held.attempts);
  if (!held.known) return suppressed("deleted", "the reminder's row was removed");
  const { reminder, lastOccurrenceAt } = held.known;
  const { status, deletedAt, bounds } = reminder;
  const now = { status, deletedAt, lastOccurrenceAt, misfirePolicy: bounds.misfirePolicy };
  const suppression = recheck(held.occurrenceAt, now, stopAnswer(reminder.stopCondition, subjectOf(held.known)));
  return suppression && suppressed(suppression.reason, suppression.because);
}

async function read(database: WorkerDatabase, ids: number[]): Promise<Reading[]> {
  const readAtMs = performance.now();
  const facts = await readFacts(database, ids);
  return ids.map((id) => ({ known: facts.get(id) ?? null, readAtMs }));
}
