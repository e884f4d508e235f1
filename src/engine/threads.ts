import type { Message } from "../channels/channel.ts";
import { type DeliveryKey, deliveryId } from "../core/reminder.ts";
import { Batcher } from "../store/batcher.ts";
import { type Addressed, lastSent } from "../store/last-sent.ts";
import type { Sql } from "../store/postgres.ts";
import { type ThreadAsked, threadRoots } from "../store/thread-root.ts";
import { beforeSending } from "./before-sending.ts";

/** A reminder's threads are counted from its creation on, and anew after so many days: no more than deliveries are kept. */
const COUNTED_DAYS = 84;
const DAY_MS = 86_400_000;
const LARGEST_READ = 500;

/** What a reminder has sent before, for channels that keep its messages in one thread: all that are asked at once, together. */
export class Threads {
  readonly #reader: Batcher<Addressed, string | null>;
  readonly #roots: Batcher<ThreadAsked, DeliveryKey | null>;

  constructor(database: Sql, channel: string) {
    this.#reader = new Batcher((asked) => lastSent(database, channel, asked), LARGEST_READ);
    this.#roots = new Batcher((asked) => threadRoots(database, channel, asked), LARGEST_READ);
  }

  /** The provider's id of the reminder's newest message to this recipient; null where there is none. */
  lastSent(reminderId: number, recipient: string): Promise<string | null> {
    return beforeSending(() => this.#reader.add({ reminderId, recipient }));
  }

  /**
   * The id of the delivery that began the thread of a reminder's messages to this recipient; null where this message begins
   * one, since there was none yet, or it began `afterDays` or more before.
   */
  async root({ reminder, recipient, occurrenceAt }: Message, afterDays: number): Promise<string | null> {
    if (recipient === null) return null;
    const { id: reminderId, createdAt } = reminder;
    const everyMs = afterDays * DAY_MS;
    const countedMs = Math.max(COUNTED_DAYS * DAY_MS, everyMs);
    const counted = Math.floor((occurrenceAt - createdAt) / countedMs);
    // The first message may have been due before its reminder was there.
    const since = counted <= 0 ? 0 : createdAt + counted * countedMs;
    const asked = { reminderId, recipient, since, before: occurrenceAt, everyMs };
    const root = await beforeSending(() => this.#roots.add(asked));
    return root && deliveryId(root);
  }
}
