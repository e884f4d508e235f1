import { z } from "zod";
import { EVENT_ACTIONS } from "../../core/inbound-event.ts";
import { line } from "./fields.ts";

export const eventParams = z.strictObject({
  tenant: z.string().meta({ description: "Whose event it is.", example: "default" }),
  source: z.string().meta({ description: "The source that has signed it.", example: "billing" }),
});

const id = z
  .union([line(255), z.int()], { error: "must be 1 to 255 characters on one line, or a whole number" })
  .meta({ description: "The sender's own name for the event: sent again with the same, it does nothing more." });

/** What senders call things is theirs: fields that nobody here knows are for placeholders. */
export const Event = z
  .looseObject({
    type: line(200).describe("What happened, like `invoice.paid`: what rules go by."),
    id: id.nullish(),
    source: line(255).nullish().describe("As CloudEvents has it: an id is this source's own."),
  })
  .meta({
    id: "Event",
    description:
      "Something that happened in the outside world. Of all its fields only `type` is needed; rules' placeholders lead to the " +
      "others, whatever they are called, like `{entity_id}`, `{subject}` or `{data.invoice.id}`.",
    example: {
      type: "invoice.paid",
      id: "evt_1",
      entity_type: "invoice",
      entity_id: "42",
      data: { amount: 99.5, currency: "EUR" },
    },
  });

/** A signed one: its id is in its headers. */
export const SignedEvent = z
  .looseObject({ type: line(200).describe("What happened, like `invoice.paid`: what rules go by.") })
  .meta({
    id: "SignedEvent",
    description: "Something that happened in the outside world, in the sender's own words.",
    example: { type: "invoice.paid", timestamp: "2026-01-15T10:30:00Z", data: { invoice: { id: 42 } } },
  });

export const EventOutcome = z
  .strictObject({
    type: z.string(),
    id: z.string().nullable(),
    duplicate: z.boolean().describe("It had come before: nothing was done now, and `done` tells what was done then."),
    done: z
      .array(
        z.strictObject({
          rule: z.string(),
          action: z.enum(EVENT_ACTIONS),
          reminders: z.int().describe("How many reminders were changed."),
          reminder_ids: z.array(z.int()).describe("Which they were: the first 100."),
          flag_key: z.string().nullable().describe("The flag that was set."),
          skipped: z.string().nullable().describe("Why nothing was done."),
        }),
      )
      .describe("One for each rule that is about such events, in order. None: nobody has said what they mean."),
  })
  .meta({
    id: "EventOutcome",
    description: "What an event meant.",
    examples: [
      {
        type: "invoice.paid",
        id: "evt_1",
        duplicate: false,
        done: [
          {
            rule: "invoice-paid",
            action: "complete",
            reminders: 2,
            reminder_ids: [7, 9],
            flag_key: null,
            skipped: null,
          },
        ],
      },
    ],
  });

export type EventOutcomeJson = z.output<typeof EventOutcome>;
