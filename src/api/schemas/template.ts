import { z } from "zod";
import { toIso } from "../../core/instant.ts";
import type { TemplateRow, TemplateVersionRow } from "../../store/templates.ts";
import { ANY, MISSING, ON_FAILURE } from "../../templates/template.ts";
import { integer, isoInstant, line, locale, text } from "./fields.ts";

const keyFields = {
  event_type: line(200).meta({ description: "For reminders of this event type; `*`: of any.", example: "payment" }),
  channel: line(50).meta({ description: "For messages over this channel; `*`: over any.", example: "email" }),
  locale: z
    .union([z.literal(ANY), locale], { error: "must be a language tag of BCP 47, like en or pt-BR, or * for any" })
    .meta({ description: "For readers of this language (BCP 47); `*`: of any.", example: "de" }),
};

export const templateParams = z.strictObject(keyFields);
export const versionParams = z.strictObject({
  ...keyFields,
  version: integer({ min: 1, max: 2_147_483_646 }).meta({ description: "The version's number.", example: 2 }),
});
export const templatePosition = z.tuple([z.string(), z.string(), z.string()]);

export const templateTexts = {
  subject: line(500).nullish().describe("Subject or title; left out: the built-in one."),
  text: text(20_000).describe("What it says, as plain text: every channel shows it in its own way."),
  html: text(60_000)
    .nullish()
    .describe("The whole page of an e-mail. What it puts in is escaped. Left out: the built-in page around `text`."),
  mjml: text(60_000)
    .nullish()
    .describe(
      "The page in MJML instead of `html`, which is compiled from it when it is saved, with its Liquid as it stands.",
    ),
  missing: z
    .enum(MISSING)
    .optional()
    .describe(
      "What is done where something that it speaks of isn't there: nothing is written (`empty`), or it is an `error`.",
    ),
  on_failure: z
    .enum(ON_FAILURE)
    .optional()
    .describe(
      "What is done where it can't be filled in: the message is sent in the built-in words (`built_in`), or the delivery fails (`fail`).",
    ),
};

const exampleTexts = {
  subject: "Invoice {{ data.number }} is due",
  text: "Dear {{ contact.name | default: 'customer' }},\n\nplease pay invoice {{ data.number }} by {{ data.due | long_date }}.",
  html: null,
  mjml: null,
  missing: "empty" as const,
  on_failure: "built_in" as const,
};

export const PutTemplate = z.strictObject(templateTexts).meta({
  id: "PutTemplate",
  description: "What messages say: texts in Liquid.",
  example: exampleTexts,
});

const texts = {
  subject: z.string().nullable(),
  text: z.string(),
  html: z.string().nullable(),
  mjml: z.string().nullable(),
  missing: z.enum(MISSING),
  on_failure: z.enum(ON_FAILURE),
};
const version = {
  event_type: z.string(),
  channel: z.string(),
  locale: z.string(),
  version: z.int(),
};
const exampleVersion = { event_type: "payment", channel: "email", locale: "de", version: 2 };
const exampleSaved = { saved_by: "key 7 (billing)", created_at: "2026-01-15T10:30:00.000Z" };

export const Template = z
  .strictObject({ ...version, ...texts, saved_by: z.string(), created_at: isoInstant, updated_at: isoInstant })
  .meta({
    id: "Template",
    description:
      "What messages say. `created_at` is when this version was saved, `updated_at` when it became the active one.",
    examples: [{ ...exampleVersion, ...exampleTexts, ...exampleSaved, updated_at: "2026-01-15T10:30:00.000Z" }],
  });

export const TemplateSummary = z
  .strictObject({ ...version, saved_by: z.string(), created_at: isoInstant, updated_at: isoInstant })
  .meta({
    id: "TemplateSummary",
    description: "A template, without what it says.",
    examples: [{ ...exampleVersion, ...exampleSaved, updated_at: "2026-01-15T10:30:00.000Z" }],
  });

export const TemplateVersion = z
  .strictObject({ ...version, ...texts, saved_by: z.string(), created_at: isoInstant })
  .meta({
    id: "TemplateVersion",
    description: "What a template says, or has said before.",
    examples: [{ ...exampleVersion, ...exampleTexts, ...exampleSaved }],
  });

export const TemplateVersionSummary = z
  .strictObject({ version: z.int(), saved_by: z.string(), created_at: isoInstant })
  .meta({
    id: "TemplateVersionSummary",
    description: "A version, without what it says.",
    examples: [{ version: 2, ...exampleSaved }],
  });

export function keyOf(params: z.output<typeof templateParams>) {
  return { eventType: params.event_type, channel: params.channel, locale: params.locale };
}

/** What was said, without what need not be. */
export function toTexts(said: z.output<typeof PutTemplate>) {
  return {
    subject: said.subject ?? null,
    text: said.text,
    html: said.html ?? null,
    mjml: said.mjml ?? null,
    missing: said.missing ?? ("empty" as const),
    onFailure: said.on_failure ?? ("built_in" as const),
  };
}

export function toTemplateJson(row: TemplateRow): z.output<typeof Template> {
  return { ...toVersionJson(row), updated_at: toIso(row.updatedAt) };
}

export function toSummaryJson(row: TemplateRow): z.output<typeof TemplateSummary> {
  return { ...placeOf(row), ...saved(row), updated_at: toIso(row.updatedAt) };
}

export function toVersionJson(row: TemplateVersionRow): z.output<typeof TemplateVersion> {
  const { subject, text, html, mjml, missing } = row;
  return { ...placeOf(row), subject, text, html, mjml, missing, on_failure: row.onFailure, ...saved(row) };
}

export function toVersionSummaryJson(row: TemplateVersionRow): z.output<typeof TemplateVersionSummary> {
  return { version: row.version, ...saved(row) };
}

function placeOf({ eventType, channel, locale, version }: TemplateVersionRow) {
  return { event_type: eventType, channel, locale, version };
}

function saved({ savedBy, createdAt }: TemplateVersionRow) {
  return { saved_by: savedBy, created_at: toIso(createdAt) };
}
