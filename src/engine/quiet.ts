import { type Instant, toIso } from "../core/instant.ts";
import { type QuietHours, quietHoursFor, quietUntil, quietZone } from "../core/quiet-hours.ts";
import type { Contact } from "../core/reminder.ts";
import type { ReminderWithFacts } from "../store/engine-row.ts";

/** Why a message waits, and until when. */
export interface Quiet {
  until: Instant;
  because: string;
}

/** Whose quiet hours hold where a message isn't for the reminder's own contact. */
type Other = Pick<Contact, "timeZone" | "quietHours"> | null;

/**
 * The quiet hours that hold back a message at an instant, by the clocks of the person; null: none do. `other`: the contact of
 * whoever it is for; null: they have none; not set: it is for the reminder's own.
 */
export function quietAt(known: ReminderWithFacts, at: Instant, other?: Other): Quiet | null {
  const { reminder, contact, around } = known;
  const hours = other === undefined ? around.quietHours : hoursOf(known, other);
  if (hours.length === 0) return null;
  const { timeZone } = reminder;
  const person = other === undefined ? contact : other;
  const zone = quietZone({ contact: person?.timeZone ?? null, reminder: timeZone, tenant: around.tenantZone });
  const until = quietUntil(at, hours, zone);
  return until === null
    ? null
    : { until, because: `waits for the end of the quiet hours (${zone}) at ${toIso(until)}` };
}

function hoursOf({ around }: ReminderWithFacts, other: Other): QuietHours {
  return around.quietParts === null ? [] : quietHoursFor({ contact: other?.quietHours ?? null, ...around.quietParts });
}
