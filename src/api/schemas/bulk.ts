import { z } from "zod";
import { FieldErrors } from "./problem.ts";
import { exampleReminder, exampleWish, Reminder } from "./reminder.ts";

export const MAX_BULK = 1_000;

/** Each item is checked by itself, as `CreateReminder`, so that one that is wrong doesn't keep the others out. */
const anyWish = z.unknown().meta({ $ref: "#/components/schemas/CreateReminderInput" });

const wrongWish = { ...exampleWish, entity_id: "INT_101", interval_minutes: 0 };

export const CreateReminders = z
  .strictObject({
    reminders: z.array(anyWish).min(1).max(MAX_BULK).describe(`From 1 to ${MAX_BULK}, each as for creating one.`),
  })
  .meta({
    id: "CreateReminders",
    description: "Reminders to create.",
    example: { reminders: [exampleWish, wrongWish] },
  });

const Granted = z.strictObject({
  status: z.literal([201, 200]).describe("201: created. 200: it existed already."),
  reminder: Reminder,
});

const Refused = z.strictObject({
  status: z.literal(422),
  errors: FieldErrors,
});

const OverQuota = z.strictObject({
  status: z.literal(403).describe("The tenant has as many ACTIVE reminders as it may have."),
  detail: z.string(),
});

export const CreatedReminders = z
  .strictObject({
    results: z
      .array(z.union([Granted, Refused, OverQuota]))
      .describe("What became of each, in the order of the request, with the status that it would have had by itself."),
  })
  .meta({
    id: "CreatedReminders",
    examples: [
      {
        results: [
          { status: 201, reminder: exampleReminder },
          {
            status: 422,
            errors: [
              {
                in: "body",
                field: "reminders.1.interval_minutes",
                pointer: "/reminders/1/interval_minutes",
                message: "must be at least 1",
              },
            ],
          },
        ],
      },
    ],
  });

export type CreatedReminder = z.output<typeof Granted> | z.output<typeof Refused> | z.output<typeof OverQuota>;
