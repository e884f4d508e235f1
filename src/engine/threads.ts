import { Batcher } from "../store/batcher.ts";
import { type Addressed, lastSent } from "../store/last-sent.ts";
import type { Sql } from "../store/postgres.ts";

const LARGEST_READ = 500;

/** What a reminder has sent before, for channels that keep its messages in one thread: all that are asked at once, together. */
export class Threads {
  readonly #reader: Batcher<Addressed, string | null>;

  constructor(database: Sql, channel: string) {
    this.#reader = new Batcher((asked) => lastSent(database, channel, asked), LARGEST_READ);
  }

  /** The provider's id of the reminder's newest message to this recipient; null where there is none. */
  lastSent(reminderId: number, recipient: string): Promise<string | null> {
    return this.#reader.add({ reminderId, recipient });
  }
}
