import type { Logger } from "pino";
import type { Channels } from "../channels/registry.ts";
import { evaluate, isQuestion } from "../conditions/evaluate.ts";
import { isAsked } from "../conditions/registry.ts";
import { subjectOf } from "../conditions/subject.ts";
import { askAgainMs } from "../core/hold.ts";
import type { Instant } from "../core/instant.ts";
import { recheck, recheckPerson, recheckTelling } from "../core/recheck.ts";
import type { StopCondition } from "../core/reminder.ts";
import { type Checked, NOT_MET, type StopAnswer } from "../core/stop.ts";
import { Batcher } from "../store/batcher.ts";
import { isDatabaseAway } from "../store/postgres.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { type Got, isFresh as isFreshAnswer } from "./asking/answers.ts";
import { readFactsWithFlags } from "./asking/facts.ts";
import { NotNow } from "./asking/not-now.ts";
import { type Questions, Stopped } from "./asking/questions.ts";
import { otherOf, personNow } from "./audience.ts";
import { type Held, isLeaseValid } from "./held.ts";
import { cutOff, handedBack, heldBack, type Outcome, putBack, suppressed, unanswered, unwanted } from "./outcome.ts";
import { reminderNow } from "./overtaken.ts";
import { Pacer, type Placed } from "./pacer.ts";
import { quietAt } from "./quiet.ts";
import { type EngineSettings, FRESH_MS } from "./settings.ts";
import { type Refusal, Unwanted } from "./unwanted.ts";

const LARGEST_READ = 1_000;
/** Where the database takes longer than `FRESH_MS` to answer, its answer is taken as it is after this many tries. */
const MOST_READS = 3;
/** Promise P3: what was read longer ago than this may be outdated by a stop that should have held the message back. */
const OLDEST_MS = 250;
const WARN_EVERY_MS = 10_000;

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

/** Somebody outside has to be asked before: see `Gate.ask`. */
export class MustAsk extends Error {}

export interface GateOptions {
  database: WorkerDatabase;
  questions: Questions;
  channels: Channels;
  settings: Pick<EngineSettings, "limits" | "hold">;
  log: Logger;
}

/** The last question before a message leaves: is it still to be sent, and still by us? */
export class Gate {
  readonly #options: GateOptions;
  readonly #reader: Batcher<number, Reading>;
  readonly #pacer: Pacer;
  readonly #unwanted: Unwanted;
  #warnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#pacer = new Pacer(options.database, options.settings.limits, options.channels);
    this.#unwanted = new Unwanted(options.database, options.channels);
    this.#reader = new Batcher((ids) => read(options.database, ids), LARGEST_READ);
  }

  /** Returns if the message may leave now, by facts that are fresh; throws `Overtaken`, `Postponed` or `MustAsk` if not. */
  async pass(held: Held): Promise<void> {
    // In this order, so that what isn't sent anyway takes no place from others, and what has one is judged by what is so now.
    const refusal = await this.#refusalOf(held);
    await this.#judge(held);
    if (refusal) throw new Overtaken(unwanted(refusal.because, refusal.isTheirWish));
    // What is on its way already was free when it was let go.
    const isOnItsWay = held.wasLetGo && held.sendingSinceMs !== null;
    if (held.hasPlace || isOnItsWay || this.#pacer.isFree(held)) return;
    await this.#askForPlace(held);
    await this.#judge(held);
  }

  /**
   * Asks outside what has to be known before the message leaves. In the meantime it takes no place among those that are sent,
   * so that whoever hangs holds up only those who ask it. Resolves to what becomes of the delivery, or null: it may try to
   * pass again.
   */
  async ask(held: Held): Promise<Outcome | null> {
    const { known, attempts } = held;
    if (!known || !isAsked(known.reminder.stopCondition)) return null;
    const now = this.#nowFor(held);
    for (const [key, got] of held.answers)
      if (!isFreshAnswer(got, now) || !wasGotOutsideQuietHours(held, got)) held.answers.delete(key);
    try {
      const subject = { ...subjectOf(known), now };
      const { stopCondition } = known.reminder;
      await this.#options.questions.resolve(stopCondition, subject, held.answers, (got) =>
        wasGotOutsideQuietHours(held, got),
      );
      return null;
    } catch (error) {
      if (error instanceof NotNow) return putBack(attempts, error.retryInMs, error.message);
      if (error instanceof Stopped) return handedBack(attempts);
      throw error;
    }
  }

  /** Why nothing of this is sent to its address; null where it may be. */
  async #refusalOf(held: Held): Promise<Refusal | null> {
    try {
      return await this.#unwanted.reasonNotTo(held);
    } catch (error) {
      if (isDatabaseAway(error)) throw new Overtaken(handedBack(held.attempts));
      throw error;
    }
  }

  /** Asks for one place for all that go in one message, the first of which these are. Throws as `pass` does; all are put back then. */
  async passTogether(held: readonly Held[]): Promise<void> {
    const [first, ...others] = held;
    if (!first || this.#pacer.isFree(first)) return;
    await this.#askForPlace(first, others);
  }

  async #askForPlace(held: Held, along: readonly Held[] = []): Promise<void> {
    let placed: Placed;
    try {
      placed = await this.#pacer.place(held, along);
    } catch (error) {
      if (isDatabaseAway(error)) throw new Overtaken(handedBack(held.attempts));
      throw error;
    }
    if (placed.state === "put_back") throw new Postponed();
    // It goes back under the new claim, and asks anew.
    if (placed.state === "claim_changed") throw new Overtaken(handedBack(held.attempts));
    held.taken = placed.taken;
    held.hasPlace = true;
  }

  async #judge(held: Held): Promise<void> {
    if (!isFresh(held) && !(await this.#readAgain(held))) {
      // Without an answer nothing may leave. It goes back, to be taken up when the database is there again.
      throw new Overtaken(handedBack(held.attempts));
    }
    const reason = this.#reasonNotTo(held);
    if (reason) throw new Overtaken(reason);
  }

  /** Reads the reminder and its facts until they are fresh; false when the database doesn't answer. */
  async #readAgain(held: Held): Promise<boolean> {
    try {
      for (let reads = 0; reads < MOST_READS && !isFresh(held); reads += 1) {
        Object.assign(held, await this.#reader.add(held.reminderId));
      }
      const ageMs = Math.round(performance.now() - held.readAtMs);
      if (ageMs > OLDEST_MS) this.#warnOfSlowness(ageMs);
      return true;
    } catch (error) {
      if (isDatabaseAway(error)) return false;
      throw error;
    }
  }

  /** Once in a while: every message that is sent then would say the same. */
  #warnOfSlowness(ageMs: number): void {
    const nowMs = performance.now();
    if (nowMs - this.#warnedAtMs < WARN_EVERY_MS) return;
    this.#warnedAtMs = nowMs;
    this.#options.log.warn({ ageMs }, "the database is so slow that a stop may come too late for a message");
  }

  #reasonNotTo(held: Held): Outcome | null {
    if (held.mayHaveLeftElsewhere) return cutOff();
    if (held.hasEnded || !isLeaseValid(held, performance.now())) return handedBack(held.attempts);
    if (!held.known) return suppressed("deleted", "the reminder's row was removed");
    const { reminder, standing } = held.known;
    const { stopCondition } = reminder;
    const now = reminderNow(held, held.known, this.#nowFor(held));
    const other = otherOf(held.known, held.addressed);
    if (held.addressed?.tells) {
      const untold = recheckTelling(now);
      if (untold) return suppressed(untold.reason, untold.because);
      const { optedOut } = personNow(held.known, held.addressed);
      if (optedOut !== null) return suppressed("opted_out", optedOut);
      const quiet = quietAt(held.known, this.#nowFor(held), other);
      return quiet && heldBack(held.attempts, quiet);
    }
    // Nobody outside is asked about what isn't sent anyway.
    const suppression = isAsked(stopCondition) ? recheck(held.occurrenceAt, now, NOT_MET) : null;
    if (suppression) return suppressed(suppression.reason, suppression.because);

    const quiet = quietAt(held.known, this.#nowFor(held), other);
    // Nobody outside is asked in the middle of the night; whether it is done is asked when the message may leave.
    if (quiet && isAsked(stopCondition)) return heldBack(held.attempts, quiet);

    const subject = subjectOf(held.known);
    const stop = evaluate(stopCondition, subject, (key) => this.#known(held, key, subject.now));
    if (isQuestion(stop)) throw new MustAsk();
    if (isAsked(stopCondition)) held.stop = stop;
    if (stopCondition) held.checked = checkedOf(stopCondition, stop, subject.now);
    const again = recheck(held.occurrenceAt, now, stop);
    if (again) return suppressed(again.reason, again.because);
    const personal = recheckPerson(personNow(held.known, held.addressed));
    if (personal) return suppressed(personal.reason, personal.because);
    if (quiet) return heldBack(held.attempts, quiet);
    if (stop.state !== "unknown" || standing.onUnknown === "send") return null;
    const retryInMs = askAgainMs(this.#options.settings.hold, standing.unknownCount + 1, Math.random());
    return unanswered(held.attempts, retryInMs, stop);
  }

  /** The database's instant, never too early: the time since before it was read is added to what it was then. */
  #nowFor({ known, readAtMs, occurrenceAt }: Held): Instant {
    return Math.max(occurrenceAt, (known?.now ?? 0) + Math.floor(performance.now() - readAtMs));
  }

  /** What was got outside: fresh when a send begins, and then good for as long as that takes. */
  #known(held: Held, key: string, now: Instant): StopAnswer | null {
    const mine = held.answers.get(key);
    const isGood = held.sendingSinceMs !== null || (mine && isFreshAnswer(mine, now));
    if (mine && isGood && wasGotOutsideQuietHours(held, mine)) return mine.answer;
    const got = this.#options.questions.fresh(key, now);
    if (!got || !wasGotOutsideQuietHours(held, got)) return null;
    held.answers.set(key, got);
    return got.answer;
  }
}

/** What was got in the person's quiet hours isn't good any more when these end: then everything is asked again. */
function wasGotOutsideQuietHours({ known, addressed }: Held, { askedAt }: Got): boolean {
  return known === null || quietAt(known, askedAt, otherOf(known, addressed)) === null;
}

/** What is kept of an answer with the attempt that it lets through, or doesn't. */
function checkedOf({ type }: StopCondition, { state, because, gotAt }: StopAnswer, readAt: Instant): Checked {
  return { type, state, because, at: gotAt ?? readAt };
}

function isFresh(held: Held): boolean {
  return performance.now() - held.readAtMs <= FRESH_MS;
}

async function read(database: WorkerDatabase, ids: number[]): Promise<Reading[]> {
  const readAtMs = performance.now();
  const facts = await readFactsWithFlags(database, ids);
  return ids.map((id) => ({ known: facts.get(id) ?? null, readAtMs }));
}
