import { z } from "zod";
import { PER_HOP } from "../../core/fallback.ts";
import { toIso } from "../../core/instant.ts";
import { DELIVERY_STATUSES, type Delivery as DeliveryRow, deliveryId } from "../../core/reminder.ts";
import { STOP_STATES } from "../../core/stop.ts";
import { isoInstant } from "./fields.ts";

const Checked = z
  .strictObject({
    type: z.string().describe("The kind of the stop condition."),
    state: z.enum(STOP_STATES),
    because: z.string().describe("What was found, and where, in a sentence."),
    at: isoInstant.describe("As of when."),
  })
  .meta({ id: "Checked", description: "What a stop condition answered." });

export const Delivery = z
  .strictObject({
    id: z.string().describe("Stays the same over retries; receivers see it as the message's id."),
    reminder_id: z.int(),
    occurrence_at: isoInstant.describe("The due instant that this message is for."),
    channel: z.string(),
    recipient: z.string().nullable(),
    status: z.enum(DELIVERY_STATUSES),
    attempts: z
      .int()
      .describe("Delivery attempts of this message so far, the one under way included; DELIVERY_MAX_ATTEMPTS at most."),
    next_attempt_at: isoInstant
      .nullable()
      .describe("When it is tried next; null while it is being sent and once it has ended."),
    reason: z
      .string()
      .nullable()
      .describe("Why it was not sent, or not yet; or, of one that was sent, why not in the words of its template."),
    provider_id: z.string().nullable().describe("The provider's own id for the message."),
    person: z
      .string()
      .nullable()
      .describe("Whom it is for, where the reminder may be for several; null: whom it is for anyway."),
    policy_step: z.int().nullable().describe("Which step of its policy it is; null: it goes by none."),
    instead_of: z
      .string()
      .nullable()
      .describe("The delivery in whose stead it went over this channel, because that one couldn't be; null: none."),
    checked: Checked.nullable().describe(
      "What its stop condition answered last before its newest attempt; null: there is none, or it wasn't asked yet.",
    ),
    demo: z.boolean().describe("True when it was printed instead of sent, because the channel runs in demo mode."),
    created_at: isoInstant,
    finished_at: isoInstant.nullable(),
  })
  .meta({
    id: "Delivery",
    description: "One message to one recipient for one occurrence.",
    examples: [
      {
        id: "1-1768476600000-0",
        reminder_id: 1,
        occurrence_at: "2026-01-15T11:30:00.000Z",
        channel: "email",
        recipient: "interviewer@example.com",
        status: "sent",
        attempts: 1,
        next_attempt_at: null,
        reason: null,
        provider_id: "250 2.0.0 OK: queued as 4F2A",
        person: null,
        policy_step: null,
        instead_of: null,
        checked: {
          type: "db_check",
          state: "not_met",
          because: 'flag "feedback_submitted" is not set',
          at: "2026-01-15T11:30:00.015Z",
        },
        demo: false,
        created_at: "2026-01-15T11:30:00.012Z",
        finished_at: "2026-01-15T11:30:00.480Z",
      },
    ],
  });

export function toDeliveryJson(delivery: DeliveryRow): z.output<typeof Delivery> {
  const { status, nextAttemptAt, addressed, checked } = delivery;
  const isInstead = addressed?.tried !== undefined;
  return {
    id: deliveryId(delivery),
    reminder_id: delivery.reminderId,
    occurrence_at: toIso(delivery.occurrenceAt),
    channel: delivery.channel,
    recipient: delivery.recipient,
    status,
    attempts: delivery.attempts,
    // While it is being sent, the row keeps the end of the sender's lease there.
    next_attempt_at: status === "sending" ? null : toIso(nextAttemptAt),
    reason: delivery.reason,
    provider_id: delivery.providerId,
    person: addressed?.person ?? null,
    policy_step: addressed?.step ?? null,
    instead_of: isInstead ? deliveryId({ ...delivery, recipientNo: delivery.recipientNo - PER_HOP }) : null,
    checked: checked && { ...checked, at: toIso(checked.at) },
    demo: delivery.demo,
    created_at: toIso(delivery.createdAt),
    finished_at: toIso(delivery.finishedAt),
  };
}
