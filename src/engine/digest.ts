import type { Channel } from "../channels/channel.ts";
import { digestAt, isDigested } from "../core/digest.ts";
import { toIso } from "../core/instant.ts";
import { type Addressed, nameOf } from "../core/people.ts";
import { quietZone } from "../core/quiet-hours.ts";
import type { Contact, Instant } from "../core/reminder.ts";
import type { ReminderWithFacts } from "../store/engine-row.ts";
import { otherOf } from "./audience.ts";

/** When a message goes along with others, and why. */
export interface Together {
  at: Instant;
  because: string;
}

/**
 * When a message goes, where its person wants all of a time in one; null: by itself. What is due at the very end of a time, and so
 * fired a moment after, still belongs to it.
 */
export function digestFor(
  known: ReminderWithFacts,
  channel: Channel,
  recipient: string | null,
  addressed: Addressed | null,
  occurrenceAt: Instant,
): Together | null {
  if (recipient === null || channel.isForPrograms) return null;
  const { reminder, around } = known;
  const person = personOf(known, addressed);
  if (!person || !isDigested(person.preferences, reminder.eventType)) return null;
  const wish = person.preferences?.digest ?? {};
  const zone = quietZone({ contact: person.timeZone, reminder: reminder.timeZone, tenant: around.tenantZone });
  const wanted = digestAt(occurrenceAt, wish, zone);
  const goesAt = wanted > known.now ? wanted : digestAt(known.now, wish, zone);
  return { at: goesAt, because: `waits to come together with others (${zone}) at ${toIso(goesAt)}` };
}

export interface KnownPerson extends Pick<Contact, "timeZone" | "preferences"> {
  /** See `nameOf`. */
  name: string;
}

/** The contact of whoever a message is for; null: nobody knows one. */
export function personOf(known: ReminderWithFacts, addressed: Addressed | null): KnownPerson | null {
  const { reminder, contact } = known;
  const other = otherOf(known, addressed);
  if (other) return { ...other, name: nameOf(other) };
  return other === undefined && reminder.recipient === null && contact ? { ...contact, name: nameOf(reminder) } : null;
}
