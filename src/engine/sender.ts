import { type Gate, MustAsk, Overtaken, Postponed } from "./gate.ts";
import type { Held } from "./held.ts";
import type { Lane } from "./lane.ts";
import type { Leaving } from "./leaving.ts";
import { failed, handedBack, type Outcome, sent } from "./outcome.ts";
import type { Writing } from "./writing.ts";

export interface SenderOptions {
  gate: Gate;
  leaving: Pick<Leaving, "note">;
  writing: Pick<Writing, "write">;
  /** Without a lane, it has no place there any more. */
  end(held: Held, outcome: Outcome, lane?: Lane): void;
  letGo(held: Held, lane: Lane): void;
  isStopping(): boolean;
  isEnding(): boolean;
}

/** Sends deliveries that go by themselves. What goes as one message of several, a `DigestSender` sends. */
export class Sender {
  readonly #options: SenderOptions;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  async deliver(lane: Lane, held: Held): Promise<void> {
    const { gate, writing, end, letGo, isEnding } = this.#options;
    try {
      lane.channel.mayBegin?.(held);
      await gate.pass(held);
      // All that was begun is aborted by then, and nobody would abort this.
      if (isEnding()) throw new Overtaken(handedBack(held.attempts));
      held.sendingSinceMs = performance.now();
      const signal = lane.deadlines.signal(held.sendingSinceMs);
      const { message, instead } = await writing.write(lane.channel, held);
      const receipt = await lane.channel.send(message, { signal, beforeSend: () => this.#letLeave(lane, held) });
      end(held, sent(receipt, instead), lane);
    } catch (error) {
      if (error instanceof Postponed) letGo(held, lane);
      else if (error instanceof MustAsk) await this.#ask(lane, held);
      else if (error instanceof Overtaken) end(held, error.outcome, lane);
      else end(held, failed(error, held, lane.retries, isEnding()), lane);
    }
  }

  /** The last question. Where it takes a while to note that it leaves, it is asked again. */
  async #letLeave({ channel }: Lane, held: Held): Promise<void> {
    const { gate, leaving } = this.#options;
    await gate.pass(held);
    if (await leaving.note(channel, [held])) await gate.pass(held);
    held.wasLetGo = true;
  }

  /**
   * Gives its place to others while somebody outside is asked, and takes its turn again after that. If the answer grew too old
   * before its turn came it keeps its place the next time: in a lane that is slow and full it would else ask for ever.
   */
  async #ask(lane: Lane, held: Held): Promise<void> {
    const { gate, end, isStopping, isEnding } = this.#options;
    held.sendingSinceMs = null;
    const keepsPlace = held.wasAsked;
    held.wasAsked = true;
    if (!keepsPlace) lane.ended(held);
    let outcome: Outcome | null;
    try {
      outcome = await gate.ask(held);
    } catch (error) {
      outcome = failed(error, held, lane.retries, isEnding());
    }
    if (isStopping()) outcome ??= handedBack(held.attempts);
    if (outcome) end(held, outcome, keepsPlace ? lane : undefined);
    else if (keepsPlace) await this.deliver(lane, held);
    else lane.addFirst(held);
  }
}
