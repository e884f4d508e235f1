import type { Instant } from "../core/instant.ts";
import type { Earliest } from "../store/wake.ts";

/** A look from the very beginning that took the server less than this is always affordable. */
const CHEAP_MS = 1;
/** Otherwise at most this share of the time goes into them. */
const SHARE = 1 / 20;
/** How long a transaction may take to commit, in milliseconds, without what it made due being below the mark. */
const MARGIN_MS = 1_000;

/** A look that is under way: from which instant on, null meaning the very beginning. */
export interface Look {
  readonly from: Instant | null;
}

/**
 * Remembers below which instant nothing waits. What was dealt with leaves dead index entries there, and as long as some
 * transaction elsewhere could still see them, nothing clears them away: every look from the very beginning would walk over
 * all of them, more each time. What commits below the mark after all (a due instant in the past, a long transaction) is
 * found by a look from the beginning, seldom enough that these cost next to nothing together.
 */
export class LowMark {
  readonly #nowMs: () => number;
  #from: Instant | null = null;
  #fullLookAtMs = Number.NEGATIVE_INFINITY;

  /** `nowMs`: milliseconds by a clock that no one can set. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** From where to claim: nothing is known to wait below. Null: from the very beginning. */
  get from(): Instant | null {
    return this.#from;
  }

  /** Begins a look for the earliest that waits. */
  begin(): Look {
    return { from: this.#nowMs() >= this.#fullLookAtMs ? null : this.#from };
  }

  /** Takes in what the look found; returns the milliseconds until there is something to claim, or to look for again. */
  end(look: Look, found: Earliest): number {
    const isFull = look.from === null;
    if (isFull) this.#fullLookAtMs = this.#nowMs() + (found.tookMs < CHEAP_MS ? 0 : found.tookMs / SHARE);
    // A look that began before another one found something further down knows less than that one.
    if (isFull || look.from === this.#from) {
      const isCheap = isFull && found.tookMs < CHEAP_MS;
      this.#from = isCheap ? null : Math.min(found.at ?? Number.POSITIVE_INFINITY, found.now) - MARGIN_MS;
    }
    const untilMs = found.at === null ? Number.POSITIVE_INFINITY : found.inMs;
    return isFull ? untilMs : Math.min(untilMs, Math.max(0, this.#fullLookAtMs - this.#nowMs()));
  }
}
