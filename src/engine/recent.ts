import { OVERDUE_MS } from "./settings.ts";

/** A burst is served as what is due now for so long, in milliseconds, however often there are claims. */
const AT_LEAST_MS = 5_000;
/** Where claims are far apart, what fell due since the one before the last is. */
const GAPS = 2;

/**
 * How far back beside a backlog a claim looks for what fell due last: further than anything can have come that no claim has seen
 * yet, and no further, since from now down lies what was claimed before, in entries that are dead, but stay as long as a
 * transaction elsewhere may see them.
 */
export class Recent {
  readonly #nowMs: () => number;
  #claimedAtMs = Number.NEGATIVE_INFINITY;

  /** `nowMs`: milliseconds by a clock that no one can set. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Call with each claim. Milliseconds, as many as make something overdue at most. */
  withinMs(): number {
    const nowMs = this.#nowMs();
    const gapMs = nowMs - this.#claimedAtMs;
    this.#claimedAtMs = nowMs;
    return Math.min(OVERDUE_MS, AT_LEAST_MS + GAPS * gapMs);
  }
}
