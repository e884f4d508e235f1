import type { Message } from "../../src/channels/channel.ts";
import { deliveryId } from "../../src/core/reminder.ts";

export interface MessageChanges extends Partial<Omit<Message, "reminder">> {
  reminder?: Partial<Message["reminder"]>;
}

/** The third reminder of SPEC.md's interviewer, to an address of their own. */
export function exampleMessage({ reminder, ...changes }: MessageChanges = {}): Message {
  const occurrenceAt = changes.occurrenceAt ?? Date.UTC(2025, 0, 15, 13, 30);
  const id = reminder?.id ?? 1;
  return {
    idempotencyKey: deliveryId({ reminderId: id, occurrenceAt, recipientNo: 0 }),
    recipient: "ann@example.com",
    reminder: {
      id,
      tenantId: "default",
      entityType: "interviewer",
      entityId: "INT_100",
      eventType: "feedback_form",
      subject: null,
      message: null,
      data: {},
      timeZone: null,
      createdAt: Date.UTC(2025, 0, 15, 10, 30),
      ...reminder,
    },
    contact: null,
    occurrenceAt,
    occurrenceNumber: 3,
    nextRunAt: Date.UTC(2025, 0, 15, 14, 30),
    attemptedAt: occurrenceAt,
    ...changes,
  };
}
