import type { StopAnswer } from "../../core/stop.ts";

/** An answer from outside. Times are `performance.now()`. */
export interface Got {
  answer: StopAnswer;
  /** Just before it was asked: what it says may have changed any time after. */
  askedAtMs: number;
}

/** However short an answer may be used for, it serves on the way from asking to the receiver. */
const SHORTEST_MS = 1_000;
const MOST_KEPT = 10_000;

export function isFresh({ answer, askedAtMs }: Got, nowMs: number): boolean {
  return nowMs - askedAtMs <= Math.max(answer.freshForMs, SHORTEST_MS);
}

/** What was got for one reminder, by the question's key. */
export type Answers = Map<string, Got>;

/** The newest answers, whoever asked for them; the oldest are forgotten first. */
export class AnswerCache {
  readonly #got: Answers = new Map();

  /** Null where none is fresh. */
  fresh(key: string): Got | null {
    const got = this.#got.get(key);
    if (!got) return null;
    if (isFresh(got, performance.now())) return got;
    this.#got.delete(key);
    return null;
  }

  keep(key: string, got: Got): void {
    this.#got.delete(key);
    this.#got.set(key, got);
    if (this.#got.size <= MOST_KEPT) return;
    const [oldest] = this.#got.keys();
    if (oldest !== undefined) this.#got.delete(oldest);
  }
}

/** For those that nobody has asked outside. */
export const NO_ANSWERS: Answers = Object.freeze(new Map());
