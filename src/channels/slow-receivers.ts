import { NotYet } from "./channel.ts";

/** A receiver that takes longer than this is slow, in milliseconds, and counts as that until it is quick again ... */
const SLOW_MS = 5_000;
/** ... or for this long. */
const REMEMBERED_MS = 5 * 60_000;
/** Messages that may be on their way to a slow one at once. */
const MOST_AT_ONCE = 2;
/** Around how many milliseconds later others are tried, so that they don't come back all at once. */
const COME_BACK_MS = 10_000;
const PRUNE_FROM = 1_000;

interface Receiver {
  inFlight: number;
  slowUntilMs: number;
}

/** Sees to it that receivers which hang don't take all of the channel's places from those that don't. */
export class SlowReceivers {
  readonly #receivers = new Map<string, Receiver>();
  readonly #what: string;

  /** `what`: what goes there, in the plural. */
  constructor(what: string) {
    this.#what = what;
  }

  /**
   * Takes a place with a receiver; throws `NotYet` where it is slow and has as many as it gets. Returns what gives it back, to
   * be told for how long it was waited for, in milliseconds, or null where it wasn't asked.
   */
  enter(name: string, host: string): (tookMs: number | null) => void {
    const receiver = this.#receivers.get(name) ?? { inFlight: 0, slowUntilMs: 0 };
    if (receiver.inFlight >= MOST_AT_ONCE && performance.now() < receiver.slowUntilMs) {
      const waitMs = COME_BACK_MS * (0.5 + Math.random());
      throw new NotYet(
        `waits for its turn: ${host} is slow, so only ${MOST_AT_ONCE} ${this.#what} go there at once`,
        waitMs,
      );
    }
    receiver.inFlight += 1;
    this.#receivers.set(name, receiver);
    return (tookMs) => {
      const nowMs = performance.now();
      receiver.inFlight -= 1;
      if (tookMs !== null) receiver.slowUntilMs = tookMs > SLOW_MS ? nowMs + REMEMBERED_MS : 0;
      if (this.#receivers.size > PRUNE_FROM) this.#prune(nowMs);
    };
  }

  #prune(nowMs: number): void {
    for (const [name, { inFlight, slowUntilMs }] of this.#receivers) {
      if (inFlight === 0 && slowUntilMs < nowMs) this.#receivers.delete(name);
    }
  }
}
