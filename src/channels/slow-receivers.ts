import { NotYet } from "./channel.ts";

/** A receiver that takes longer than this is slow, in milliseconds, and counts as that until it is quick again ... */
const SLOW_MS = 5_000;
/** ... or for this long. */
const REMEMBERED_MS = 5 * 60_000;
/** Messages that may be on their way to a slow one at once. */
const MOST_AT_ONCE = 2;
/** For so long after a quick answer it is taken to be quick. */
const QUICK_MS = 60_000;
/** An answer is looked out for every moment for so long; then whoever doesn't answer is no better than one that is slow. */
const SOON_MS = 2_500;
/** Around how many milliseconds later others are tried, so that they don't come back all at once: while an answer may come any moment, and else. */
const COME_BACK_SOON_MS = 200;
const COME_BACK_MS = 10_000;
const PRUNE_FROM = 1_000;

interface Receiver {
  inFlight: number;
  slowUntilMs: number;
  quickUntilMs: number;
  /** Since when it has been asked, and hasn't answered. */
  askedSinceMs: number;
}

/** Sees to it that receivers which hang don't take all of the channel's places from those that don't. */
export class SlowReceivers {
  readonly #receivers = new Map<string, Receiver>();
  readonly #what: string;
  readonly #mostAtFirst: number;

  /**
   * `what`: what goes there, in the plural. `mostAtFirst`: as many go at once to whoever hasn't answered within the last minute, until it does: it
   * may be hanging by now.
   */
  constructor(what: string, mostAtFirst = Number.POSITIVE_INFINITY) {
    this.#what = what;
    this.#mostAtFirst = mostAtFirst;
  }

  /**
   * Takes a place with a receiver; throws `NotYet` where it has as many as it gets. Returns what gives it back, to
   * be told for how long it was waited for, in milliseconds, or null where it wasn't asked.
   */
  enter(name: string, host: string): (tookMs: number | null) => void {
    const beganAtMs = performance.now();
    const receiver = this.#receivers.get(name) ?? { inFlight: 0, slowUntilMs: 0, quickUntilMs: 0, askedSinceMs: 0 };
    this.#refuseIfFull(receiver, host, beganAtMs);
    if (receiver.inFlight === 0) receiver.askedSinceMs = beganAtMs;
    receiver.inFlight += 1;
    this.#receivers.set(name, receiver);
    return (tookMs) => {
      const nowMs = performance.now();
      receiver.inFlight -= 1;
      if (tookMs !== null) {
        receiver.slowUntilMs = tookMs > SLOW_MS ? nowMs + REMEMBERED_MS : 0;
        receiver.quickUntilMs = tookMs > SLOW_MS ? 0 : nowMs + QUICK_MS;
        receiver.askedSinceMs = nowMs;
      }
      if (this.#receivers.size > PRUNE_FROM) this.#prune(nowMs);
    };
  }

  #refuseIfFull({ inFlight, slowUntilMs, quickUntilMs, askedSinceMs }: Receiver, host: string, nowMs: number): void {
    const isSlow = nowMs < slowUntilMs;
    const most = isSlow ? MOST_AT_ONCE : nowMs < quickUntilMs ? Number.POSITIVE_INFINITY : this.#mostAtFirst;
    if (inFlight < most) return;
    const mayAnswerSoon = !isSlow && nowMs - askedSinceMs < SOON_MS;
    const why = isSlow ? `${host} is slow, so` : `until ${host} has answered,`;
    throw new NotYet(
      `waits for its turn: ${why} only ${most} ${this.#what} go there at once`,
      (mayAnswerSoon ? COME_BACK_SOON_MS : COME_BACK_MS) * (0.5 + Math.random()),
    );
  }

  #prune(nowMs: number): void {
    for (const [name, { inFlight, slowUntilMs, quickUntilMs }] of this.#receivers) {
      if (inFlight === 0 && Math.max(slowUntilMs, quickUntilMs) < nowMs) this.#receivers.delete(name);
    }
  }
}
