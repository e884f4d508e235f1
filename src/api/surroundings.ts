import type { Channels } from "../channels/registry.ts";
import { flagKeysOf } from "../conditions/evaluate.ts";
import { type Addressee, type Audience, otherOf } from "../core/audience.ts";
import { togetherAt } from "../core/digest.ts";
import type { Instant } from "../core/instant.ts";
import type { Addressed } from "../core/people.ts";
import { type QuietHours, quietHoursFor, quietUntil, quietZone } from "../core/quiet-hours.ts";
import type { Contact, ReminderRecord } from "../core/reminder.ts";
import { firstZone } from "../core/schedule/zone.ts";
import { readAudiences } from "../store/audience.ts";
import { readCalendarTexts } from "../store/calendars.ts";
import { readContact } from "../store/contacts.ts";
import { type Flag, readFlags } from "../store/flags.ts";
import type { TenantDatabase } from "../store/tenant-database.ts";
import { readTenantTimes } from "../store/tenant-times.ts";

/** What a reminder's future rests on besides its own row. */
export interface Surroundings {
  contact: Contact | null;
  /** Those of the flags that its condition names which somebody has set, to true or false. */
  setFlags: readonly Flag[];
  /** The same, as a condition is told of them. */
  flags: ReadonlyMap<string, boolean>;
  /** Its contact's time zone, else its tenant's, and the calendar that it goes by. */
  around: { zone: string | null; calendar: string | null };
  calendars: ReadonlyMap<string, string>;
  /** When the quiet hours that hold an instant end for this person, null for whom the reminder is for; null: none do. */
  quietUntil(at: Instant, addressed?: Addressed | null): Instant | null;
  /** When a message goes along with others of its person; null: by itself. */
  gathersUntil(occurrenceAt: Instant, now: Instant, to: Addressee | null): Instant | null;
  /** The people that it may be for, where that is more than one recipient or contact. */
  known: Audience | null;
}

/** Reads one thing after the other, since all may be part of one transaction. `channels`: for whoever asks what goes together. */
export async function readSurroundings(
  database: TenantDatabase,
  reminder: ReminderRecord,
  channels: Channels = new Map(),
): Promise<Surroundings> {
  const { business, stopCondition, timeZone, ignoreQuietHours } = reminder;
  const contact = await readContact(database, reminder.entityType, reminder.entityId);
  const tenant = await readTenantTimes(database);
  const setFlags = await readFlags(database, [...new Set(flagKeysOf(stopCondition, reminder))]);
  const calendars = await readCalendarTexts(database, business === null ? [] : [business.calendar]);

  const contactZone = contact?.timeZone ?? null;
  const hours = ignoreQuietHours
    ? []
    : quietHoursFor({
        contact: contact?.quietHours ?? null,
        tenant: tenant.quietHours,
        reminder: reminder.quietHours,
      });
  const known = hasAudience(reminder, contact)
    ? ((await readAudiences(database, [{ reminder, lastOccurrenceAt: reminder.lastOccurrenceAt }])).get(reminder.id) ??
      null)
    : null;
  const otherIn = (addressed: Addressed | null) => (known === null ? undefined : otherOf(reminder, known, addressed));
  const zoneOf = (person: Pick<Contact, "timeZone"> | null): string =>
    quietZone({ contact: person?.timeZone ?? null, reminder: timeZone, tenant: tenant.timeZone });
  const quietOf = (addressed: Addressed | null): { hours: QuietHours; zone: string } => {
    const other = otherIn(addressed);
    if (other === undefined) return { hours, zone: zoneOf(contact) };
    const of = { contact: other?.quietHours ?? null, tenant: tenant.quietHours, reminder: reminder.quietHours };
    return { hours: ignoreQuietHours ? [] : quietHoursFor(of), zone: zoneOf(other) };
  };
  return {
    contact,
    setFlags,
    flags: new Map(setFlags.map(({ key, value }) => [key, value])),
    around: {
      zone: firstZone(contactZone, tenant.timeZone),
      calendar: (business && calendars.get(business.calendar)) ?? null,
    },
    calendars,
    quietUntil: (at, addressed = null) => {
      const { hours, zone } = quietOf(addressed);
      return hours.length === 0 ? null : quietUntil(at, hours, zone);
    },
    gathersUntil: (occurrenceAt, now, to) => {
      const other = otherIn(to?.addressed ?? null);
      const person = other === undefined && reminder.recipient === null ? contact : (other ?? null);
      if (person === null || channels.get(to?.channel ?? reminder.channel)?.isForPrograms) return null;
      const { preferences } = person;
      return togetherAt({ preferences, eventType: reminder.eventType, zone: zoneOf(person) }, { occurrenceAt, now });
    },
    known,
  };
}

/** As the engine has it, and also where its contact has preferences. */
function hasAudience({ people, recipient }: ReminderRecord, contact: Contact | null): boolean {
  if (people.policy !== null || people.recipients !== null) return true;
  return recipient === null && contact !== null && (contact.preferences !== null || contact.delegate !== null);
}
