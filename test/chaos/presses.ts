import type { Inputs, ReminderInput, Span } from "./evidence.ts";
import { type Answer, type Hands, isTooLate } from "./hands.ts";
import type { Random } from "./random.ts";
import type { Letter } from "./receiver.ts";
import type { Wish } from "./wishes.ts";

// How people answer what they get: by the links in it.

/** What is pressed in a message. */
const ANSWERS = { done: 6, snooze: 3, promise: 2, "not me": 3, stop: 3, "one click": 2 };
export type Pressed = keyof typeof ANSWERS;
/** What the text of a message says before the link, as far as its encoding leaves it alone. */
const SAYS: Record<Pressed, RegExp> = {
  ...{ done: /^Done$/, snooze: /^Snooze$/, promise: /^I.*ll do it by/, "not me": /^Not me$/ },
  ...{ stop: /^Stop these$/, "one click": /^Stop these$/ },
};
/** A link puts off by whole minutes. */
const PUT_OFF = "1m";
const PUT_OFF_MS = 60_000;
/** So long somebody looks for a message to answer. */
const LOOKING_MS = 12_000;

/** Draws what is pressed in a message of a wish, if anything is. */
export function drawPressed(random: Random, { flag }: Wish): Pressed {
  const drawn = random.weighted(ANSWERS);
  // Others wait for a flag of a group: it isn't theirs to set.
  return drawn === "done" && flag?.key.startsWith("group") ? "snooze" : drawn;
}

export interface Answering {
  wish: Wish;
  pressed: Pressed;
  random: Random;
  /** Between the first press and what comes after it. */
  laterMs: number;
  /** Whoever isn't meant after all has it go on; false where it can't. */
  resume: () => Promise<boolean>;
}

export class Presses {
  readonly #hands: Hands;
  readonly #inputs: Inputs;
  readonly #letters: ReadonlyMap<string, Letter[]>;

  constructor(hands: Hands, inputs: Inputs, letters: ReadonlyMap<string, Letter[]>) {
    this.#hands = hands;
    this.#inputs = inputs;
    this.#letters = letters;
  }

  /** Presses what a message offers; more than once, at once and later. */
  async answer(reminder: ReminderInput, { wish, pressed, random, laterMs, resume }: Answering): Promise<void> {
    const fork = random.fork("answer");
    const token = await this.find(wish.recipient ?? "", pressed);
    if (token === null) return;
    await this.#hands.wait(fork.between(0, 1_000));
    const form = formFor(pressed, fork.chance(0.5));
    const presses = fork.chance(0.5) ? 2 : 1;
    const first = this.#hands.now();
    const taken = await Promise.all(Array.from({ length: presses }, () => this.press(token, form)));
    const span = { from: first, until: Math.max(...taken.map((one) => one.span.until)) };
    const [one] = taken;
    if (!one || taken.some(({ result }) => isTooLate(result))) {
      if (taken.length > 1 || (one && one.tries > 1)) reminder.isLoose = true;
      return;
    }
    await this.#note(reminder, wish, pressed, span);
    await this.#hands.wait(laterMs);
    if (pressed === "not me" && !(await resume())) return;
    if (pressed === "stop" && fork.chance(0.5)) {
      const undone = await this.press(token, new URLSearchParams({ undo: "yes" }));
      const refusal = reminder.refusals.at(-1);
      if (refusal && !isTooLate(undone.result)) refusal.lifted = undone.span;
      return;
    }
    // It was answered: the same again does nothing more, however late.
    if (this.#hands.areStopped || fork.chance(0.5)) return;
    await this.press(token, form);
  }

  async press(token: string, form: URLSearchParams): Promise<{ result: Answer; span: Span; tries: number }> {
    return this.#hands.insist(() => this.#hands.call("POST", `/a/${token}`, form));
  }

  /** Writes down what a press has done. */
  async #note(reminder: ReminderInput, { flag, recipient }: Wish, pressed: Pressed, span: Span): Promise<void> {
    switch (pressed) {
      case "done": {
        if (flag === null) reminder.said = span;
        // A reminder that was completed meanwhile leaves its flag alone.
        else if (await this.#isSet(flag.key)) this.#inputs.flags.push({ key: flag.key, set: span });
        return;
      }
      case "snooze":
      case "promise": {
        const due = { from: span.from + PUT_OFF_MS, until: span.until + PUT_OFF_MS };
        reminder.changes.push({ kind: "silenced", due, isPromise: pressed === "promise", ...span });
        return;
      }
      case "not me":
        reminder.changes.push({ kind: "paused", ...span });
        return;
      case "stop":
      case "one click":
        reminder.refusals.push({ address: recipient ?? "", lifted: null, ...span });
    }
  }

  async #isSet(key: string): Promise<boolean> {
    const { result } = await this.#hands.insist(async () => {
      const answer = await this.#hands.call("GET", `/flags/${encodeURIComponent(key)}`).catch((error: Error) => {
        if (error.message.includes(": 404:")) return null;
        throw error;
      });
      return answer?.body.value === true;
    });
    return result;
  }

  /** The link in the newest message to an address; null where none comes. */
  async find(address: string, pressed: Pressed): Promise<string | null> {
    const until = this.#hands.now() + LOOKING_MS;
    while (!this.#hands.areStopped && this.#hands.now() < until) {
      const links = Object.entries(this.#letters.get(address)?.at(-1)?.links ?? {});
      const link = links.find(([says]) => SAYS[pressed].test(says));
      if (link) return link[1];
      await this.#hands.wait(50);
    }
    return null;
  }
}

/** What the page's form, or the mail program, sends. */
function formFor(pressed: Pressed, isOfReminder: boolean): URLSearchParams {
  switch (pressed) {
    case "done":
      return new URLSearchParams({ choice: "done" });
    case "snooze":
    case "promise":
      return new URLSearchParams({ choice: PUT_OFF });
    case "not me":
      return new URLSearchParams({ choice: "not_me" });
    case "stop":
      return new URLSearchParams({ choice: isOfReminder ? "reminder" : "event_type" });
    case "one click":
      return new URLSearchParams({ "List-Unsubscribe": "One-Click" });
  }
}
