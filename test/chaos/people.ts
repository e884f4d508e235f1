import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../../src/store/postgres.ts";
import type { Change, Inputs, ReminderInput, Span } from "./evidence.ts";
import type { Random } from "./random.ts";

// Those who use the engine: they create reminders by SQL and by HTTP, change their minds, and set flags, and write down
// what they did and when. Whatever fails they try again, as people do.

export interface PeopleOptions {
  database: Database;
  /** Where the API answers now. */
  apiUrl: () => string;
  random: Random;
  /** The database's clock: what to add to ours. */
  clockOffsetMs: number;
  /** Milliseconds between two creations, on average. */
  everyMs: number;
}

/** What befalls a reminder besides its schedule. */
const STORIES = { none: 70, paused: 9, moved: 7, triggered: 4, completed: 5, deleted: 5 };
const RECURRING_MS = 60_000;
const TRY_AGAIN_MS = 250;
/** SQL gives ids of its own, far from those that the database hands out. */
const FIRST_SQL_ID = 1_000_000_000;
/** Some flags end many reminders at once: each of so many reminders has so many of these flags among it. */
const GROUP = { reminders: 50, flags: 3 };
/** After this somebody gives up: something is wrong for good. */
const PATIENCE_MS = 120_000;

export class People {
  readonly inputs: Inputs = { reminders: [], flags: [] };
  /** What could not be done in the end. */
  readonly failures: string[] = [];
  readonly #options: PeopleOptions;
  readonly #random: Random;
  readonly #errands = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #flagsBegun = new Set<string>();
  #count = 0;

  constructor(options: PeopleOptions) {
    this.#options = options;
    this.#random = options.random;
    setMaxListeners(0, this.#stopping.signal);
  }

  /** Lives until `stop`. */
  async live(): Promise<void> {
    while (!this.#isStopped) {
      this.#send(this.#oneReminder());
      await this.#wait(this.#random.between(0, 2 * this.#options.everyMs));
    }
  }

  /** Begins nothing more, and resolves when what was begun is done. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    while (this.#errands.size > 0) await Promise.allSettled(this.#errands);
  }

  async #oneReminder(): Promise<void> {
    const random = this.#random;
    this.#count += 1;
    const key = `thing-${this.#count}`;
    const isRecurring = random.chance(0.5);
    const bySql = random.chance(0.5);
    const isOverdue = bySql && isRecurring && random.chance(0.15);
    const runAt = Math.round(
      this.#now() + (isOverdue ? -random.between(60_000, 300_000) : random.between(-200, 9_000)),
    );
    const flag = this.#drawFlag(key);
    const wish = { key, runAt, intervalMs: isRecurring ? RECURRING_MS : null, flag };
    const story = random.weighted(STORIES);
    const [firstMs, secondMs, flagMs] = [
      random.between(-600, 900),
      random.between(50, 5_000),
      random.between(-700, 1_500),
    ];

    const reminder = bySql ? await this.#insert(wish) : await this.#postAtOnce(wish, random.chance(0.2) ? 3 : 1);
    this.inputs.reminders.push(reminder);
    if (flag) this.#send(this.#setFlag(flag.key, (isRecurring && random.chance(0.3) ? 60_000 : 0) + runAt + flagMs));
    await this.#live(reminder, story, runAt + firstMs, secondMs);
  }

  #drawFlag(key: string): Wish["flag"] {
    const random = this.#random;
    if (!random.chance(0.5)) return null;
    if (random.chance(0.15)) {
      const group = `group-${Math.floor(this.#count / GROUP.reminders)}-${Math.floor(random.between(0, GROUP.flags))}`;
      return { key: group, value: group };
    }
    const isTemplate = random.chance(0.5);
    return { key: `done:${key}`, value: isTemplate ? "done:{entity_id}" : `done:${key}` };
  }

  async #insert({ key, runAt, intervalMs, flag }: Wish): Promise<ReminderInput> {
    const id = FIRST_SQL_ID + this.#count;
    const { span } = await this.#insist(() =>
      this.#options.database.query(
        `insert into reminder_jobs (id, entity_type, entity_id, event_type, channel, recipient, schedule_type,
                                    interval_minutes, run_at, stop_condition_type, stop_condition_value)
         values ($1, 'thing', $2, 'chaos', 'email', 'somebody@example.org', $3, $4, $5, $6, $7)
         on conflict (id) do nothing`,
        [
          ...[id, key, intervalMs === null ? "one_time" : "recurring", intervalMs && intervalMs / 60_000],
          ...[new Date(runAt).toISOString(), flag && "db_check", flag?.value],
        ],
      ),
    );
    return toInput(id, { key, runAt, intervalMs, flag }, span);
  }

  /** Several who don't know of one another ask for the same: P1 gives them one reminder. */
  async #postAtOnce(wish: Wish, askers: number): Promise<ReminderInput> {
    const [first, ...others] = await Promise.all(Array.from({ length: askers }, () => this.#post(wish)));
    const reminder = first as ReminderInput;
    for (const other of others) {
      if (other.id !== reminder.id) this.inputs.reminders.push({ ...other, isLoose: true });
      reminder.created.until = Math.max(reminder.created.until, other.created.until);
    }
    return reminder;
  }

  async #post(wish: Wish): Promise<ReminderInput> {
    const { key, runAt, intervalMs, flag } = wish;
    const body = {
      ...{
        entity_type: "thing",
        entity_id: key,
        event_type: "chaos",
        channel: "email",
        recipient: "somebody@example.org",
      },
      ...{ schedule_type: intervalMs === null ? "one_time" : "recurring", run_at: new Date(runAt).toISOString() },
      ...(intervalMs === null ? {} : { interval_minutes: intervalMs / 60_000 }),
      ...(flag ? { stop_condition_type: "db_check", stop_condition_value: flag.value } : {}),
    };
    let isRepeated = false;
    const { result: id, span } = await this.#insist(async () => {
      // The API takes the same again for a new wish once the first is done: only the database tells whether there was one.
      const [made] = isRepeated
        ? await this.#options.database.query<{ id: number }>("select id from reminder_jobs where entity_id = $1", [key])
        : [];
      isRepeated = true;
      return made?.id ?? ((await this.#call("POST", "/reminders/", body)).body.id as number);
    });
    return toInput(id, wish, span);
  }

  /** What becomes of a reminder by its people. */
  async #live(reminder: ReminderInput, story: keyof typeof STORIES, at: number, laterMs: number): Promise<void> {
    if (story === "none") return;
    await this.#waitUntil(at);
    if (this.#isStopped) return;
    switch (story) {
      case "paused":
        if (!(await this.#act(reminder, "POST", "pause", { kind: "paused" }))) return;
        await this.#wait(laterMs);
        await this.#act(reminder, "POST", "resume", { kind: "resumed" });
        return;
      case "completed":
        await this.#act(reminder, "POST", "complete", { kind: "completed" });
        return;
      case "deleted":
        await this.#act(reminder, "DELETE", "", { kind: "deleted" });
        return;
      case "moved": {
        const runAt = Math.round(this.#now() + 800 + laterMs);
        const moved = await this.#act(reminder, "PATCH", "", { kind: "moved", runAt }, { run_at: new Date(runAt) });
        // Moved into the past, it may bear another name.
        if (moved && this.#now() >= runAt - 100) reminder.isLoose = true;
        return;
      }
      case "triggered":
        await this.#trigger(reminder);
    }
  }

  async #trigger(reminder: ReminderInput): Promise<void> {
    const from = this.#now();
    const answer = await this.#call("POST", `/reminders/${reminder.id}/trigger`).catch(() => null);
    if (answer?.status === 409) return;
    const due = answer && (answer.body.next_run_at as string | null);
    // Asked again it might fire once more, so it isn't; and then nobody knows.
    if (!due) reminder.isLoose = true;
    else if (reminder.intervalMs === null) {
      reminder.changes.push({ kind: "moved", runAt: Date.parse(due), from, until: this.#now() });
    } else reminder.changes.push({ kind: "triggered", occurrenceAt: Date.parse(due), from, until: this.#now() });
  }

  /** Has it done, however often it takes, and writes it down. False when it can't be done any more. */
  async #act(reminder: ReminderInput, method: string, verb: string, change: Wanted, body?: unknown): Promise<boolean> {
    const path = verb === "" ? `/reminders/${reminder.id}` : `/reminders/${reminder.id}/${verb}`;
    let tries = 0;
    const { result, span } = await this.#insist(() => {
      tries += 1;
      return this.#call(method, path, body);
    });
    if (result.status !== 409) reminder.changes.push({ ...change, ...span } as Change);
    else if (tries > 1) reminder.isLoose = true;
    return result.status !== 409;
  }

  async #setFlag(key: string, at: number): Promise<void> {
    await this.#waitUntil(at);
    if (this.#isStopped || this.#flagsBegun.has(key)) return;
    this.#flagsBegun.add(key);
    const byHttp = this.#random.chance(0.3);
    const { span } = await this.#insist<unknown>(() =>
      byHttp
        ? this.#call("PUT", `/flags/${encodeURIComponent(key)}`, { value: true })
        : this.#options.database.query(
            `insert into status_flags (key, value) values ($1, true)
             on conflict (tenant_id, key) do update set value = true`,
            [key],
          ),
    );
    this.inputs.flags.push({ key, set: span });
  }

  /** An answer from 500 up, or none, is thrown. */
  async #call(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(`${this.#options.apiUrl()}${path}`, {
      method,
      signal: AbortSignal.timeout(30_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    const text = await response.text();
    const answer = { status: response.status, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) };
    if (answer.status >= 500) throw new Error(`${method} ${path}: ${answer.status}`);
    if (answer.status >= 400 && answer.status !== 409)
      throw new WrongWish(`${method} ${path}: ${answer.status}: ${text}`);
    return answer;
  }

  /** Tries until it is done. It took effect at some time between the first try and the answer to the last. */
  async #insist<T>(act: () => Promise<T>): Promise<{ result: T; span: Span }> {
    const from = this.#now();
    for (;;) {
      try {
        const result = await act();
        return { result, span: { from, until: this.#now() } };
      } catch (error) {
        if (error instanceof WrongWish || this.#now() - from > PATIENCE_MS) throw error;
        await sleep(TRY_AGAIN_MS);
      }
    }
  }

  #send(errand: Promise<void>): void {
    this.#errands.add(errand);
    void errand.catch((error: Error) => this.failures.push(error.message)).finally(() => this.#errands.delete(errand));
  }

  #now(): number {
    return Date.now() + this.#options.clockOffsetMs;
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  #waitUntil(instant: number): Promise<void> {
    return this.#wait(instant - this.#now());
  }

  async #wait(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}

interface Wish {
  key: string;
  runAt: number;
  intervalMs: number | null;
  /** The flag, and how the stop condition names it. */
  flag: { key: string; value: string } | null;
}

type Wanted = { kind: "paused" | "resumed" | "completed" | "deleted" } | { kind: "moved"; runAt: number };

/** A mistake of the people's: a bug of this run, not of the engine. */
class WrongWish extends Error {
  override name = "WrongWish";
}

function toInput(id: number, { key, runAt, intervalMs, flag }: Wish, created: Span): ReminderInput {
  return { id, key, created, runAt, intervalMs, flag: flag?.key ?? null, changes: [], isLoose: false };
}
