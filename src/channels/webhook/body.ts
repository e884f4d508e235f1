import { hash } from "node:crypto";
import type { Rendered } from "../../templates/render.ts";
import type { Message } from "../channel.ts";

const ID_LENGTH = 32;

/**
 * What receivers tell repetitions by: the same for each attempt of a message, and another for every other message, also one
 * of another installation that sends to the same receiver. Without a full stop, which would be ambiguous in what is signed.
 */
export function webhookId({ reminder, idempotencyKey }: Message): string {
  const whole = JSON.stringify([reminder.tenantId, reminder.createdAt, idempotencyKey]);
  return `msg_${hash("sha256", whole, "hex").slice(0, ID_LENGTH)}`;
}

/** The message as Standard Webhooks wants it: what kind of event it is, when that was, and the facts of it. */
export function webhookBody(message: Message, { subject, body }: Rendered): Buffer {
  const { reminder, occurrenceAt, occurrenceNumber, nextRunAt, idempotencyKey, isTest } = message;
  const event = {
    type: isTest ? "reminder.test" : "reminder.due",
    timestamp: iso(occurrenceAt),
    data: {
      delivery_id: idempotencyKey,
      tenant: reminder.tenantId,
      reminder: {
        id: reminder.id,
        entity_type: reminder.entityType,
        entity_id: reminder.entityId,
        event_type: reminder.eventType,
        data: reminder.data,
        created_at: iso(reminder.createdAt),
      },
      occurrence: {
        at: iso(occurrenceAt),
        number: occurrenceNumber,
        next_run_at: nextRunAt === null ? null : iso(nextRunAt),
      },
      subject,
      text: body,
      ...(message.links ? { links: message.links } : {}),
    },
  };
  return Buffer.from(JSON.stringify(event));
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
