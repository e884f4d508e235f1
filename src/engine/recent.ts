/** A burst is served as what fell due last for so long, in milliseconds, however often there are claims. */
const AT_LEAST_MS = 10_000;
/** Where claims are far apart, what fell due since the one before the last is. */
const GAPS = 2;

/**
 * How far back a claim looks for what fell due last where that costs something: from now down lie the entries of what was claimed
 * before, dead, but not cleared away as long as a transaction elsewhere may see them. So no further back than what came since the
 * rounds before, and some time more.
 */
export class Recent {
  readonly #nowMs: () => number;
  #beganAtMs = Number.NEGATIVE_INFINITY;
  #gapMs = Number.POSITIVE_INFINITY;

  /** `nowMs`: milliseconds by a clock that no one can set. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Call with each round of claims; two may be side by side. Milliseconds; infinite where not much is known yet. */
  withinMs(): number {
    const nowMs = this.#nowMs();
    const [before, gapMs] = [this.#gapMs, nowMs - this.#beganAtMs];
    this.#beganAtMs = nowMs;
    this.#gapMs = gapMs;
    return AT_LEAST_MS + GAPS * Math.max(before, gapMs);
  }
}
