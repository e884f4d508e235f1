import type { OwnPurpose } from "../../core/answer.ts";
import { namedSo } from "../../core/people.ts";
import { quietZone } from "../../core/quiet-hours.ts";
import type { Contact, Instant, ReminderRecord } from "../../core/reminder.ts";
import type { AnswerLink } from "../../secrets/answer-token.ts";
import { type GivenAnswer, readAnswer, readDeliveryAddress } from "../../store/answers.ts";
import { readContact } from "../../store/contacts.ts";
import { readProspect } from "../../store/prospect.ts";
import { lockReminder } from "../../store/reminders.ts";
import type { TenantSql } from "../../store/tenant-database.ts";
import { readTenantTimes } from "../../store/tenant-times.ts";
import { isOverturned } from "./overturned.ts";

/** What somebody is asked who opens a link. */
export interface Asked {
  link: AnswerLink<OwnPurpose>;
  reminder: ReminderRecord;
  /** Where the message went. */
  channel: string;
  recipient: string | null;
  /** The message, as its provider knows it; null: it isn't known. */
  providerId: string | null;
  /** Who of several people got it; null: whoever has the address. */
  person: string | null;
  /** Who got it in that one's place; null: nobody else. */
  via: string | null;
  /** False for those whom it was escalated to. */
  isOwn: boolean;
  contact: Contact | null;
  /** In whose language it is asked: of whoever got the message, else the contact's; null: nobody knows. */
  locale: string | null;
  /** Whose clocks dates go by. */
  zone: string;
  /** What was answered by this link before; null: nothing. */
  former: GivenAnswer | null;
  /** True where that holds no more: it may be answered anew. See `isOverturned`. */
  isOverturned: boolean;
  /** Where what is pressed goes; not set: to the page itself. */
  formAt?: string;
  now: Instant;
}

/**
 * True where what was answered by this link before still stands. That it was put off does until then, unless somebody has said anything
 * else since: whoever presses the same once more after that means it.
 */
export function stillStands({ link, reminder, now }: Asked, { outcome, undoneAt }: GivenAnswer): boolean {
  if (undoneAt !== null) return false;
  if (link.purpose !== "snooze" && link.purpose !== "promise") return true;
  const { until } = outcome;
  return typeof until === "number" && until > now && reminder.silence?.until === until;
}

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
  const expiresAt = whenExpired(link, delivery?.createdAt ?? link.occurrenceAt);
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

/** A link is good for as long where its message came late: after an outage, or where the first one was to be due long ago. */
export function whenExpired(
  { expiresAt, occurrenceAt }: Pick<AnswerLink, "expiresAt" | "occurrenceAt">,
  firedAt: Instant,
): Instant {
  return expiresAt + Math.max(0, firedAt - occurrenceAt);
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
