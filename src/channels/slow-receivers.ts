import { NotYet } from "./channel.ts";

/** A receiver that takes longer than this is slow, in milliseconds, and counts as that until it answers sooner ... */
const SLOW_MS = 5_000;
/** ... or for this long. */
const REMEMBERED_MS = 5 * 60_000;
/** Messages that may be on their way to a slow one at once. */
const MOST_AT_ONCE = 2;
/** For so long after a quick answer an address is taken to be quick. */
const QUICK_MS = 60_000;
/** An answer is looked out for every moment for so long; then whoever doesn't answer is no better than one that is slow. */
const SOON_MS = 2_500;
/** Around how many milliseconds later others are tried, so that they don't come back all at once: while an answer may come any moment, and else. */
const COME_BACK_SOON_MS = 200;
const COME_BACK_MS = 10_000;
const PRUNE_EVERY_MS = 10_000;

/** Where a message goes. */
export interface Where {
  tenantId: string;
  /** A receiver has several addresses, some of which may hang. */
  url: string;
  origin: string;
  host: string;
}

/** What came of a message: null where its receiver wasn't asked after all. */
export type Came = { tookMs: number; isAnswered: boolean } | null;

interface Receiver {
  inFlight: number;
  /** Of these, how many to addresses that haven't answered lately, and since when it is waited for an answer of any of them. */
  atFirst: number;
  atFirstSinceMs: number;
  slowUntilMs: number;
}

interface Address {
  inFlight: number;
  /** Until when it is taken to be quick. */
  quickUntilMs: number;
  /** Since when an answer from there is waited for. */
  askedSinceMs: number;
}

/** Sees to it that receivers which hang don't take all of the channel's places from those that don't. */
export class SlowReceivers {
  readonly #receivers = new Map<string, Receiver>();
  readonly #addresses = new Map<string, Address>();
  readonly #what: string;
  readonly #mostAtFirst: number;
  #pruneAtMs = 0;

  /**
   * `what`: what goes there, in the plural. `mostAtFirst`: as many go at once to a receiver's addresses that haven't answered within the last minute,
   * until they do: they may be hanging by now.
   */
  constructor(what: string, mostAtFirst = Number.POSITIVE_INFINITY) {
    this.#what = what;
    this.#mostAtFirst = mostAtFirst;
  }

  /** Throws `NotYet` where it has as many as it gets. */
  check(where: Where): void {
    const nowMs = performance.now();
    const receiver = this.#receivers.get(nameOf(where));
    if (!receiver) return;
    const isSlow = nowMs < receiver.slowUntilMs;
    const most = isSlow ? MOST_AT_ONCE : this.#mostAtFirst;
    if (isSlow ? receiver.inFlight < most : this.#isQuick(where, nowMs) || receiver.atFirst < most) return;
    const address = this.#addresses.get(addressOf(where));
    const sinceMs = address && address.inFlight > 0 ? address.askedSinceMs : receiver.atFirstSinceMs;
    const mayAnswerSoon = !isSlow && nowMs - sinceMs < SOON_MS;
    const why = isSlow ? `${where.host} is slow, so` : `until ${where.host} has answered there,`;
    throw new NotYet(
      `waits for its turn: ${why} only ${most} ${this.#what} go there at once`,
      (mayAnswerSoon ? COME_BACK_SOON_MS : COME_BACK_MS) * (0.5 + Math.random()),
    );
  }

  /** Takes a place with a receiver; throws as `check` does. Returns what gives it back. */
  enter(where: Where): (came: Came) => void {
    this.check(where);
    const beganAtMs = performance.now();
    const name = nameOf(where);
    const receiver = this.#receivers.get(name) ?? {
      inFlight: 0,
      atFirst: 0,
      atFirstSinceMs: beganAtMs,
      slowUntilMs: 0,
    };
    const address = this.#addresses.get(addressOf(where)) ?? { inFlight: 0, quickUntilMs: 0, askedSinceMs: beganAtMs };
    if (address.inFlight === 0) address.askedSinceMs = beganAtMs;
    address.inFlight += 1;
    // Where none is held to so many, nobody asks what an address was like.
    if (Number.isFinite(this.#mostAtFirst)) this.#addresses.set(addressOf(where), address);
    const isAtFirst = !this.#isQuick(where, beganAtMs);
    receiver.inFlight += 1;
    if (isAtFirst && receiver.atFirst === 0) receiver.atFirstSinceMs = beganAtMs;
    if (isAtFirst) receiver.atFirst += 1;
    this.#receivers.set(name, receiver);
    return (came) => {
      receiver.inFlight -= 1;
      address.inFlight -= 1;
      if (isAtFirst) receiver.atFirst -= 1;
      if (came) learn(receiver, address, came);
      if (came?.isAnswered && isAtFirst) receiver.atFirstSinceMs = performance.now();
      this.#prune();
    };
  }

  #isQuick(where: Where, nowMs: number): boolean {
    return nowMs < (this.#addresses.get(addressOf(where))?.quickUntilMs ?? 0);
  }

  #prune(): void {
    const nowMs = performance.now();
    if (nowMs < this.#pruneAtMs) return;
    this.#pruneAtMs = nowMs + PRUNE_EVERY_MS;
    for (const [name, { inFlight, slowUntilMs }] of this.#receivers) {
      if (inFlight === 0 && slowUntilMs < nowMs) this.#receivers.delete(name);
    }
    for (const [name, { inFlight, quickUntilMs }] of this.#addresses) {
      if (inFlight === 0 && quickUntilMs < nowMs) this.#addresses.delete(name);
    }
  }
}

/** Where there was no answer, a connection that was waited for that long in vain tells as much as one that was never answered on. */
function learn(receiver: Receiver, address: Address, { tookMs, isAnswered }: NonNullable<Came>): void {
  const nowMs = performance.now();
  if (tookMs > (isAnswered ? SLOW_MS : SOON_MS)) {
    receiver.slowUntilMs = nowMs + REMEMBERED_MS;
    address.quickUntilMs = 0;
  } else if (isAnswered) {
    receiver.slowUntilMs = 0;
    address.quickUntilMs = nowMs + QUICK_MS;
    address.askedSinceMs = nowMs;
  }
}

function nameOf({ tenantId, origin }: Where): string {
  return `${tenantId} ${origin}`;
}

function addressOf({ tenantId, url }: Where): string {
  return `${tenantId} ${url}`;
}
