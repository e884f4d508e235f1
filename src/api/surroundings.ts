import { flagKeysOf } from "../conditions/evaluate.ts";
import { quietHoursFor, quietUntil, quietZone } from "../core/quiet-hours.ts";
import type { Instant, ReminderRecord } from "../core/reminder.ts";
import { firstZone } from "../core/schedule/zone.ts";
import type { StopContact } from "../core/stop.ts";
import { readCalendarTexts } from "../store/calendars.ts";
import { readContact } from "../store/contacts.ts";
import { type Flag, readFlags } from "../store/flags.ts";
import type { TenantDatabase } from "../store/tenant-database.ts";
import { readTenantTimes } from "../store/tenant-times.ts";

/** What a reminder's future rests on besides its own row. */
export interface Surroundings {
  contact: StopContact | null;
  /** Those of the flags that its condition names which somebody has set, to true or false. */
  setFlags: readonly Flag[];
  /** The same, as a condition is told of them. */
  flags: ReadonlyMap<string, boolean>;
  /** Its contact's time zone, else its tenant's, and the calendar that it goes by. */
  around: { zone: string | null; calendar: string | null };
  calendars: ReadonlyMap<string, string>;
  /** When the quiet hours that hold an instant end; null: none do. */
  quietUntil(at: Instant): Instant | null;
}

/** Reads one thing after the other, since all may be part of one transaction. */
export async function readSurroundings(database: TenantDatabase, reminder: ReminderRecord): Promise<Surroundings> {
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
  const personsZone = quietZone({ contact: contactZone, reminder: timeZone, tenant: tenant.timeZone });
  return {
    contact,
    setFlags,
    flags: new Map(setFlags.map(({ key, value }) => [key, value])),
    around: {
      zone: firstZone(contactZone, tenant.timeZone),
      calendar: (business && calendars.get(business.calendar)) ?? null,
    },
    calendars,
    quietUntil: (at) => (hours.length === 0 ? null : quietUntil(at, hours, personsZone)),
  };
}
