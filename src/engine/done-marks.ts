import type { Logger } from "pino";
import { NotYet, Permanent } from "../channels/channel.ts";
import type { Channels } from "../channels/registry.ts";
import {
  claimMarks,
  type DoneMark,
  type Doneness,
  donenessOf,
  endMarks,
  nextMarkInMs,
  putBackMarks,
} from "../store/done-marks.ts";
import type { ReminderWithFacts } from "../store/engine-row.ts";
import { readFacts } from "../store/facts.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";

const MOST_AT_ONCE = 50;
/** Longer than a change may take, and short enough that another worker soon takes over from one that was killed. */
const LEASE_SECONDS = 15;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 600_000;
const MOST_ATTEMPTS = 8;
/** What couldn't be changed in this time stays as it is. */
const OLDEST_SECONDS = 24 * 3_600;

/** What becomes of a mark: it is done or given up, or it is tried again. */
type Outcome = { mark: DoneMark; back: null | { waitMs: number; untried: boolean } };

/**
 * Has messages that were sent say that their reminder is done, where their channel can change them. Beside the sending, which never waits
 * for it; each is held under a lease, so that what a killed worker leaves is done by another.
 */
export class DoneMarking {
  readonly #database: WorkerDatabase;
  readonly #channels: Channels;
  readonly #log: Pick<Logger, "warn">;

  constructor(database: WorkerDatabase, channels: Channels, log: Pick<Logger, "warn">) {
    this.#database = database;
    this.#channels = channels;
    this.#log = log;
  }

  /** Changes what is due; resolves to the milliseconds until there is more. */
  async do(signal: AbortSignal): Promise<number> {
    const claimed = await claimMarks(this.#database, MOST_AT_ONCE, LEASE_SECONDS);
    if (claimed.length > 0) {
      const ids = [...new Set(claimed.map(({ reminderId }) => reminderId))];
      const [reminders, done] = await Promise.all([readFacts(this.#database, ids), donenessOf(this.#database, ids)]);
      const marking = claimed.map((mark) => {
        const { reminderId } = mark;
        return this.#mark(mark, { known: reminders.get(reminderId), done: done.get(reminderId) }, signal);
      });
      const outcomes = await Promise.all(marking);
      await endMarks(
        this.#database,
        outcomes.filter(({ back }) => back === null).map(({ mark }) => mark),
      );
      await putBackMarks(
        this.#database,
        outcomes.flatMap(({ mark, back }) => (back === null ? [] : [{ mark, ...back }])),
      );
    }
    return claimed.length >= MOST_AT_ONCE ? 0 : await nextMarkInMs(this.#database);
  }

  async #mark(
    mark: DoneMark,
    { known, done }: { known: ReminderWithFacts | undefined; done: Doneness | undefined },
    signal: AbortSignal,
  ): Promise<Outcome> {
    const doneMarks = this.#channels.get(mark.channel)?.doneMarks;
    // One that has begun anew goes on as if it had never ended.
    if (!doneMarks || !known || !done) return { mark, back: null };
    const { contact, around } = known;
    const reminder = { ...known.reminder, ...done };
    const { providerId } = mark;
    try {
      await doneMarks.mark({ providerId, reminder, contact, tenantZone: around.tenantZone }, { signal });
      return { mark, back: null };
    } catch (error) {
      return { mark, back: this.#putBack(mark, error, signal) };
    }
  }

  #putBack(mark: DoneMark, error: unknown, signal: AbortSignal): Outcome["back"] {
    // Whoever takes over begins with it at once.
    if (signal.aborted) return { waitMs: 0, untried: true };
    const isOver = mark.attempts >= MOST_ATTEMPTS || mark.ageSeconds > OLDEST_SECONDS;
    if (error instanceof NotYet && mark.ageSeconds <= OLDEST_SECONDS) return { waitMs: error.waitMs, untried: true };
    if (error instanceof Permanent || isOver) {
      const { reminderId: reminder, channel } = mark;
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.warn({ reminder, channel, reason }, "a message was not changed to say that it is done");
      return null;
    }
    return { waitMs: Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (mark.attempts - 1)), untried: false };
  }
}
