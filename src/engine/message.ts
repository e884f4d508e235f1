import type { Message, MessageButtons, MessageLinks } from "../channels/channel.ts";
import { deliveryId } from "../core/reminder.ts";
import { endsSilence } from "../core/silence.ts";
import { otherOf } from "./audience.ts";
import type { Held } from "./held.ts";

/** What the channel is asked to send for this delivery. */
export function messageFor(
  held: Held,
  { links, buttons }: { links: MessageLinks | null; buttons: MessageButtons | null },
): Message {
  if (!held.known) throw new Error("the reminder's row was removed");
  const { reminder, contact, around } = held.known;
  const addressee = otherOf(held.known, held.addressed);
  return {
    idempotencyKey: deliveryId(held),
    recipient: held.recipient,
    addressed: held.addressed,
    ...(addressee === undefined ? {} : { addressee }),
    reminder,
    contact,
    tenantZone: around.tenantZone,
    occurrenceAt: held.occurrenceAt,
    // Only the newest occurrence is sent, so the reminder's count is this message's number; with the misfire policy `all`, an
    // older one that waited bears the newest's.
    occurrenceNumber: reminder.occurrenceCount,
    nextRunAt: reminder.nextRunAt,
    ...(links ? { links } : {}),
    ...(buttons ? { buttons } : {}),
    ...(endsSilence(held.occurrenceAt, reminder.silence) ? { endsSilence: reminder.silence } : {}),
    attemptedAt: Math.round(held.known.now + performance.now() - held.readAtMs),
  };
}
