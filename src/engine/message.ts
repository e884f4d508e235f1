import type { Message } from "../channels/channel.ts";
import { deliveryId } from "../core/reminder.ts";
import type { ReminderWithFacts } from "../store/engine-row.ts";
import type { Held } from "./held.ts";

/** What the channel is asked to send for this delivery. */
export function messageFor(held: Held, { reminder, contact }: ReminderWithFacts): Message {
  return {
    idempotencyKey: deliveryId(held),
    recipient: held.recipient,
    reminder,
    contact,
    occurrenceAt: held.occurrenceAt,
    // Only the newest occurrence is ever sent, so the reminder's count is this message's number.
    occurrenceNumber: reminder.occurrenceCount,
    nextRunAt: reminder.nextRunAt,
  };
}
