import type { Message } from "../channels/channel.ts";
import { render } from "../channels/rendering.ts";
import { countThatFits, type Item, writeDigest } from "../templates/digest.ts";
import { type Gate, MustAsk, Overtaken, Postponed } from "./gate.ts";
import type { Digest, Held } from "./held.ts";
import type { Lane } from "./lane.ts";
import type { Leaving } from "./leaving.ts";
import { type Ended, failed, handedBack, isHandedBack, isPutBack, type Outcome, putBack, sent } from "./outcome.ts";
import type { Writing, WrittenMessage } from "./writing.ts";

export interface DigestSenderOptions {
  gate: Gate;
  leaving: Pick<Leaving, "note">;
  writing: Pick<Writing, "write" | "linkToAll">;
  end(held: Held, outcome: Outcome, lane: Lane): void;
  letGo(held: Held, lane: Lane): void;
  /** Gives one that was put back the place under the caps that was taken for all. */
  passOn(ended: Ended): void;
  /** Resolves when what became of these is stored. */
  stored(these: readonly Held[]): Promise<void>;
  isEnding(): boolean;
}

/** One of several, as it would be sent by itself. */
interface WrittenItem extends Item, WrittenMessage {
  held: Held;
  message: Message;
}

/** Some of what the message was to say isn't to be sent any more: it is written anew. */
class Fewer extends Error {}

/** Whether it is done is asked outside so often before an item goes back. */
const MOST_QUESTIONS = 2;
const ASK_ALONE_MS = 1_000;
const TOO_OLD = "what its stop condition answered was too old when the others could be sent";

/**
 * Sends deliveries that go as one message. Each is asked about like any other when the message is put together, and once more
 * right before it leaves; what isn't to be sent is left out, and each ends with a result of its own.
 */
export class DigestSender {
  readonly #options: DigestSenderOptions;
  /** Of each, the last that was put back to come by itself. */
  readonly #putBack = new WeakMap<Digest, Ended>();

  constructor(options: DigestSenderOptions) {
    this.#options = options;
  }

  async deliver(lane: Lane, digest: Digest): Promise<void> {
    // One place is asked for, for all of them.
    for (const held of digest.items) held.hasPlace = true;
    // Each time round there are fewer.
    for (;;) {
      try {
        return await this.#attempt(lane, digest);
      } catch (error) {
        const left = leftOf(digest);
        if (error instanceof Fewer) {
          for (const held of left) held.sendingSinceMs = null;
          continue;
        }
        if (error instanceof Postponed) for (const held of left) this.#options.letGo(held, lane);
        else {
          keepPlace(digest, left);
          if (error instanceof Overtaken) for (const held of left) this.#options.end(held, error.outcome, lane);
          else this.#fail(lane, left, error);
        }
        return;
      }
    }
  }

  async #attempt(lane: Lane, digest: Digest): Promise<void> {
    const { gate, end } = this.#options;
    await Promise.all(leftOf(digest).map((held) => this.#admit(lane, held)));
    if (!digest.hasPlace) await gate.passTogether(leftOf(digest));
    digest.hasPlace = true;
    await Promise.all(leftOf(digest).map((held) => this.#admit(lane, held)));
    // If we died with the message on its way, what was left out would else come again with it, under the id of the message that was without.
    await this.#options.stored(digest.items.filter(({ hasEnded }) => hasEnded));
    const left = leftOf(digest);
    if (left.length === 0) return this.#passOn(digest);
    if (this.#options.isEnding()) throw new Overtaken(handedBack(left[0]?.attempts ?? 0));
    const sendingSinceMs = performance.now();
    for (const held of left) held.sendingSinceMs = sendingSinceMs;
    const signal = lane.deadlines.signal(sendingSinceMs);
    const all = await this.#write(lane, left);
    if (all.length < left.length) throw new Fewer();
    const [first] = all as [WrittenItem, ...WrittenItem[]];
    const leadsTo = lane.channel.opensOnePage ? await this.#options.writing.linkToAll(first.held) : null;
    // The page behind the link lists all of them, whatever the message has room for.
    const items = leadsTo === null ? this.#thatFit(lane, all) : all;
    if (items.length < all.length) throw new Fewer();
    const { links, buttons, endsSilence, ...message } = first.message;
    const written = writeDigest(items, leadsTo, lane.channel);
    // Of what is left alone a mail program unsubscribes as if it had come by itself; of several, its one click couldn't say of which.
    const ofOne = items.length === 1 && links ? { links } : {};
    const receipt = await lane.channel.send(
      {
        ...message,
        ...ofOne,
        idempotencyKey: digest.id,
        isDigest: true,
        occurrenceNumber: 1,
        nextRunAt: null,
        written,
      },
      { signal, beforeSend: () => this.#letLeave(lane, items) },
    );
    for (const { held, instead } of items) end(held, sent(receipt, instead), lane);
  }

  /** What can't be written is left out, and the others go without it. */
  async #write(lane: Lane, left: readonly Held[]): Promise<WrittenItem[]> {
    const written = await Promise.all(
      left.map(async (held) => {
        try {
          const { message, instead } = await this.#options.writing.write(lane.channel, held);
          return { held, message, instead, rendered: render(message) };
        } catch (error) {
          this.#leaveFor(error, lane, held);
          return null;
        }
      }),
    );
    return written.filter((one) => one !== null);
  }

  /** What the channel would cut off goes in the next message. */
  #thatFit(lane: Lane, items: readonly WrittenItem[]): readonly WrittenItem[] {
    const count = countThatFits(items, lane.channel);
    for (const { held } of items.slice(count)) this.#leave(lane, held, handedBack(held.attempts));
    return items.slice(0, count);
  }

  async #letLeave(lane: Lane, items: readonly WrittenItem[]): Promise<void> {
    const these = items.map(({ held }) => held);
    await this.#passAgain(lane, items);
    if (await this.#options.leaving.note(lane.channel, these)) await this.#passAgain(lane, items);
    for (const held of these) held.wasLetGo = true;
  }

  async #passAgain(lane: Lane, items: readonly WrittenItem[]): Promise<void> {
    await Promise.all(items.map(({ held }) => this.#admit(lane, held)));
    if (items.some(({ held }) => held.hasEnded)) throw new Fewer();
  }

  /** Ends what isn't to be sent, or not now. */
  async #admit(lane: Lane, held: Held): Promise<void> {
    const { gate } = this.#options;
    for (let questions = 0; !held.hasEnded; questions += 1) {
      try {
        return await gate.pass(held);
      } catch (error) {
        if (!(error instanceof MustAsk) || questions >= MOST_QUESTIONS) this.#leaveFor(error, lane, held);
        else await this.#ask(lane, held);
      }
    }
  }

  async #ask(lane: Lane, held: Held): Promise<void> {
    held.wasAsked = true;
    try {
      const outcome = await this.#options.gate.ask(held);
      if (outcome) throw new Overtaken(outcome);
    } catch (error) {
      this.#leaveFor(error, lane, held);
    }
  }

  /**
   * What can't go now comes by itself: under the id of a message that was sent without it, a receiver would take it for that one. But
   * where the lease or the database is gone nothing of the message can go, and all of it comes again as it was.
   */
  #leaveFor(error: unknown, lane: Lane, held: Held): void {
    if (held.hasEnded) return;
    if (error instanceof Overtaken && isHandedBack(error.outcome)) throw error;
    const { attempts } = held;
    if (error instanceof Overtaken) this.#leave(lane, held, error.outcome);
    else if (error instanceof MustAsk) this.#leave(lane, held, putBack(attempts, ASK_ALONE_MS, TOO_OLD));
    else this.#leave(lane, held, failed(error, held, lane.retries, this.#options.isEnding()));
  }

  /** What goes back now comes later, in another message. */
  #leave(lane: Lane, held: Held, outcome: Outcome): void {
    if (held.digest && isPutBack(outcome)) this.#putBack.set(held.digest, { held, outcome });
    this.#options.end(held, { ...outcome, leavesDigest: true }, lane);
  }

  /** None of them goes after all: the one that was put back last has the place of all. */
  #passOn(digest: Digest): void {
    const last = this.#putBack.get(digest);
    const taken = digest.items.find((held) => held.taken)?.taken;
    if (last && taken) this.#options.passOn({ held: { ...last.held, taken }, outcome: last.outcome });
  }

  /**
   * They are tried again at the same time, and so together: when the one that was tried the most often is to be. Each by its own
   * attempts, which aren't as many where some had come by themselves before. An address is blamed once.
   */
  #fail(lane: Lane, left: readonly Held[], error: unknown): void {
    const isEnding = this.#options.isEnding();
    const outcomes = left.map((held) => failed(error, held, lane.retries, isEnding));
    const retryInMs = Math.max(...outcomes.map((outcome) => outcome.retryInMs));
    for (const [n, held] of left.entries()) {
      const { blamed, ...outcome } = outcomes[n] as Outcome;
      const isOver = outcome.status === "failed" || outcome.status === "unknown";
      const same = isOver ? outcome : { ...outcome, retryInMs };
      this.#options.end(held, n === 0 && blamed ? { ...same, blamed } : same, lane);
    }
  }
}

/** The one that had asked for the place of all may have been left out since: the next one has it, should all come back unsent. */
function keepPlace({ items }: Digest, [next]: readonly Held[]): void {
  const taken = items.find((held) => held.taken)?.taken;
  if (next && taken) next.taken = taken;
}

function leftOf({ items }: Digest): Held[] {
  return items.filter(({ hasEnded }) => !hasEnded);
}
