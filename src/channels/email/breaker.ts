/** A server that fails is passed over for this long at first, in milliseconds, ... */
const FIRST_MS = 30_000;
/** ... and for twice as long each time it fails again, up to this. */
const LONGEST_MS = 10 * 60_000;

/** Remembers of a server that it doesn't work at the moment, so that not every message has to find out by itself. */
export class Breaker {
  readonly #nowMs: () => number;
  #openUntilMs = 0;
  #failures = 0;

  /** `nowMs`: milliseconds by a clock that no one can set. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Milliseconds for which it is passed over from now on; 0: it is worth a try. */
  get waitMs(): number {
    return Math.max(0, this.#openUntilMs - this.#nowMs());
  }

  worked(): void {
    this.#failures = 0;
    this.#openUntilMs = 0;
  }

  /** Those that were under way together when it went down count as one failure. */
  failed(): void {
    if (this.waitMs > 0) return;
    this.#openUntilMs = this.#nowMs() + Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
  }
}
