import { z } from "zod";
import { toIso } from "../../core/instant.ts";
import type { Contact as ContactRow } from "../../core/reminder.ts";
import { isoInstant, line, locale, timeZone } from "./fields.ts";
import { quietHours, shownQuietHours, toQuietHoursJson } from "./quiet-hours.ts";

export const contactParams = z.strictObject({
  entity_type: line(200).meta({ description: "The entity's type, as in its reminders.", example: "interviewer" }),
  entity_id: line(200).meta({ description: "The entity's id, as in its reminders.", example: "INT_100" }),
});

export const PutContact = z
  .strictObject({
    name: line(200).nullish().describe("How to address it."),
    email: line(500).nullish().describe("A single e-mail address."),
    time_zone: timeZone
      .nullish()
      .describe("IANA zone whose clocks its reminders go by, and in which its messages write instants."),
    locale: locale.nullish().describe("Its language: a tag of BCP 47."),
    quiet_hours: quietHours
      .nullish()
      .describe("When nothing is delivered, on its clocks. Left out: the tenant's quiet hours; an empty list: none."),
  })
  .meta({
    id: "PutContact",
    description: "Where an entity is reached. What is left out is unknown.",
    example: {
      name: "Interviewer 100",
      email: "interviewer@example.com",
      time_zone: "Europe/Berlin",
      locale: "en",
      quiet_hours: [{ from: "22:00", to: "07:00" }],
    },
  });

export const Contact = z
  .strictObject({
    entity_type: z.string(),
    entity_id: z.string(),
    name: z.string().nullable(),
    email: z.string().nullable(),
    time_zone: z.string().nullable(),
    locale: z.string().nullable(),
    quiet_hours: shownQuietHours,
    created_at: isoInstant,
    updated_at: isoInstant,
  })
  .meta({
    id: "Contact",
    examples: [
      {
        entity_type: "interviewer",
        entity_id: "INT_100",
        name: "Interviewer 100",
        email: "interviewer@example.com",
        time_zone: "Europe/Berlin",
        locale: "en",
        quiet_hours: [{ from: "22:00", to: "07:00" }],
        created_at: "2026-01-15T10:30:00.000Z",
        updated_at: "2026-01-15T10:30:00.000Z",
      },
    ],
  });

export function toContactJson(contact: ContactRow): z.output<typeof Contact> {
  return {
    entity_type: contact.entityType,
    entity_id: contact.entityId,
    name: contact.name,
    email: contact.email,
    time_zone: contact.timeZone,
    locale: contact.locale,
    quiet_hours: toQuietHoursJson(contact.quietHours),
    created_at: toIso(contact.createdAt),
    updated_at: toIso(contact.updatedAt),
  };
}
