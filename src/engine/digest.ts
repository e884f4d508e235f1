import type { Channel } from "../channels/channel.ts";
import { digestAt as digestAtOf, isDigested, togetherAt } from "../core/digest.ts";
import { type Instant, toIso } from "../core/instant.ts";
import { type Addressed, nameOf } from "../core/people.ts";
import { quietZone } from "../core/quiet-hours.ts";
import type { Contact } from "../core/reminder.ts";
import type { ReminderWithFacts } from "../store/engine-row.ts";
import { otherOf } from "./audience.ts";
import type { Held } from "./held.ts";

/** When a message goes along with others, and why. */
export interface Together {
  at: Instant;
  because: string;
}

/** True where several messages may go as one: programs read one thing at a time, and what has no address is for nobody in particular. */
export function mayGoTogether(channel: Channel | undefined, recipient: string | null): boolean {
  return recipient !== null && !channel?.isForPrograms;
}

/** When a message goes along with others of its person, and why; null: it goes by itself. See `togetherAt`. */
export function digestFor(
  known: ReminderWithFacts,
  channel: Channel,
  recipient: string | null,
  addressed: Addressed | null,
  occurrenceAt: Instant,
): Together | null {
  if (!mayGoTogether(channel, recipient)) return null;
  const { reminder, around } = known;
  const person = personOf(known, addressed);
  if (!person) return null;
  const { eventType, timeZone } = reminder;
  const zone = quietZone({ contact: person.timeZone, reminder: timeZone, tenant: around.tenantZone });
  const at = togetherAt({ preferences: person.preferences, eventType, zone }, { occurrenceAt, now: known.now });
  return at === null ? null : { at, because: `waits to come together with others (${zone}) at ${toIso(at)}` };
}

/**
 * The newest of its reminder's occurrences that takes the place of one: it isn't the newest of all where that still waits for a later
 * message. Else who wants messages at times would never get any of what is due shortly after each.
 */
export function newestFor(held: Held, now: Instant): Instant | null {
  const { occurrenceAt, digestAt, newestDueAt, newerLeavesAt, addressed, known } = held;
  const newest = known?.lastOccurrenceAt ?? null;
  if (known === null || digestAt === null || newest === null || newest <= occurrenceAt) return newest;
  const person = personOf(known, addressed);
  const { eventType, timeZone } = known.reminder;
  if (!person || !isDigested(person.preferences, eventType)) return newest;
  const zone = quietZone({ contact: person.timeZone, reminder: timeZone, tenant: known.around.tenantZone });
  const leavesAt = digestAtOf(newest, person.preferences?.digest ?? {}, zone);
  // It may have been held for so long that the next message's time has come.
  const hasCome = Math.min(leavesAt, newerLeavesAt ?? leavesAt) <= Math.max(digestAt, now);
  return hasCome ? newest : newestDueAt;
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
