import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Channels } from "../../channels/registry.ts";
import { evaluate } from "../../conditions/evaluate.ts";
import { subjectOf } from "../../conditions/subject.ts";
import { takeTurns } from "../../core/turns.ts";
import {
  leaseAsked,
  lockAnswered,
  lockAskable,
  lookForAsked,
  type Released,
  releaseAsked,
  renewAsked,
} from "../../store/asking.ts";
import { Batcher } from "../../store/batcher.ts";
import type { DueReminder } from "../../store/firing.ts";
import { isDatabaseAway } from "../../store/postgres.ts";
import type { WorkerDatabase } from "../../store/tenant-database.ts";
import { type Firing, fireClaimed, isOfRows, setAside } from "../fire.ts";
import { backoffMs } from "../loop.ts";
import { FIRE_AHEAD_MS } from "../settings.ts";
import type { Answers } from "./answers.ts";
import { addFlags } from "./facts.ts";
import { NotNow } from "./not-now.ts";
import type { Questions } from "./questions.ts";

export interface AskerOptions extends Omit<Firing, "claims" | "from" | "database" | "channels" | "log"> {
  database: WorkerDatabase;
  channels: Channels;
  questions: Questions;
  log: Logger;
  /** Called when there may be something to ask sooner than the last `claim` said. */
  onSooner: () => void;
}

/** Reminders that one worker asks at the same time; what is beyond that waits in the database. */
const MOST_UNDER_WAY = 500;
/** How many tenants one look goes over. */
const LARGEST_LOOK = 1_000;
const LARGEST_BATCH = 200;

interface Asked {
  id: number;
  answers: Answers;
}

/**
 * Asks the stop conditions of due reminders that have to be asked before, and fires those that are answered. A reminder is held
 * under a lease while it is asked, outside any transaction; it fires under its row lock, by its condition as it is then.
 */
export class Asker {
  readonly #options: AskerOptions;
  readonly #token = randomUUID();
  /** By id; one that is claimed again meanwhile is asked anew, and what is asked of the former one says nothing. */
  readonly #underWay = new Map<number, Answers>();
  /** Answers whether it was dealt with. */
  readonly #firing: Batcher<Asked, boolean>;
  readonly #givingBack: Batcher<Released, null>;
  #turn = 0;
  #beingFired: Promise<unknown> = Promise.resolve();
  /** Tenants are gone round where one look doesn't reach all of them, or there isn't room for all: this round goes on after this one. */
  #after = "";
  /** When there is more to ask, as far as this round has come, by `performance.now()`. */
  #moreAtMs = Number.POSITIVE_INFINITY;
  #isFull = false;
  /** Something may have come up behind this round: then the next one begins at once. */
  #isSooner = false;
  #isStopping = false;

  constructor(options: AskerOptions) {
    this.#options = options;
    this.#firing = new Batcher((batch) => this.#fire(batch), LARGEST_BATCH);
    // Together: of a crowd that asks one slow service, most are told at once to come again.
    this.#givingBack = new Batcher(async (batch) => {
      await this.#release(batch);
      return batch.map(() => null);
    }, LARGEST_BATCH);
  }

  /** Claims what is to be asked; resolves to the milliseconds until there is more. */
  async claim(): Promise<number> {
    const room = MOST_UNDER_WAY - this.#underWay.size;
    if (room <= 0 || this.#isStopping) {
      this.#isFull = true;
      return Number.POSITIVE_INFINITY;
    }
    if (this.#after === "") this.#isSooner = false;
    const visited = await lookForAsked(this.#options.database, this.#after, LARGEST_LOOK);
    const isRoundOver = visited.length < LARGEST_LOOK;
    const nextMs = visited.map(({ inMs }) => inMs - FIRE_AHEAD_MS);
    const tenants = visited.filter((_, n) => (nextMs[n] as number) <= 0).map(({ tenantId }) => tenantId);
    const limit = Math.max(1, Math.floor(room / Math.max(1, tenants.length)));
    const served = tenants.slice(0, room);
    const due = served.length === 0 ? [] : await this.#lease(served, limit);
    if (this.#isStopping) {
      await this.#release(due.map(({ reminder: { id } }) => ({ id, retryInMs: null })));
      return Number.POSITIVE_INFINITY;
    }
    for (const each of due) void this.#ask(each);

    // Where some were due but none could be had, others are at them.
    const isMore = due.length >= limit || (tenants.length > 0 && due.length === 0);
    const moreInMs = isMore ? 0 : Math.min(...nextMs.filter((ms) => ms > 0), Number.POSITIVE_INFINITY);
    const nowMs = performance.now();
    const moreAtMs = Math.min(this.#moreAtMs, nowMs + moreInMs);
    const last = served.length < tenants.length ? served.at(-1) : isRoundOver ? "" : visited.at(-1)?.tenantId;
    this.#after = last ?? "";
    this.#moreAtMs = this.#after === "" ? Number.POSITIVE_INFINITY : moreAtMs;
    if (this.#after === "" && this.#isSooner) return 0;
    if (this.#after === "" && moreAtMs > nowMs) return moreAtMs - nowMs;
    return due.length > 0 ? 0 : -1;
  }

  /** Call when there may be something to ask, of whichever tenant: a round that has passed it doesn't end in sleep. */
  sooner(): void {
    this.#isSooner = true;
  }

  /** Prolongs the leases of what is being asked. */
  async renew(): Promise<void> {
    const { database, settings } = this.#options;
    await renewAsked(database, [...this.#underWay.keys()], { token: this.#token, seconds: settings.leaseSeconds });
  }

  /** Resolves when nothing is being fired any more: until then, messages may come of it. After `stop` nothing more is begun. */
  fired(): Promise<unknown> {
    return this.#beingFired;
  }

  /** Gives back what is being asked, for whoever takes it next. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#options.questions.stop();
    await this.#release([...this.#underWay.keys()].map((id) => ({ id, retryInMs: null })));
  }

  #lease(tenants: readonly string[], limit: number): Promise<DueReminder[]> {
    const { database, channels, settings } = this.#options;
    return database.transaction(async (sql) => {
      const claim = { tenants, limit, aheadMs: FIRE_AHEAD_MS, channels: [...channels.keys()] };
      const due = await lockAskable(sql, claim);
      const ids = due.map(({ reminder }) => reminder.id);
      await leaseAsked(sql, ids, { token: this.#token, seconds: settings.leaseSeconds });
      await addFlags(sql, due);
      return due;
    });
  }

  /** Asks one reminder and has it fired. Never throws: whatever happens, the lease runs out in the end. */
  async #ask(due: DueReminder): Promise<void> {
    const { questions, log, onSooner } = this.#options;
    const { id, stopCondition } = due.reminder;
    const answers: Answers = new Map();
    this.#underWay.set(id, answers);
    const isCurrent = (): boolean => this.#underWay.get(id) === answers;
    try {
      if (stopCondition !== null) await questions.resolve(stopCondition, subjectOf(due), answers);
      // Where there is no time for it, others come first.
      while (isCurrent() && !(await this.#firing.add({ id, answers })));
    } catch (error) {
      if (error instanceof NotNow) {
        if (isCurrent()) await this.#givingBack.add({ id, retryInMs: error.retryInMs });
      } else if (!this.#isStopping) log.error({ err: error, reminder: id }, "a reminder can't be asked; trying again");
    } finally {
      if (isCurrent()) this.#underWay.delete(id);
      if (this.#isFull) {
        this.#isFull = false;
        onSooner();
      }
    }
  }

  async #fire(batch: readonly Asked[]): Promise<boolean[]> {
    let left: readonly number[] = [];
    for (let failures = 0; !this.#isStopping; failures += 1) {
      try {
        left = await this.#fireTogether(batch);
        break;
      } catch (error) {
        if (isOfRows(error)) {
          await this.#fireOneByOne(batch, error as Error);
          break;
        }
        if (!isDatabaseAway(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, backoffMs(failures)));
      }
    }
    // What is held now is to be asked again sooner than was known when it was last looked for.
    this.#options.onSooner();
    return batch.map(({ id }) => !left.includes(id));
  }

  async #fireOneByOne(batch: readonly Asked[], error: Error): Promise<void> {
    const [only, ...others] = batch;
    if (only && others.length === 0) await setAside(this.#options, only.id, error);
    else for (const asked of batch) await this.#fire([asked]);
  }

  /** Returns the ids of those for which there was no time. */
  async #fireTogether(batch: readonly Asked[]): Promise<readonly number[]> {
    const answersOf = new Map(batch.map(({ id, answers }) => [id, answers]));
    const claim = async (sql: Parameters<typeof lockAnswered>[0]): Promise<DueReminder[]> => {
      const due = await lockAnswered(sql, [...answersOf.keys()], this.#token, FIRE_AHEAD_MS);
      await addFlags(sql, due);
      this.#turn += 1;
      return fairly(due, this.#turn);
    };
    const firing = fireClaimed(this.#options, claim, {
      token: this.#token,
      answersOf: ({ reminder }) => answersOf.get(reminder.id) ?? new Map(),
      stopOf: (due) => {
        const answers = answersOf.get(due.reminder.id);
        return evaluate(due.reminder.stopCondition, subjectOf(due), (key) => answers?.get(key)?.answer ?? null);
      },
    });
    this.#beingFired = firing.catch(() => {});
    return (await firing).left.map(({ reminder }) => reminder.id);
  }

  async #release(released: readonly Released[]): Promise<void> {
    try {
      // In the order of their ids, as everybody locks them who waits for several.
      const inOrder = released.toSorted((one, other) => one.id - other.id);
      await releaseAsked(this.#options.database, inOrder, this.#token);
    } catch (error) {
      // Their leases run out.
      if (!isDatabaseAway(error)) this.#options.log.error({ err: error }, "reminders can't be given back");
    }
  }
}

/**
 * Where there is no time for all of them, none waits for all others: tenants in turn, another first each time, and of each in turn the newest
 * and the oldest.
 */
function fairly(due: readonly DueReminder[], turn: number): DueReminder[] {
  const ofTenants = new Map<string, DueReminder[]>();
  for (const one of due) {
    const { tenantId } = one.reminder;
    const own = ofTenants.get(tenantId);
    if (own) own.push(one);
    else ofTenants.set(tenantId, [one]);
  }
  const all = [...ofTenants.values()];
  const first = turn % Math.max(1, all.length);
  return takeTurns(
    [...all.slice(first), ...all.slice(0, first)].flatMap((own) => {
      const inOrder = own.toSorted((one, other) => (one.reminder.nextRunAt ?? 0) - (other.reminder.nextRunAt ?? 0));
      const half = Math.floor(inOrder.length / 2);
      return [inOrder.slice(half).reverse(), inOrder.slice(0, half)];
    }),
  );
}
