import type { Message } from "../channels/channel.ts";
import { render } from "../channels/rendering.ts";
import { writeDigest } from "../templates/digest.ts";
import type { Written } from "../templates/writer.ts";
import { type Gate, MustAsk, Overtaken, Postponed } from "./gate.ts";
import type { Digest, Held } from "./held.ts";
import type { Lane } from "./lane.ts";
import { failed, type Outcome, sent } from "./outcome.ts";

export interface DigestSenderOptions {
  gate: Gate;
  write(lane: Lane, held: Held): Promise<{ message: Message; instead: Written["instead"] }>;
  end(held: Held, outcome: Outcome, lane: Lane): void;
  letGo(held: Held, lane: Lane): void;
  isEnding(): boolean;
}

/** Some of what the message was to say isn't to be sent any more: it is written anew. */
class Fewer extends Error {}

/** Whether it is done is asked outside so often before an item goes back. */
const MOST_QUESTIONS = 2;

/**
 * Sends deliveries that go as one message. Each is asked about like any other when the message is put together, and once more
 * right before it leaves; what isn't to be sent is left out, and each ends with a result of its own.
 */
export class DigestSender {
  readonly #options: DigestSenderOptions;

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
        if (error instanceof Fewer) continue;
        if (error instanceof Postponed) for (const held of left) this.#options.letGo(held, lane);
        else if (error instanceof Overtaken) for (const held of left) this.#options.end(held, error.outcome, lane);
        else this.#fail(lane, left, error);
        return;
      }
    }
  }

  async #attempt(lane: Lane, digest: Digest): Promise<void> {
    const { gate, end } = this.#options;
    await Promise.all(leftOf(digest).map((held) => this.#admit(lane, held)));
    await gate.passTogether(leftOf(digest));
    await Promise.all(leftOf(digest).map((held) => this.#admit(lane, held)));
    const left = leftOf(digest);
    if (left.length === 0) return;
    const sendingSinceMs = performance.now();
    for (const held of left) held.sendingSinceMs = sendingSinceMs;
    const signal = lane.deadlines.signal(sendingSinceMs);
    const items = await this.#write(lane, left);
    const [first] = items;
    if (!first || items.length < left.length) throw new Fewer();
    const { links, buttons, endsSilence, ...message } = first.message;
    const written = writeDigest(items.map(({ message }) => ({ message, rendered: render(message) })));
    const receipt = await lane.channel.send(
      { ...message, idempotencyKey: digest.id, isDigest: true, occurrenceNumber: 1, nextRunAt: null, written },
      { signal, beforeSend: () => this.#passAgain(lane, left) },
    );
    for (const { held, instead } of items) end(held, sent(receipt, instead), lane);
  }

  /** What can't be written is left out, and the others go without it. */
  async #write(
    lane: Lane,
    left: readonly Held[],
  ): Promise<{ held: Held; message: Message; instead: Written["instead"] }[]> {
    const written = await Promise.all(
      left.map(async (held) => {
        try {
          return { held, ...(await this.#options.write(lane, held)) };
        } catch (error) {
          if (error instanceof Overtaken) this.#leave(lane, held, error.outcome);
          else this.#fail(lane, [held], error);
          return null;
        }
      }),
    );
    return written.filter((one) => one !== null);
  }

  async #passAgain(lane: Lane, left: readonly Held[]): Promise<void> {
    await Promise.all(left.map((held) => this.#admit(lane, held)));
    if (left.some(({ hasEnded }) => hasEnded)) throw new Fewer();
  }

  /** Ends what isn't to be sent, or not now. */
  async #admit(lane: Lane, held: Held): Promise<void> {
    const { gate } = this.#options;
    for (let questions = 0; !held.hasEnded; questions += 1) {
      try {
        return await gate.pass(held);
      } catch (error) {
        if (error instanceof Overtaken) this.#leave(lane, held, error.outcome);
        else if (!(error instanceof MustAsk) || questions >= MOST_QUESTIONS) this.#fail(lane, [held], error);
        else await this.#ask(lane, held);
      }
    }
  }

  async #ask(lane: Lane, held: Held): Promise<void> {
    held.wasAsked = true;
    try {
      const outcome = await this.#options.gate.ask(held);
      if (outcome) this.#leave(lane, held, outcome);
    } catch (error) {
      this.#fail(lane, [held], error);
    }
  }

  /** What goes back now comes later, in another message. */
  #leave(lane: Lane, held: Held, outcome: Outcome): void {
    this.#options.end(held, { ...outcome, leavesDigest: true }, lane);
  }

  /** They are tried again at the same time, and so together. An address is blamed once. */
  #fail(lane: Lane, left: readonly Held[], error: unknown): void {
    const [first, ...others] = left;
    if (!first) return;
    const outcome = failed(error, first.attempts, lane.retries, this.#options.isEnding());
    const { blamed, ...same } = outcome;
    this.#options.end(first, outcome, lane);
    for (const held of others) this.#options.end(held, same, lane);
  }
}

function leftOf({ items }: Digest): Held[] {
  return items.filter(({ hasEnded }) => !hasEnded);
}
