import type { Channels } from "../channels/registry.ts";
import { addressFor, waysOf } from "../channels/ways.ts";
import { type Addressee, type Audience, addressees, otherOf as otherThan } from "../core/audience.ts";
import type { Escalating } from "../core/escalation.ts";
import type { Instant } from "../core/instant.ts";
import { whoOptedOut, whyOptedOut } from "../core/opted-out.ts";
import { type Addressed, NO_PEOPLE, nameOf } from "../core/people.ts";
import { hasDone } from "../core/people-done.ts";
import type { Person } from "../core/person.ts";
import type { Step } from "../core/policy.ts";
import type { PersonNow } from "../core/recheck.ts";
import { NO_REACH } from "../core/reminder.ts";
import { readAudiences } from "../store/audience.ts";
import type { ReminderWithFacts } from "../store/engine-row.ts";
import type { Sql } from "../store/postgres.ts";

/** One who gets a message of an occurrence; `addressed` null: whom the reminder is for anyway. */
export interface Wanted extends Omit<Addressee, "addressed"> {
  addressed: Addressed | null;
}

/** Reads the people of those among these reminders that have more than one recipient or contact; for the others it asks nothing. */
export async function addAudiences<T extends ReminderWithFacts>(
  sql: Sql,
  reminders: readonly T[],
): Promise<readonly T[]> {
  const wanting = reminders.filter(hasAudience);
  if (wanting.length === 0) return reminders;
  const audiences = await readAudiences(sql, wanting);
  for (const known of wanting) known.audience = audiences.get(known.reminder.id) ?? null;
  return reminders;
}

/** True where more people matter than the row and its contact tell of. */
export function hasAudience({ reminder, contact }: ReminderWithFacts): boolean {
  return reminder.people !== NO_PEOPLE || (contact?.isAway === true && reminder.recipient === null);
}

/** See `Escalating`; null: it goes by no policy. */
export function escalatingOf({ reminder, audience }: ReminderWithFacts): Escalating | null {
  const { escalation, deadlineAt } = reminder.people;
  if (!audience?.policy) return null;
  const { policy, wasGiven, waitsUntil = null } = audience;
  return { policy, escalation, wasGiven, waitsUntil, deadlineAt };
}

/** Who gets an occurrence. `step`: of its policy; null: it goes by none. */
export function wantedFor(known: ReminderWithFacts, step: Step | null, channels: Channels, at: Instant): Wanted[] {
  const { reminder, contact } = known;
  const audience = known.audience ?? (contact?.preferences && reminder.recipient === null ? ofContact(known) : null);
  if (audience === null) {
    const channel = channels.get(reminder.channel);
    const recipient = reminder.recipient ?? (contact && channel ? addressFor(channel, contact) : null);
    return [{ channel: reminder.channel, recipient, addressed: null, optedOut: null }];
  }
  const found: Wanted[] = addressees(reminder, step, audience, waysOf(channels), at);
  // Whoever has none of all this has a row like any other.
  const [only] = found;
  if (reminder.people === NO_PEOPLE && only && only.addressed?.via === undefined) only.addressed = null;
  return found;
}

/** Its contact, as it was read along with it, is all there is. */
function ofContact({ reminder, contact }: ReminderWithFacts): Audience {
  const { entityType, entityId } = reminder;
  const person: Person = {
    ...NO_REACH,
    quietHours: null,
    ...(contact as NonNullable<typeof contact>),
    entityType,
    entityId,
  };
  return {
    ...{ policy: null, flaw: null, wasGiven: true, done: new Set() },
    contacts: new Map([[nameOf(person), person]]),
  };
}

/** See `otherOf` in the core. */
export function otherOf(
  { reminder, audience }: ReminderWithFacts,
  addressed: Addressed | null,
): Person | null | undefined {
  return audience === null ? undefined : otherThan(reminder, audience, addressed);
}

/** Whether whoever a message is for still wants it. */
export function personNow(known: ReminderWithFacts, addressed: Addressed | null): PersonNow {
  const { reminder, contact, audience } = known;
  const other = otherOf(known, addressed);
  // What couldn't be delivered to an address alone goes over to its contact.
  const isOwn = reminder.recipient === null || addressed?.tried !== undefined;
  const person = other === undefined ? (isOwn ? contact : null) : other;
  const either = addressed && audience && whoOptedOut(addressed, audience.contacts, reminder.eventType);
  return {
    isDone: audience !== null && hasDone(reminder.people, audience.done, addressed?.person ?? null),
    optedOut: either?.because ?? (person && whyOptedOut(person, reminder.eventType)),
  };
}
