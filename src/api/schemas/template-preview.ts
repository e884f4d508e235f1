import { z } from "zod";
import { jsonObject, line, locale, text, timeZone, wholeNumber } from "./fields.ts";
import { stepTemplate } from "./policy.ts";
import { templateTexts } from "./template.ts";

const Sample = z.strictObject({
  entity_type: line(200).optional(),
  entity_id: line(200).optional(),
  data: jsonObject.optional(),
  subject: line(500).nullish().describe("The reminder's own subject."),
  message: text(20_000).nullish().describe("The reminder's own message."),
  contact_name: line(200).nullish(),
  time_zone: timeZone.nullish(),
  occurrence_number: wholeNumber({ min: 1, max: 1_000_000 })
    .optional()
    .describe("Which occurrence it is; the third if you don't say."),
});

const asked = {
  event_type: line(200).optional().describe("Of the reminder; left out: that of `reminder_id`, else `payment`."),
  channel: line(50).optional().describe("Over which channel it goes; left out: that of `reminder_id`, else `email`."),
  locale: locale.optional().describe("The reader's language; left out: the contact's, else English."),
  template: z
    .strictObject(templateTexts)
    .optional()
    .describe("What is tried out. Left out: what a message would be written in now."),
  step_template: stepTemplate
    .optional()
    .describe(
      "As a step of a policy that names this template: by what is stored under the name, or by `template` as if it were. " +
        "It comes before the reminder's own words.",
    ),
  reminder_id: wholeNumber({ min: 1, max: Number.MAX_SAFE_INTEGER })
    .optional()
    .describe(
      "Real data: of this reminder and its contact. Takes the scopes `reminders:read` and `contacts:read` too.",
    ),
  sample: Sample.optional().describe("Made-up data, for what `reminder_id` doesn't say."),
};

const exampleAsked = {
  event_type: "payment",
  template: { subject: "Invoice {{ data.number }}", text: "Please pay invoice {{ data.number }}." },
  sample: { data: { number: "2025-0042" } },
};

export const PreviewTemplate = z.strictObject(asked).meta({
  id: "PreviewTemplate",
  description: "What is to be looked at, with which data.",
  example: exampleAsked,
});

export const SendTemplateTest = z
  .strictObject({
    ...asked,
    channel: line(50).describe("Over which channel."),
    to: line(500).describe("To whom, in the channel's own form."),
  })
  .meta({
    id: "SendTemplateTest",
    description: "What is to be sent as a test, and to whom.",
    example: { ...exampleAsked, channel: "email", to: "ann@example.com" },
  });

const whichTemplate = z
  .strictObject({ event_type: z.string(), channel: z.string(), locale: z.string(), version: z.int() })
  .nullable()
  .describe("The stored template that was used; null: none.");

export const TemplatePreview = z
  .strictObject({
    template: whichTemplate,
    problem: z.string().nullable().describe("Why it isn't in the words of the template; null: it is."),
    subject: z.string(),
    text: z.string().describe("The text part of an e-mail."),
    html: z.string().describe("Its page. Show it in a sandbox: the words are somebody's."),
    slack: z.strictObject({ text: z.string(), blocks: z.array(z.record(z.string(), z.unknown())) }),
    sms: z.strictObject({
      text: z.string(),
      encoding: z.enum(["GSM-7", "UCS-2"]),
      units: z.int().describe("Septets, or 16-bit units."),
      parts: z.int().describe("Messages that are paid for."),
    }),
    webhook: z.record(z.string(), z.unknown()).describe("The body of a webhook."),
    push: z.record(z.string(), z.unknown()).describe("What a device is told, encrypted."),
    services: z
      .record(z.string(), z.record(z.string(), z.unknown()))
      .describe("What chats, push services and alarms are sent, by their channel; tokens in it are `***`."),
  })
  .meta({
    id: "TemplatePreview",
    description: "A message in all its forms.",
    examples: [
      {
        template: null,
        problem: null,
        subject: "Invoice 2025-0042",
        text: "Invoice 2025-0042 (invoice 42)\n\nPlease pay invoice 2025-0042.\n",
        html: "<!doctype html>...",
        slack: { text: "Invoice 2025-0042\nPlease pay invoice 2025-0042.", blocks: [] },
        sms: { text: "Invoice 2025-0042: Please pay invoice 2025-0042.", encoding: "GSM-7", units: 48, parts: 1 },
        webhook: { type: "reminder.test" },
        push: { title: "Invoice 2025-0042", body: "Please pay invoice 2025-0042.", url: null },
        services: { gotify: { title: "Invoice 2025-0042", message: "Please pay invoice 2025-0042.", priority: 5 } },
      },
    ],
  });

export const testParams = z.strictObject({
  test: z
    .uuid({ error: "must be the id of a test, a UUID" })
    .meta({ description: "The test's id.", example: "7d7b2c9e-93c1-4e6c-8a44-0c3a4f1d2b10" }),
});

export const TemplateTest = z
  .strictObject({
    id: z.string(),
    channel: z.string(),
    recipient: z.string(),
    status: z.enum(["pending", "sending", "sent", "failed", "unknown"]),
    reason: z.string().nullable().describe("Why it wasn't sent, or not in the words of the template."),
    demo: z.boolean().describe("Printed instead of sent, because the channel runs in demo mode."),
    created_at: z.string().meta({ format: "date-time" }),
    finished_at: z.string().meta({ format: "date-time" }).nullable(),
  })
  .meta({
    id: "TemplateTest",
    description:
      "A message by which somebody tries a template out. It is kept for a day, and is no delivery of any reminder.",
    examples: [
      {
        id: "7d7b2c9e-93c1-4e6c-8a44-0c3a4f1d2b10",
        channel: "email",
        recipient: "ann@example.com",
        status: "pending",
        reason: null,
        demo: false,
        created_at: "2026-01-15T10:30:00.000Z",
        finished_at: null,
      },
    ],
  });

export type Asked = z.output<typeof PreviewTemplate>;
