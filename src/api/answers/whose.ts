import { isSameAddress } from "../../core/address-key.ts";
import type { NotMe } from "../../core/not-me.ts";
import { isEntity, personOf, type Recipient, recipientCalled } from "../../core/people.ts";
import type { Contact } from "../../core/reminder.ts";
import type { Asked } from "./asked.ts";

/** Who got a message, and whose its reminder is by now. */
export type Got = Pick<Asked, "reminder" | "channel" | "recipient" | "person" | "via" | "isOwn" | "contact" | "former">;

/** True where it is certainly theirs: who had it once can't speak for whoever has it by now. */
export function isTheirs(asked: Omit<Got, "former">): boolean {
  const { reminder, recipient, contact } = asked;
  if (reminder.people.recipients !== null) return placeOf(asked) !== null;
  if (recipient === null) return false;
  return reminder.recipient === null ? hasAddress(contact, recipient) : isSameAddress(reminder.recipient, recipient);
}

/**
 * As which of several people they got it, by the name that the reminder has for them now: whom it was sent for or, where it was theirs, whoever is
 * reached there; null: they are none of them.
 */
export function placeOf(asked: Omit<Got, "former">): string | null {
  const { reminder, recipient, person, isOwn, contact } = asked;
  const recipients = reminder.people.recipients ?? [];
  const isReachedThere = (one: Recipient): boolean => {
    if (recipient === null || !isOwn) return false;
    if ("address" in one) return isSameAddress(one.address, recipient);
    return isEntity(one.contact, reminder) && hasAddress(contact, recipient);
  };
  const place = (person === null ? undefined : recipientCalled(recipients, person)) ?? recipients.find(isReachedThere);
  return place === undefined ? null : personOf(place);
}

/**
 * It was theirs once: who has it by now says what becomes of it, and of several people who are left. Where a message went over another channel, or to
 * a stand-in, nobody can tell. Whom they have named themselves by the same message they may correct. `reachedAt`: where its contact is reached by now, as
 * messages of its channel are addressed; not set: that isn't known.
 */
export function isSomebodyElsesByNow(asked: Got, { to }: NotMe, reachedAt?: string | null): boolean {
  const { isOwn, reminder, channel, recipient, via, former } = asked;
  if (!isOwn) return false;
  if (reminder.people.recipients !== null) return !isTheirs(asked);
  const holder = reminder.channel === channel && via === null ? holderOf(asked, reachedAt) : null;
  if (holder === null || recipient === null || (to !== null && former?.outcome.to === holder)) return false;
  return !isSameAddress(holder, recipient);
}

/** Whose it is by now, as far as an address tells: its recipient's, or else its contact's; null: it doesn't. */
function holderOf(
  { reminder, channel, contact }: Pick<Got, "reminder" | "channel" | "contact">,
  reachedAt?: string | null,
): string | null {
  if (reminder.recipient !== null) return reminder.recipient;
  if (reachedAt !== undefined) return reachedAt;
  // As people write numbers, say, nobody can tell here whether it is the same.
  return channel === "email" && contact !== null ? (contact.addresses?.email ?? contact.email) : null;
}

function hasAddress(contact: Contact | null, address: string): boolean {
  const { email = null, phone = null, push = null, addresses = null } = contact ?? {};
  return [email, phone, push, ...Object.values(addresses ?? {})].some(
    (one) => one !== null && isSameAddress(one, address),
  );
}
