import { NotYet } from "./channel.ts";

/** Short bursts are taken; who was put back may come a little before its time: this part of it. */
const EARLY = 1 / 4;
const PRUNE_FROM = 1_000;

interface Place {
  /** When the next message may go. */
  nextAtMs: number;
  /** The first time that nobody was put back for. */
  promisedUntilMs: number;
}

/**
 * One message in so many milliseconds for each place that a service has, from this worker. What is over is put back until its own
 * turn, and holds nobody up meanwhile.
 */
export class Turns {
  readonly #places = new Map<string, Place>();
  readonly #everyMs: number;
  readonly #told: string;
  readonly #now: () => number;

  /** `told`: goes on from "waits for its turn:". */
  constructor(everyMs: number, told: string, now: () => number = () => performance.now()) {
    this.#everyMs = everyMs;
    this.#told = told;
    this.#now = now;
  }

  /** Takes the next turn at a place, if it is free now; throws `NotYet` with the time for which one is promised. */
  enter(name: string): void {
    const nowMs = this.#now();
    const place = this.#places.get(name) ?? { nextAtMs: nowMs, promisedUntilMs: nowMs };
    this.#places.set(name, place);
    if (place.nextAtMs - nowMs <= this.#everyMs * EARLY) {
      place.nextAtMs = Math.max(place.nextAtMs, nowMs) + this.#everyMs;
      if (this.#places.size > PRUNE_FROM) this.#prune(nowMs);
      return;
    }
    const atMs = Math.max(place.promisedUntilMs, place.nextAtMs);
    place.promisedUntilMs = atMs + this.#everyMs;
    throw new NotYet(`waits for its turn: ${this.#told}`, atMs - nowMs);
  }

  /** Takes the next turn only if it is free now and promised to nobody; else throws `NotYet` and is promised none, so it holds nobody up. */
  enterLast(name: string): void {
    const nowMs = this.#now();
    const place = this.#places.get(name) ?? { nextAtMs: nowMs, promisedUntilMs: nowMs };
    const freeAtMs = Math.max(place.nextAtMs, place.promisedUntilMs);
    if (freeAtMs > nowMs) throw new NotYet(`waits for its turn: ${this.#told}`, freeAtMs - nowMs);
    this.#places.set(name, { ...place, nextAtMs: nowMs + this.#everyMs });
    if (this.#places.size > PRUNE_FROM) this.#prune(nowMs);
  }

  /** The service itself asked to wait for so long. */
  hold(name: string, waitMs: number): void {
    const place = this.#places.get(name);
    if (place) place.nextAtMs = Math.max(place.nextAtMs, this.#now() + waitMs);
  }

  #prune(nowMs: number): void {
    for (const [name, { nextAtMs }] of this.#places) if (nextAtMs < nowMs) this.#places.delete(name);
  }
}
