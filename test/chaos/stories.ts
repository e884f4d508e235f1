import type { Change, ReminderInput, Span } from "./evidence.ts";
import { type Hands, isTooLate } from "./hands.ts";
import { countsSends } from "./policies.ts";
import { drawPressed, type Pressed, type Presses } from "./presses.ts";
import type { Random } from "./random.ts";
import type { Kind, Wish } from "./wishes.ts";

// What becomes of a reminder by its people, besides its schedule and its flag.

/** What befalls reminders of each kind, by how often. */
const STORIES = {
  plain: {
    ...{ none: 44, paused: 9, moved: 7, triggered: 4, completed: 4, deleted: 4 },
    ...{ "put off": 9, answered: 18, suppressed: 5 },
  },
  several: { none: 5, paused: 1, "put off": 3, deleted: 1 },
  escalating: { none: 7, paused: 2, "put off": 1, deleted: 1 },
  quiet: { none: 8, paused: 1, "put off": 1, completed: 1 },
  over: { none: 9, paused: 1, "put off": 1, completed: 1, deleted: 1 },
  texted: { none: 9, paused: 1, "put off": 1, completed: 1, deleted: 1 },
  gathered: { none: 9, paused: 1, "put off": 1, completed: 2, deleted: 1 },
  budgeted: { none: 9, paused: 1, completed: 1, deleted: 1 },
} as const satisfies Record<Kind, Record<string, number>>;
type Story = { [K in Kind]: keyof (typeof STORIES)[K] }[Kind];

/** So often a policy by number of sends is triggered by hand, and so long after each it is let be. */
const TRIGGERS = 4;
const TRIGGER_REST_MS = 1_200;

type Wanted =
  | { kind: "paused" | "resumed" | "completed" | "deleted" }
  | { kind: "moved"; runAt: number }
  | { kind: "silenced"; due: Span; isPromise: boolean };

/** Whose reminder it is, and what they have in mind with it. */
export interface Plot {
  wish: Wish;
  story: Story;
  random: Random;
  /** True where its flag is set by the link in a message, if at all. */
  isFlagPressed: boolean;
  pressed: Pressed;
}

/** Draws what will become of a wish. */
export function drawPlot(random: Random, wish: Wish): Plot {
  const drawnStory = random.weighted(STORIES[wish.kind] as Record<Story, number>);
  // Their steps come with occurrences, and a run may be too short for those of the schedule.
  const story = wish.policy !== null && countsSends(wish.policy) ? "triggered" : drawnStory;
  const pressed = drawPressed(random, wish);
  return { wish, story, random, pressed, isFlagPressed: story === "answered" && pressed === "done" };
}

export class Stories {
  readonly #hands: Hands;
  readonly #presses: Presses;

  constructor(hands: Hands, presses: Presses) {
    this.#hands = hands;
    this.#presses = presses;
  }

  /** Resolves when everything that befalls it is over. */
  async live(reminder: ReminderInput, plot: Plot): Promise<void> {
    const { random, wish } = plot;
    const at = wish.aroundAt + random.between(-600, 900);
    const laterMs = random.between(50, 5_000);
    await Promise.all([this.#tell(reminder, plot, at, laterMs), this.#doTheirs(reminder, plot)]);
  }

  async #tell(reminder: ReminderInput, plot: Plot, at: number, laterMs: number): Promise<void> {
    const { story, random, wish } = plot;
    if (story === "none") return;
    await this.#hands.waitUntil(at);
    if (this.#hands.areStopped) return;
    switch (story) {
      case "paused":
        if (!(await this.#act(reminder, "POST", "pause", { kind: "paused" }))) return;
        await this.#hands.wait(laterMs);
        await this.#resume(reminder);
        return;
      case "completed":
        await this.#act(reminder, "POST", "complete", { kind: "completed" });
        return;
      case "deleted":
        await this.#act(reminder, "DELETE", "", { kind: "deleted" });
        return;
      case "moved": {
        const runAt = Math.round(this.#hands.now() + 800 + laterMs);
        const moved = await this.#act(reminder, "PATCH", "", { kind: "moved", runAt }, { run_at: new Date(runAt) });
        // Moved into the past, it may bear another name.
        if (moved && this.#hands.now() >= runAt - 100) reminder.isLoose = true;
        return;
      }
      case "triggered":
        for (let times = wish.policy === null ? 1 : TRIGGERS; times > 0 && !this.#hands.areStopped; times -= 1) {
          await this.#trigger(reminder);
          await this.#hands.wait(laterMs / 2 + TRIGGER_REST_MS);
        }
        return;
      case "put off":
        return this.#putOff(reminder, random.chance(0.5), laterMs);
      case "suppressed":
        return this.#suppress(reminder, plot, laterMs);
      case "answered":
        return this.#presses.answer(reminder, { ...plot, laterMs, resume: () => this.#resume(reminder) });
    }
  }

  #resume(reminder: ReminderInput): Promise<boolean> {
    return this.#act(reminder, "POST", "resume", { kind: "resumed" });
  }

  async #trigger(reminder: ReminderInput): Promise<void> {
    const from = this.#hands.now();
    const answer = await this.#hands.call("POST", `/reminders/${reminder.id}/trigger`).catch(() => null);
    if (answer && isTooLate(answer)) return;
    // By a policy it may fire as often as it likes: each time is held against those before.
    if (reminder.policy) {
      reminder.changes.push({ kind: "triggered", occurrenceAt: from, from, until: this.#hands.now() });
      return;
    }
    const due = answer && (answer.body.next_run_at as string | null);
    // Asked again it might fire once more, so it isn't; and then nobody knows.
    if (!due) reminder.isLoose = true;
    else if (reminder.intervalMs === null) {
      reminder.changes.push({ kind: "moved", runAt: Date.parse(due), from, until: this.#hands.now() });
    } else reminder.changes.push({ kind: "triggered", occurrenceAt: Date.parse(due), from, until: this.#hands.now() });
  }

  async #putOff(reminder: ReminderInput, isPromise: boolean, laterMs: number): Promise<void> {
    const at = Math.round(this.#hands.now() + 1_500 + laterMs);
    const silenced = { kind: "silenced" as const, due: { from: at, until: at }, isPromise };
    // Asked for when it has passed, it would be a mistake.
    const verb = isPromise ? "acknowledge" : "snooze";
    const done = await this.#act(reminder, "POST", verb, silenced, { until: new Date(at) }, at - 200);
    if (done && this.#hands.now() >= at - 100) reminder.isLoose = true;
  }

  /** Nothing is sent to its address for a while, or for ever. */
  async #suppress(reminder: ReminderInput, { wish, random }: Plot, laterMs: number): Promise<void> {
    const address = wish.recipient;
    if (address === null) return;
    const body = { channel: "email", address };
    const { span } = await this.#hands.insist(() => this.#hands.call("POST", "/suppressions", body));
    const refusal = { address, ...span, lifted: null as Span | null };
    reminder.refusals.push(refusal);
    if (random.chance(0.4)) return;
    await this.#hands.wait(laterMs);
    const path = `/suppressions/email/${encodeURIComponent(address)}`;
    refusal.lifted = (await this.#hands.insist(() => this.#erase(path))).span;
  }

  /** What is gone already was erased by an earlier try. */
  async #erase(path: string): Promise<void> {
    await this.#hands.call("DELETE", path).catch((error: Error) => {
      if (!error.message.includes(": 404:")) throw error;
    });
  }

  /** Of several, some say that they have done theirs: in words, or by the link in their message. */
  async #doTheirs(reminder: ReminderInput, { wish: { people, runAt }, random }: Plot): Promise<void> {
    const fork = random.fork("done");
    const errands = (people?.addresses ?? [])
      .filter(() => fork.chance(0.6))
      .map((person) => ({ person, byLink: fork.chance(0.5), at: runAt + fork.between(-800, 4_000) }))
      .map(async ({ person, byLink, at }) => {
        await this.#hands.waitUntil(at);
        const token = byLink ? await this.#presses.find(person, "done") : null;
        if (this.#hands.areStopped || (byLink && token === null)) return;
        const { result, span } = await this.#hands.insist(() =>
          token === null
            ? this.#hands.call("POST", `/reminders/${reminder.id}/done`, { person })
            : this.#hands.call("POST", `/a/${token}`, new URLSearchParams({ choice: "done" })),
        );
        if (!isTooLate(result)) reminder.done.push({ person, ...span });
      });
    await Promise.all(errands);
  }

  /**
   * Has it done, however often it takes, and writes it down; `before`: it isn't asked for after that. False when it can't be done
   * any more.
   */
  async #act(
    reminder: ReminderInput,
    method: string,
    verb: string,
    change: Wanted,
    body?: unknown,
    before = Number.POSITIVE_INFINITY,
  ): Promise<boolean> {
    const path = verb === "" ? `/reminders/${reminder.id}` : `/reminders/${reminder.id}/${verb}`;
    const { result, span, tries } = await this.#hands.insist(async () => {
      if (this.#hands.now() > before) return null;
      // On its way there, the instant that was named may have passed.
      return this.#hands.call(method, path, body).catch((error: Error) => {
        if (!error.message.includes("must be later than now")) throw error;
        return null;
      });
    });
    const isDone = result !== null && !isTooLate(result);
    if (isDone) reminder.changes.push({ ...change, ...span } as Change);
    else if (tries > 1) reminder.isLoose = true;
    return isDone;
  }
}
