import type { Happening, Simulation } from "../../src/core/life/happening.ts";
import { live } from "../../src/core/simulate.ts";
import type { Crowd } from "./crowd.ts";
import type { Span } from "./year.ts";

export type Fired = Extract<Happening, { kind: "fired" }>;
type Wished = Extract<Happening, { kind: "wished" }>;

/** A silence that somebody asked for. */
export interface Silence extends Span {
  /** What became of the message that is due at its end: it is still owed, came, or isn't wanted any more. */
  fate: "owed" | "came" | "unwanted";
  /** When it came. */
  cameAt?: number;
}

/** What happened, and what that means by the guides: none of it asked of the core. */
export interface Story {
  fired: readonly Fired[];
  end: Simulation;
  /** When nothing may leave, since it is paused, deleted or done. */
  closed: readonly Span[];
  silences: readonly Silence[];
  /** Since when each person has done theirs. */
  doneAt: ReadonlyMap<string, number>;
  /** When as many have done theirs as it takes; null: never. */
  enoughAt: number | null;
  /** When it was done, for whatever reason, for good or until somebody put it off once more. */
  completedAt: readonly number[];
}

/** Why a reminder may be COMPLETED though the thing isn't done: it may be put off once more, and then begins again. */
const ONLY_ENDED: readonly (string | null)[] = [
  "one_time_sent",
  "max_occurrences",
  "schedule_ended",
  "policy_ended",
  "delivery_failed",
  "delivery_unknown",
];

export function storyOf({ reminder, world, quorum }: Crowd): Story {
  const teller = new Teller(quorum);
  const steps = live(reminder, world);
  for (;;) {
    const step = steps.next();
    if (step.done) return teller.story(step.value);
    if (step.value.happened) teller.hear(step.value.happened);
  }
}

class Teller {
  readonly #quorum: number;
  readonly #fired: Fired[] = [];
  readonly #closed: Span[] = [];
  readonly #silences: Silence[] = [];
  readonly #doneAt = new Map<string, number>();
  readonly #completedAt: number[] = [];
  #status: "ACTIVE" | "PAUSED" | "COMPLETED" = "ACTIVE";
  #isDeleted = false;
  /** Null while it isn't completed. */
  #reason: string | null = null;
  #enoughAt: number | null = null;
  #closedFrom: number | null = null;

  constructor(quorum: number) {
    this.#quorum = quorum;
  }

  hear(happened: Happening): void {
    const { at } = happened;
    if (happened.kind === "fired") {
      const owed = this.#silences.at(-1);
      if (owed?.fate === "owed" && owed.until <= happened.occurrenceAt)
        Object.assign(owed, { fate: "came", cameAt: at });
      this.#fired.push(happened);
    }
    // What left at the very instant at which its end completed it was before that.
    if (happened.kind === "completed") this.#complete(happened.reason, at + 1);
    if (happened.kind === "wished") this.#wish(happened);
    this.#note(at);
  }

  story(end: Simulation): Story {
    if (this.#closedFrom !== null) this.#closed.push({ from: this.#closedFrom, until: Number.POSITIVE_INFINITY });
    return {
      ...{ fired: this.#fired, end, closed: this.#closed, silences: this.#silences, doneAt: this.#doneAt },
      ...{ enoughAt: this.#enoughAt, completedAt: this.#completedAt },
    };
  }

  #wish({ at, wish, before }: Wished): void {
    if (typeof wish === "string") {
      if (wish === "delete" && !this.#isDeleted) this.#isDeleted = true;
      else if (wish === "restore") this.#isDeleted = false;
      else if (this.#isDeleted) return;
      else if (wish === "pause" && this.#status === "ACTIVE") this.#status = "PAUSED";
      else if (wish === "resume" && this.#status === "PAUSED") this.#status = "ACTIVE";
      else if (wish === "trigger" && this.#status === "ACTIVE" && (before.nextRunAt ?? 0) > at) this.#lift(at);
      return;
    }
    if (!("kind" in wish) || this.#isDeleted) return;
    const mayBeDone = this.#status !== "COMPLETED" || ONLY_ENDED.includes(this.#reason);
    if (wish.kind === "done" && mayBeDone) this.#complete("done", at);
    if (wish.kind === "person_done" && mayBeDone) this.#noteDone(wish.person, at);
    if (wish.kind === "wake" && this.#status === "ACTIVE") this.#lift(at);
    if ((wish.kind === "snooze" || wish.kind === "promise") && mayBeDone && this.#status !== "PAUSED") {
      this.#lift(at);
      this.#status = "ACTIVE";
      this.#reason = null;
      this.#silences.push({ from: at, until: wish.until, fate: "owed" });
    }
  }

  #noteDone(person: string, at: number): void {
    if (!this.#doneAt.has(person)) this.#doneAt.set(person, at);
    if (this.#doneAt.size < this.#quorum) return;
    this.#enoughAt ??= at;
    this.#complete("people_done", at);
  }

  #complete(reason: string, at: number): void {
    this.#status = "COMPLETED";
    this.#reason = reason;
    this.#completedAt.push(at);
    const last = this.#silences.at(-1);
    if (last?.fate === "owed" && !ONLY_ENDED.includes(reason)) last.fate = "unwanted";
  }

  /** The silence that reigns, or whose end nothing has followed yet, is over. */
  #lift(at: number): void {
    const last = this.#silences.at(-1);
    if (last?.fate !== "owed") return;
    last.until = Math.min(last.until, at);
    last.fate = "unwanted";
  }

  #note(at: number): void {
    const isClosed = this.#isDeleted || this.#status !== "ACTIVE";
    const completedAt = this.#status === "COMPLETED" ? this.#completedAt.at(-1) : undefined;
    if (isClosed && this.#closedFrom === null) this.#closedFrom = Math.max(at, completedAt ?? at);
    if (!isClosed && this.#closedFrom !== null) {
      this.#closed.push({ from: this.#closedFrom, until: at });
      this.#closedFrom = null;
    }
  }
}
