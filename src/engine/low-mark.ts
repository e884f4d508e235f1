import type { Earliest, Place } from "../store/wake.ts";

/** A look from the very beginning that took the server less than this is always affordable. */
const CHEAP_MS = 1;
/** Otherwise at most this share of the time goes into them. */
const SHARE = 1 / 20;
/** How long a transaction may take to commit, in milliseconds, without what it wrote being below the mark. */
const MARGIN_MS = 1_000;

/** A look that is under way: from where on, null meaning the very beginning. */
export interface Look {
  readonly from: Place | null;
  /** When it began. */
  readonly atMs: number;
}

/**
 * Remembers below which place nothing waits: which instant, and where many wait for the same one, which of them. What was dealt
 * with leaves dead index entries there, and as long as some transaction elsewhere could still see them, nothing clears them away:
 * every look from the very beginning would walk over all of them, more each time. It is a second behind what was seen, in which
 * whoever commits late is seen as well. What commits below the mark after all (a due instant in the past, a long transaction) is
 * found by a look from the beginning, seldom enough that these cost next to nothing together.
 */
export class LowMark {
  readonly #nowMs: () => number;
  #from: Place | null = null;
  /** What a look found, and when it ended: becomes the mark when one that begins a second later finds nothing below. */
  #seen: { place: Place; atMs: number } | null = null;
  #fullLookAtMs = Number.NEGATIVE_INFINITY;

  /** `nowMs`: milliseconds by a clock that no one can set. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** From where to claim: nothing is known to wait below. Null: from the very beginning. */
  get from(): Place | null {
    return this.#from;
  }

  /** Begins a look for the earliest that waits. */
  begin(): Look {
    const atMs = this.#nowMs();
    return { from: atMs >= this.#fullLookAtMs ? null : this.#from, atMs };
  }

  /** Takes in what the look found; returns the milliseconds until there is something to claim, or to look for again. */
  end(look: Look, found: Earliest): number {
    const isFull = look.from === null;
    const isCheap = found.tookMs < CHEAP_MS;
    if (isFull) this.#fullLookAtMs = this.#nowMs() + (isCheap ? 0 : found.tookMs / SHARE);
    if (isFull && isCheap) [this.#from, this.#seen] = [null, null];
    else this.#note(look, firstOf(found));
    const untilMs = found.at === null ? Number.POSITIVE_INFINITY : found.inMs;
    return isFull ? untilMs : Math.min(untilMs, Math.max(0, this.#fullLookAtMs - this.#nowMs()));
  }

  #note({ from, atMs }: Look, place: Place): void {
    // One from another mark than this one knows less than the look that has moved it, unless it was found further down.
    const isOutdated = from !== null && from !== this.#from;
    if (isOutdated && (this.#from === null || !isBefore(place, this.#from))) return;
    const seen = { place, atMs: this.#nowMs() };
    if (this.#from === null || isBefore(place, this.#from)) {
      this.#from = { at: place.at - MARGIN_MS, id: 0 };
      this.#seen = seen;
      return;
    }
    if (this.#seen === null || isBefore(place, this.#seen.place)) this.#seen = seen;
    else if (atMs - this.#seen.atMs >= MARGIN_MS) {
      this.#from = this.#seen.place;
      this.#seen = seen;
    }
  }
}

/** Below it nothing waits that is visible; what isn't due yet may still come before what is found there. */
function firstOf({ at, id, now }: Earliest): Place {
  return at !== null && at <= now ? { at, id } : { at: now, id: 0 };
}

function isBefore(one: Place, other: Place): boolean {
  return one.at < other.at || (one.at === other.at && one.id < other.id);
}
