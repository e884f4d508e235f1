import type { Database } from "../../src/store/postgres.ts";
import { bodyOf, isoOf, keyOf, toInput } from "./bodies.ts";
import { contactBody, quietHoursOf, UTC } from "./contacts.ts";
import { drawBudgeted, drawGathered } from "./crowds.ts";
import type { Inputs, ReminderInput } from "./evidence.ts";
import { Hands, type HandsOptions } from "./hands.ts";
import { MANAGER, POLICIES, type PolicyName, policyBody, TEAM } from "./policies.ts";
import { Presses } from "./presses.ts";
import type { Random } from "./random.ts";
import type { Letter } from "./receiver.ts";
import { drawPlot, Stories } from "./stories.ts";
import { drawKind, drawWish, type Wish } from "./wishes.ts";

// Those who use the engine: they create reminders by SQL and by HTTP, change their minds, answer what they get, and set flags, and
// write down what they did and when. Whatever fails they try again, as people do.

export interface PeopleOptions extends HandsOptions {
  database: Database;
  /** What has reached whom; see `Post`. */
  letters: ReadonlyMap<string, Letter[]>;
  /** Where webhooks are answered. */
  hooksUrl: string;
  random: Random;
  /** Milliseconds between two creations, on average. */
  everyMs: number;
}

/** SQL gives ids of its own, far from those that the database hands out. */
const FIRST_SQL_ID = 1_000_000_000;

/** How many persons have something gathered before the fire begins. */
const FIRST_CROWDS = 8;
const SETTLING_MS = 50;

export class People {
  readonly inputs: Inputs = { reminders: [], flags: [] };
  /** What could not be done in the end. */
  readonly failures: string[] = [];
  readonly #options: PeopleOptions;
  readonly #random: Random;
  readonly #hands: Hands;
  readonly #stories: Stories;
  readonly #errands = new Set<Promise<void>>();
  readonly #flagsBegun = new Set<string>();
  #count = 0;

  constructor(options: PeopleOptions) {
    this.#options = options;
    this.#random = options.random;
    this.#hands = new Hands(options);
    this.#stories = new Stories(this.#hands, new Presses(this.#hands, this.inputs, options.letters));
  }

  /** Says who there is, and how things escalate; and lets something gather, so that also a short run has digests that leave. */
  async settleIn(): Promise<void> {
    const put = (path: string, body: object) => this.#hands.insist(() => this.#hands.call("PUT", path, body));
    await put("/contacts/boss/1", { email: MANAGER });
    await put("/contacts/team/ops", { email: TEAM });
    for (const name of Object.keys(POLICIES) as PolicyName[]) await put(`/policies/${name}`, policyBody(name));
    const crowds = Array.from({ length: FIRST_CROWDS }, () => {
      this.#count += 1;
      const random = this.#random.fork(`crowd ${this.#count}`);
      return { random, wishes: drawGathered(random, { count: this.#count, now: this.#hands.now(), bySql: false }) };
    });
    for (const { random, wishes } of crowds) this.#send(this.#crowd(random, wishes));
    const count = crowds.reduce((sum, { wishes }) => sum + wishes.length, 0);
    while (this.inputs.reminders.length < count && this.failures.length === 0) await this.#hands.wait(SETTLING_MS);
  }

  /** Lives until `stop`. */
  async live(): Promise<void> {
    while (!this.#hands.areStopped) {
      this.#send(this.#oneWish());
      await this.#hands.wait(this.#random.between(0, 2 * this.#options.everyMs));
    }
  }

  /** Begins nothing more, and resolves when what was begun is done. */
  async stop(): Promise<void> {
    this.#hands.stop();
    while (this.#errands.size > 0) await Promise.allSettled(this.#errands);
  }

  async #oneWish(): Promise<void> {
    this.#count += 1;
    const random = this.#random.fork(`reminder ${this.#count}`);
    const drawing = { count: this.#count, now: this.#hands.now(), bySql: random.chance(0.4) };
    const kind = drawKind(random, drawing.bySql);
    if (kind === "gathered") return this.#crowd(random, drawGathered(random, drawing));
    if (kind === "budgeted") return this.#crowd(random, drawBudgeted(random, drawing));
    const wish = drawWish(random, kind, drawing);
    if (wish.contact) await this.#introduce(wish);
    await this.#oneReminder(random, wish, drawing);
  }

  /** Several of one person. */
  async #crowd(random: Random, wishes: Wish[]): Promise<void> {
    const [first] = wishes;
    if (first) await this.#introduce(first);
    const drawing = { count: this.#count, bySql: false };
    await Promise.all(wishes.map((wish) => this.#oneReminder(random.fork(wish.event), wish, drawing)));
  }

  async #oneReminder(random: Random, wish: Wish, { count, bySql }: { count: number; bySql: boolean }): Promise<void> {
    const plot = drawPlot(random, wish);
    const { flag, intervalMs, aroundAt } = wish;
    const askers = random.chance(0.2) ? 3 : 1;
    const flagAt = (intervalMs !== null && random.chance(0.3) ? 60_000 : 0) + aroundAt + random.between(-700, 1_500);

    const reminder = bySql ? await this.#insert(wish, count) : await this.#postAtOnce(wish, askers);
    this.inputs.reminders.push(reminder);
    if (flag && !plot.isFlagPressed) this.#send(this.#setFlag(flag.key, flagAt, random.chance(0.3)));
    await this.#stories.live(reminder, plot);
  }

  /** Says how whoever it is for is reached, and what they would rather have. */
  async #introduce({ entity, contact }: Wish): Promise<void> {
    if (!contact) return;
    const body = contactBody(contact, this.#options.hooksUrl);
    await this.#hands.insist(() => this.#hands.call("PUT", `/contacts/thing/${entity}`, body));
  }

  async #insert(wish: Wish, count: number): Promise<ReminderInput> {
    const { entity, event, runAt, intervalMs, flag, recipient, ownQuiet } = wish;
    const id = FIRST_SQL_ID + count;
    const { span } = await this.#hands.insist(() =>
      this.#options.database.query(
        `insert into reminder_jobs (id, entity_type, entity_id, event_type, channel, recipient, schedule_type,
                                    interval_minutes, run_at, stop_condition_type, stop_condition_value, quiet_hours)
         values ($1, 'thing', $2, $3, 'email', $4, $5, $6, $7, $8, $9, $10)
         on conflict (id) do nothing`,
        [
          ...[
            id,
            entity,
            event,
            recipient,
            intervalMs === null ? "one_time" : "recurring",
            intervalMs && intervalMs / 60_000,
          ],
          ...[isoOf(runAt), flag && "db_check", flag?.value],
          ownQuiet && JSON.stringify(quietHoursOf(ownQuiet, UTC)),
        ],
      ),
    );
    return toInput(id, wish, span);
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
    let isRepeated = false;
    const { result: id, span } = await this.#hands.insist(async () => {
      // The API takes the same again for a new wish once the first is done: only the database tells whether there was one.
      const [made] = isRepeated
        ? await this.#options.database.query<{ id: number }>(
            "select id from reminder_jobs where entity_type || '/' || entity_id || '/' || event_type = $1",
            [keyOf(wish)],
          )
        : [];
      isRepeated = true;
      return made?.id ?? ((await this.#hands.call("POST", "/reminders/", bodyOf(wish))).body.id as number);
    });
    return toInput(id, wish, span);
  }

  async #setFlag(key: string, at: number, byHttp: boolean): Promise<void> {
    await this.#hands.waitUntil(at);
    if (this.#hands.areStopped || this.#flagsBegun.has(key)) return;
    this.#flagsBegun.add(key);
    const { span } = await this.#hands.insist<unknown>(() =>
      byHttp
        ? this.#hands.call("PUT", `/flags/${encodeURIComponent(key)}`, { value: true })
        : this.#options.database.query(
            `insert into status_flags (key, value) values ($1, true)
             on conflict (tenant_id, key) do update set value = true`,
            [key],
          ),
    );
    this.inputs.flags.push({ key, set: span });
  }

  #send(errand: Promise<void>): void {
    this.#errands.add(errand);
    void errand.catch((error: Error) => this.failures.push(error.message)).finally(() => this.#errands.delete(errand));
  }
}
