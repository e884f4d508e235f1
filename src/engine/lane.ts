import type { Channel } from "../channels/channel.ts";
import type { Held } from "./held.ts";

/** A lane holds this many times its concurrency: enough to keep it busy between claims, too few to hoard. */
const QUEUE_FACTOR = 10;

/**
 * The sends of one channel: a queue and a bounded number at work. A channel that hangs fills its own lane and no other;
 * what has no room here stays in the database for whoever has.
 */
export class Lane {
  readonly channel: Channel;
  readonly #deliver: (held: Held) => Promise<void>;
  readonly #onRoom: () => void;
  readonly #queue: Held[] = [];
  #inFlight = 0;
  #stopped = false;
  #wasFull = false;
  #idle: (() => void)[] = [];

  /** `onRoom` is called when a lane that had to turn deliveries away has room again. */
  constructor(channel: Channel, deliver: (held: Held) => Promise<void>, onRoom: () => void) {
    this.channel = channel;
    this.#deliver = deliver;
    this.#onRoom = onRoom;
  }

  /** How many more deliveries it takes. */
  get room(): number {
    if (this.#stopped) return 0;
    return Math.max(0, this.channel.concurrency * QUEUE_FACTOR - this.#queue.length - this.#inFlight);
  }

  /** Call when something had to be left in the database for want of room. */
  turnedAway(): void {
    this.#wasFull = true;
  }

  add(held: Held): void {
    this.#queue.push(held);
    this.#pump();
  }

  /** Begins nothing new, and returns what had not begun. */
  stop(): Held[] {
    this.#stopped = true;
    return this.#queue.splice(0);
  }

  /** Resolves when nothing is in flight. */
  async idle(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #pump(): void {
    while (!this.#stopped && this.#inFlight < this.channel.concurrency) {
      const held = this.#queue.shift();
      if (!held) break;
      this.#inFlight += 1;
      void this.#deliver(held).finally(() => this.#done());
    }
  }

  #done(): void {
    this.#inFlight -= 1;
    this.#pump();
    if (this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
    if (this.#wasFull && this.#queue.length < this.channel.concurrency) {
      this.#wasFull = false;
      this.#onRoom();
    }
  }
}
