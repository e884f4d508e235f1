import type { Instant } from "../../core/instant.ts";
import type { StopAnswer } from "../../core/stop.ts";

/** An answer from outside. */
export interface Got {
  answer: StopAnswer;
  /** Just before it was asked, as `performance.now()`: what it says may have changed any time after. */
  askedAtMs: number;
  /** The same by the database's clock, which a test may put forward. */
  askedAt: Instant;
}

/** However short an answer may be used for, it serves on the way from asking to the receiver. */
const SHORTEST_MS = 1_000;
const MOST_KEPT = 10_000;

/** Whether an answer may still be used at the database's instant `now`, which was read just before. */
export function isFresh({ answer, askedAtMs, askedAt }: Got, now: Instant): boolean {
  const ageMs = Math.max(performance.now() - askedAtMs, now - askedAt);
  return ageMs <= Math.max(answer.freshForMs, SHORTEST_MS);
}

/** What was got for one reminder, by the question's key. */
export type Answers = Map<string, Got>;

/** The newest answers, whoever asked for them; the oldest are forgotten first. */
export class AnswerCache {
  readonly #got: Answers = new Map();

  /** Null where none is fresh. */
  fresh(key: string, now: Instant): Got | null {
    const got = this.#got.get(key);
    if (!got) return null;
    if (isFresh(got, now)) return got;
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
