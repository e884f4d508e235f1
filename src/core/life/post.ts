import type { Instant } from "../instant.ts";
import { NO_SLOTS } from "../pace.ts";
import type { DeliveryStatus } from "../reminder.ts";
import { Budgets } from "./budgets.ts";
import type { SimulatedDelivery } from "./happening.ts";
import { type About, begin, type Endings, hear, type Service } from "./message.ts";
import type { Message } from "./open-message.ts";
import type { Workers } from "./workers.ts";
import type { World } from "./world.ts";

/** An occurrence that was promised a place passes it on to one of the next so many. */
const LONGEST_PASSED_ON = 5;
const PASSES_ON: ReadonlySet<DeliveryStatus> = new Set(["pending", "retrying", "sending", "suppressed"]);

/** All messages of a life: those that have ended, and those that are on their way. */
export class Post {
  readonly deliveries: Message[] = [];
  readonly #world: World;
  readonly #workers: Workers;
  readonly #service: Service;
  #open: Message[] = [];
  #digests = 0;
  #left = 0;

  constructor(world: World, workers: Workers) {
    this.#world = world;
    this.#workers = workers;
    this.#service = {
      ...{ world, workers, budgets: new Budgets(world) },
      newMessageNo: () => this.#left++,
      formerOf: (message, now) => this.#formerOf(message, now),
    };
  }

  /** One that is fired now; see `takeIn`. */
  newMessage(
    { occurrenceAt, missed }: Pick<SimulatedDelivery, "occurrenceAt" | "missed">,
    { to, recipientNo }: Pick<Message, "to" | "recipientNo">,
    now: Instant,
  ): Message {
    const because = to?.optedOut ?? null;
    const digestAt = this.#world.gathersUntil?.(occurrenceAt, now, to) ?? null;
    return {
      occurrenceAt,
      missed,
      firedAt: now,
      nextAt: this.#workers.from(digestAt ?? now, now),
      to,
      recipientNo,
      status: because === null ? "pending" : "suppressed",
      because,
      attempts: [],
      answer: null,
      digestAt,
      digestNo: null,
      slots: NO_SLOTS,
    };
  }

  /** Takes in the messages of an occurrence; returns those that are to be sent. */
  takeIn(fired: readonly Message[]): readonly Message[] {
    this.deliveries.push(...fired);
    const sent = fired.filter(({ status }) => status !== "suppressed");
    this.#open.push(...sent);
    return sent;
  }

  /** The one with which something happens first; undefined: none is on its way. */
  get next(): Message | undefined {
    let first: Message | undefined;
    for (const message of this.#open) if (!first || message.nextAt < first.nextAt) first = message;
    return first;
  }

  isUnderWay(messages: readonly Message[]): boolean {
    return messages.some((one) => this.#open.includes(one));
  }

  get isDelivered(): boolean {
    return this.#open.length === 0;
  }

  /** Goes on with a message whose time has come. Which messages have ended with that, and how. */
  advance(message: Message, about: About): Endings {
    if (!this.#open.includes(message)) return [];
    const together = message.answer === null ? this.#togetherWith(message, about.now) : null;
    const ended = together === null ? hear(message, about, this.#service) : begin(together, about, this.#service);
    for (const [one, { status }] of ended) {
      one.status = status;
      this.#open = this.#open.filter((open) => open !== one);
    }
    return ended;
  }

  /** The messages of one occurrence. */
  of(occurrenceAt: Instant): readonly Message[] {
    const last = this.deliveries.findLastIndex((one) => one.occurrenceAt === occurrenceAt);
    let first = last;
    while (first > 0 && this.deliveries[first - 1]?.occurrenceAt === occurrenceAt) first -= 1;
    return last === -1 ? [] : this.deliveries.slice(first, last + 1);
  }

  /** What goes in one message with this one, as the store has it: see `lockDigests`. */
  #togetherWith(message: Message, now: Instant): readonly Message[] {
    if (message.digestAt === null) return [message];
    const together = this.#open.filter(
      (one) => isForSame(one, message) && one.answer === null && (one.status !== "sending" || one.nextAt <= now),
    );
    if (together.length > 1 && message.digestNo === null) {
      this.#digests += 1;
      for (const one of together) one.digestNo = this.#digests;
    }
    return together;
  }

  /** The one that passes its promised place on to this one, as the store has it: see `readSlots`. */
  #formerOf({ recipientNo, occurrenceAt, to }: Message, now: Instant): Message | undefined {
    let seen = 0;
    for (let index = this.deliveries.length - 1; index >= 0 && seen < LONGEST_PASSED_ON; index -= 1) {
      const one = this.deliveries[index] as Message;
      if (one.occurrenceAt >= occurrenceAt || one.recipientNo !== recipientNo) continue;
      seen += 1;
      if (one.slots.person === null || !PASSES_ON.has(one.status) || one.to?.recipient !== to?.recipient) continue;
      // It is due at once, to be told that it has been superseded.
      if (one.status === "pending" || one.status === "retrying") one.nextAt = Math.min(one.nextAt, now);
      return one;
    }
    return undefined;
  }
}

function isForSame(one: Message, other: Message): boolean {
  const isSameDigest = one.digestAt === other.digestAt && one.digestNo === other.digestNo;
  return isSameDigest && one.to?.channel === other.to?.channel && one.to?.recipient === other.to?.recipient;
}
