import type { Channel } from "../channels/channel.ts";
import { Batcher } from "../store/batcher.ts";
import { markLeaving } from "../store/leaving.ts";
import { isDatabaseAway, type Sql } from "../store/postgres.ts";
import { Overtaken } from "./gate.ts";
import type { Held } from "./held.ts";
import { handedBack } from "./outcome.ts";

const LARGEST_MARK = 500;
/** What somebody has locked is most often free again after this, in milliseconds: this worker itself may just be prolonging its lease. */
const LOOK_AGAIN_MS = 100;

/**
 * Has it written down that messages are about to leave, where the receiver couldn't tell if they came again: should this worker die, nobody
 * sends them once more. All that leave at the same time are written down together, by one connection.
 */
export class Leaving {
  readonly #marks: Batcher<Held, boolean>;

  constructor(database: Sql) {
    this.#marks = new Batcher(async (held) => {
      const marked = new Set(await markLeaving(database, held));
      return held.map((one) => marked.has(one));
    }, LARGEST_MARK);
  }

  /**
   * Called when they are ready to leave, and the receiver is there. False where there was nothing to be noted; what was known before is older
   * by a round trip where there was. Throws `Overtaken` where they aren't this worker's any more, somebody has them locked, or the database is away.
   */
  async note({ isAtMostOnce }: Pick<Channel, "isAtMostOnce">, these: readonly Held[]): Promise<boolean> {
    const unnoted = isAtMostOnce ? these.filter(({ mayHaveLeft }) => !mayHaveLeft) : [];
    const [first] = unnoted;
    if (!first) return false;
    const missed = await this.#mark(first, unnoted);
    if (missed.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      const stillMissed = await this.#mark(first, missed);
      // Whoever has it locked keeps its result from being stored as well, so it isn't claimed again before it is free.
      if (stillMissed.length > 0) throw new Overtaken(handedBack(first.attempts));
    }
    for (const held of unnoted) held.mayHaveLeft = true;
    return true;
  }

  /** Returns those of which nothing is noted. */
  async #mark(first: Held, these: readonly Held[]): Promise<Held[]> {
    try {
      const areMarked = await Promise.all(these.map((held) => this.#marks.add(held)));
      return these.filter((_, index) => !areMarked[index]);
    } catch (error) {
      if (isDatabaseAway(error)) throw new Overtaken(handedBack(first.attempts));
      throw error;
    }
  }
}
