import type { Channel } from "../channels/channel.ts";
import { normalIn } from "../channels/recipient.ts";
import type { Channels } from "../channels/registry.ts";
import { addressFor } from "../channels/ways.ts";
import { isSameAddress } from "../core/address-key.ts";
import { standInFor } from "../core/audience.ts";
import type { Instant } from "../core/instant.ts";
import { type Addressed, nameOf } from "../core/people.ts";
import type { EngineContact, ReminderWithFacts } from "../store/engine-row.ts";
import type { Held } from "./held.ts";

/** Over which channel a message goes that another one couldn't deliver, and to whom there. */
export interface Way {
  channel: string;
  recipient: string;
  addressed: Addressed;
}

/** Who a message is for, as far as other channels may reach them. */
interface Reached {
  name: string;
  contact: Pick<EngineContact, "name" | "email" | "phone" | "addresses">;
  /** The contact that stands for whom it was for; null: it is them. */
  via: string | null;
}

const FOR_NOBODY_ELSE: Addressed = { person: null, step: null, template: null, as: "recipient" };

/**
 * The first of these channels that reaches whoever the delivery is for, at the address which their contact, or whoever stands in for
 * that now, has there. A text: why none does.
 */
export function wayOver(
  held: Pick<Held, "channel" | "recipient" | "addressed">,
  known: ReminderWithFacts,
  left: readonly string[],
  channels: Channels,
  at: Instant,
): Way | string {
  const who = reached(held, known, channels, at);
  if (typeof who === "string") return who;
  const { via: _former, tried = [], ...addressed } = held.addressed ?? FOR_NOBODY_ELSE;
  for (const [place, name] of left.entries()) {
    const channel = channels.get(name);
    const recipient = channel && addressFor(channel, who.contact);
    if (!recipient) continue;
    const via = who.via === null ? {} : { via: who.via };
    const all = [...tried, held.channel, ...left.slice(0, place)];
    return { channel: name, recipient, addressed: { ...addressed, ...via, tried: all } };
  }
  return `${who.name} has no address for ${left.join(" or ")}`;
}

/** Whoever is behind a delivery, as a contact. A text: why nobody can say. */
function reached(
  { channel, recipient, addressed }: Parameters<typeof wayOver>[0],
  known: ReminderWithFacts,
  channels: Channels,
  at: Instant,
): Reached | string {
  const { reminder, contact, audience } = known;
  const own = nameOf(reminder);
  const person = addressed?.person ?? null;
  const isOwn = person === null ? reminder.recipient === null : person === own;
  if (isOwn) return asContact(own, known, at);
  if (person !== null && audience?.contacts.has(person)) return asContact(person, known, at);

  // An address alone is the entity's contact's, if anybody's.
  if (recipient === null) return `there is no contact ${person}`;
  const here = channels.get(channel);
  const isKnown = contact !== null && here !== undefined && isSame(here, addressFor(here, contact), recipient);
  if (contact === null || (!isKnown && addressed?.tried === undefined))
    return `only ${recipient} is known of whoever it is for, which isn't the address of ${own} for ${channel}`;
  return { name: own, contact, via: person === null ? null : own };
}

function asContact(name: string, { reminder, contact, audience }: ReminderWithFacts, at: Instant): Reached | string {
  const named = audience?.contacts.get(name);
  const stand = audience && named ? nameOf(standInFor(named, audience.contacts, at)) : name;
  const found = audience?.contacts.get(stand) ?? (stand === nameOf(reminder) ? contact : null);
  if (found === null) return `there is no contact ${stand}`;
  return { name: stand, contact: found, via: stand === name ? null : stand };
}

function isSame(channel: Channel, address: string | null, recipient: string): boolean {
  return address !== null && isSameAddress(normalIn(channel, address), normalIn(channel, recipient));
}
