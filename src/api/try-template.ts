import type { FastifyRequest } from "fastify";
import type { Message } from "../channels/channel.ts";
import type { Instant } from "../core/instant.ts";
import type { Contact } from "../core/reminder.ts";
import { testLinks } from "../secrets/test-link.ts";
import { readContact } from "../store/contacts.ts";
import { readMoment } from "../store/moment.ts";
import { readReminder } from "../store/reminders.ts";
import { readTemplateContents, readTemplateHeads } from "../store/templates.ts";
import type { TenantDatabase } from "../store/tenant-database.ts";
import { readTenantTimes } from "../store/tenant-times.ts";
import { styleOf } from "../templates/context.ts";
import { BrokenTemplate } from "../templates/liquid.ts";
import { ANY, bestOf, DRAFT, type StoredTemplate } from "../templates/template.ts";
import { NO_WORDS, writeMessage } from "../templates/write.ts";
import { Writer, type Written } from "../templates/writer.ts";
import { insufficientScope } from "./access/challenge.ts";
import { noReminder } from "./change-reminder.ts";
import { checkTemplateTexts, type TemplateCages } from "./check-template.ts";
import { toTexts } from "./schemas/template.ts";
import type { Asked } from "./schemas/template-preview.ts";

/** A message as somebody wants to see it, and in which words it is. */
export interface Tried {
  message: Message;
  written: Written;
  /** The stored template that was used. */
  template: StoredTemplate | null;
}

const HOUR_MS = 3_600_000;
/** To whom it would go anyway. */
const AS_USUAL = { person: null, step: null, as: "recipient" };
const EXAMPLE = { entityType: "invoice", entityId: "42", eventType: "payment", channel: "email", contactName: "Ann" };

/** Writes a message that nobody is sent: in the words that are given, or those that it would be written in now. */
export async function tryTemplate(
  request: FastifyRequest,
  cages: TemplateCages,
  asked: Asked,
  { channel, publicUrl }: { channel: string; publicUrl: string | null },
): Promise<Tried> {
  const { database, actor } = request;
  const message = await messageFor(request, asked, publicUrl);
  const writer = new Writer(cages.cage, () => null);
  const given = asked.template ? toTexts(asked.template) : null;
  const draft = given && {
    ...given,
    ...(await checkTemplateTexts(cages, actor.tenant, given, ["template"])),
    ...{ eventType: asked.step_template ?? ANY, channel: ANY, locale: ANY, version: DRAFT },
  };
  const stored = draft ? null : await findStored(database, message, channel);
  try {
    return { message, written: await writer.writeIn(actor.tenant, draft ?? stored, message), template: stored };
  } catch (error) {
    if (!(error instanceof BrokenTemplate)) throw error;
    return { message, written: { ...writeMessage(message, NO_WORDS), instead: error.message }, template: stored };
  }
}

async function findStored(database: TenantDatabase, message: Message, channel: string): Promise<StoredTemplate | null> {
  const { eventType } = message.reminder;
  const named = message.addressed?.template ?? null;
  const heads = await readTemplateHeads(database, [database.tenant]);
  const head = bestOf(heads, { named, eventType, channel, locale: styleOf(message).locale });
  if (!head) return null;
  const [content] = await readTemplateContents(database, [head]);
  return content ?? null;
}

async function messageFor(
  request: FastifyRequest,
  { sample = {}, ...asked }: Asked,
  publicUrl: string | null,
): Promise<Message> {
  const { database } = request;
  const real = asked.reminder_id === undefined ? null : await readReal(request, asked.reminder_id);
  const entity = {
    entityType: real?.reminder.entityType ?? sample.entity_type ?? EXAMPLE.entityType,
    entityId: real?.reminder.entityId ?? sample.entity_id ?? EXAMPLE.entityId,
  };
  const { now } = await readMoment(database, [entity], []);
  const contact = contactOf(real?.contact ?? null, asked.locale, sample.contact_name);
  const number = sample.occurrence_number ?? (real ? real.reminder.occurrenceCount + 1 : 3);
  const example = {
    // No reminder has this one.
    ...{ id: 0, subject: sample.subject ?? null, message: sample.message ?? null, data: sample.data ?? {} },
    ...{ timeZone: sample.time_zone ?? null, createdAt: createdAgo(now, number) },
  };
  return {
    idempotencyKey: "test",
    recipient: real?.reminder.recipient ?? contact.email,
    reminder: {
      ...(real?.reminder ?? example),
      ...entity,
      tenantId: database.tenant,
      eventType: asked.event_type ?? real?.reminder.eventType ?? EXAMPLE.eventType,
    },
    contact,
    addressed: asked.step_template === undefined ? null : { ...AS_USUAL, template: asked.step_template },
    tenantZone: (await readTenantTimes(database)).timeZone,
    occurrenceAt: now,
    occurrenceNumber: number,
    nextRunAt: now + 24 * HOUR_MS,
    links:
      publicUrl === null
        ? null
        : testLinks(publicUrl, { tenant: database.tenant, reminderId: real?.reminder.id ?? 1, at: now }),
    isTest: true,
    attemptedAt: now,
  };
}

/** A reminder and its contact. Throws 403 where whoever asks may not read both. */
async function readReal({ database, actor }: FastifyRequest, id: number) {
  for (const scope of ["reminders:read", "contacts:read"] as const) {
    if (!actor.scopes.has(scope)) throw insufficientScope(scope);
  }
  const reminder = await readReminder(database, id);
  if (!reminder) throw noReminder(id);
  return { reminder, contact: await readContact(database, reminder.entityType, reminder.entityId) };
}

function contactOf(real: Contact | null, locale: string | undefined, name: string | null | undefined) {
  const { email, timeZone } = real ?? { email: null, timeZone: null };
  return { name: real?.name ?? name ?? EXAMPLE.contactName, email, timeZone, locale: locale ?? real?.locale ?? null };
}

function createdAgo(now: Instant, number: number): Instant {
  return now - (number - 1) * 24 * HOUR_MS;
}
