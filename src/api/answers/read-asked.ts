import type { OwnPurpose } from "../../core/answer.ts";
import type { Instant } from "../../core/instant.ts";
import { namedSo } from "../../core/people.ts";
import { quietZone } from "../../core/quiet-hours.ts";
import type { Contact } from "../../core/reminder.ts";
import type { AnswerLink } from "../../secrets/answer-token.ts";
import { readAnswer, readDeliveryAddress } from "../../store/answers.ts";
import { readContact } from "../../store/contacts.ts";
import { readProspect } from "../../store/prospect.ts";
import { lockReminder } from "../../store/reminders.ts";
import type { TenantSql } from "../../store/tenant-database.ts";
import { readTenantTimes } from "../../store/tenant-times.ts";
import type { Asked } from "./asked.ts";
import { isOverturned } from "./overturned.ts";

/** Why there is nothing to be asked. */
export type Over = "expired" | "gone";

/** That there is nothing to be asked, and in whose language that is said; null: nobody knows. */
export interface NothingToAsk {
  over: Over;
  locale: string | null;
}

/** Reads what a link is about. One question after the other: all may be part of one transaction. */
export async function readAsked(
  sql: TenantSql,
  link: AnswerLink<OwnPurpose>,
  { lock }: { lock: boolean },
): Promise<Asked | NothingToAsk> {
  const found = lock ? await lockReminder(sql, link.reminderId) : await readProspect(sql, link.reminderId);
  if (!found) return { over: "gone", locale: null };
  const { reminder, now } = found;
  const contact = await readContact(sql, reminder.entityType, reminder.entityId);
  const delivery = await readDeliveryAddress(sql, link);
  const reader = await readPerson(sql, delivery?.via ?? delivery?.person ?? null);
  const locale = reader?.locale ?? contact?.locale ?? null;
  if (reminder.deletedAt !== null) return { over: "gone", locale };
  const expiresAt = whenExpired(link, delivery?.leftAt ?? link.occurrenceAt);
  if (expiresAt <= now) return { over: "expired", locale };
  if (!delivery) return { over: "gone", locale };
  const tenant = await readTenantTimes(sql);
  const zone = quietZone({
    contact: reader?.timeZone ?? contact?.timeZone ?? null,
    reminder: reminder.timeZone,
    tenant: tenant.timeZone,
  });
  const former = link.purpose === "why" ? null : await readAnswer(sql, link);
  const asked = { link: { ...link, expiresAt }, reminder, ...delivery, contact, locale, zone, former, now };
  return { ...asked, isOverturned: former !== null && (await isOverturned(sql, asked, former)) };
}

/** A link is good for as long where its message came late: after an outage, where it was held back, or where the first one was to be due long ago. */
export function whenExpired(
  { expiresAt, occurrenceAt }: Pick<AnswerLink, "expiresAt" | "occurrenceAt">,
  leftAt: Instant,
): Instant {
  return expiresAt + Math.max(0, leftAt - occurrenceAt);
}

/** Slashes within a name that are tried, one after the other; hardly any name has more than one. */
const MOST_READINGS = 5;

async function readPerson(sql: TenantSql, name: string | null): Promise<Contact | null> {
  for (const { entityType, entityId } of name === null ? [] : namedSo(name).slice(0, MOST_READINGS)) {
    const contact = await readContact(sql, entityType, entityId);
    if (contact) return contact;
  }
  return null;
}
