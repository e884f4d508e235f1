import type { Channel } from "../channels/channel.ts";
import type { Retries } from "../core/retry.ts";
import { Deadlines } from "./deadlines.ts";
import { Early } from "./early.ts";
import type { Held } from "./held.ts";
import { LowMark } from "./low-mark.ts";
import { Places } from "./places.ts";
import type { EngineSettings } from "./settings.ts";

/** A lane holds this many times its concurrency: enough to keep it busy between claims, too few to hoard. */
const QUEUE_FACTOR = 10;

/**
 * The sends of one channel: a queue and a bounded number at work. A channel that hangs fills its own lane and no other, and
 * a tenant whose own server hangs not even that (see `Places`); what has no room here stays in the database for whoever has.
 */
export class Lane {
  readonly channel: Channel;
  readonly retries: Retries;
  readonly deadlines: Deadlines;
  /** Below which instant none of its deliveries waits. */
  readonly mark = new LowMark();
  /** While more waits than there is room for, it is claimed tenant by tenant: the next one is the one after this. */
  after: string | null = null;
  readonly #begin: (lane: Lane, held: Held) => void;
  readonly #onRoom: () => void;
  readonly #early = new Early((held) => this.#enqueue(held));
  readonly #queue: Held[] = [];
  /** Of all that it holds, and of what is being sent. */
  readonly #holding: Places;
  readonly #sending: Places;
  #stopped = false;
  #wasFull = false;

  /** `begin` starts one delivery and sees to it that `ended` is called. `onRoom`: a lane that was full has room again. */
  constructor(
    channel: Channel,
    { retry }: Pick<EngineSettings, "retry">,
    begin: (lane: Lane, held: Held) => void,
    onRoom: () => void,
  ) {
    this.channel = channel;
    this.retries = channel.retries ?? retry;
    this.deadlines = new Deadlines(channel.timeoutMs);
    this.#holding = new Places(channel.concurrency * QUEUE_FACTOR);
    this.#sending = new Places(channel.concurrency);
    this.#begin = begin;
    this.#onRoom = onRoom;
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  /** How many more deliveries it takes. */
  get room(): number {
    return this.#stopped ? 0 : this.#holding.free;
  }

  /** The places that it has for more, to plan with. */
  places(): Places {
    return this.#stopped ? new Places(0) : this.#holding.copy();
  }

  /** Call when something waits in the database for want of room. */
  turnedAway(): void {
    this.#wasFull = true;
  }

  /**
   * The same, of what was planned with the places of a while ago: what had them may have ended since, and then nothing that ends
   * would tell of it any more.
   */
  turnedAwayBefore(): void {
    this.turnedAway();
    if (this.room > 0) this.#tellOfRoom();
  }

  add(held: Held): void {
    this.#holding.take(held.tenantId);
    if (held.notBeforeMs > performance.now()) this.#early.add(held);
    else this.#enqueue(held);
  }

  /** Takes one whose turn is next: it gave its place to others for a while, or others wait for it. */
  addFirst(held: Held): void {
    this.#holding.take(held.tenantId);
    this.#queue.unshift(held);
    this.#pump();
  }

  /** Call when a delivery that was begun has ended. */
  ended({ tenantId }: Held): void {
    this.#sending.giveBack(tenantId);
    this.#holding.giveBack(tenantId);
    this.#pump();
    this.#tellOfRoom();
  }

  /** Begins nothing new, and returns what had not begun. */
  stop(): Held[] {
    this.#stopped = true;
    return [...this.#early.clear(), ...this.#queue.splice(0)];
  }

  #tellOfRoom(): void {
    // A free place here means that all which queue wait for their own tenant's.
    const isWanted = this.#queue.length < this.channel.concurrency || this.#sending.free > 0;
    if (!this.#wasFull || !isWanted) return;
    this.#wasFull = false;
    this.#onRoom();
  }

  #enqueue(held: Held): void {
    this.#queue.push(held);
    this.#pump();
  }

  #pump(): void {
    while (!this.#stopped && this.#sending.free > 0) {
      const next = this.#queue.findIndex(({ tenantId }) => this.#sending.leftFor(tenantId) > 0);
      const [held] = next === -1 ? [] : this.#queue.splice(next, 1);
      if (!held) break;
      this.#sending.take(held.tenantId);
      this.#begin(this, held);
    }
  }
}
