import { placeKey } from "./address-key.ts";
import type { ContactName, EntityName } from "./entity-name.ts";
import type { Instant } from "./instant.ts";
import { whoOptedOut, whyOptedOut } from "./opted-out.ts";
import { type Addressed, nameOf, type People, personOf, type Recipient, toContactName } from "./people.ts";
import { hasDone } from "./people-done.ts";
import type { Person } from "./person.ts";
import { type Policy, PREFERRED, type Step, type Target } from "./policy.ts";
import { HAS_DONE_THEIRS } from "./recheck.ts";
import type { Reminder } from "./reminder.ts";
import { onCallAt } from "./rota.ts";

/** What is known of the people of a reminder when it fires. */
export interface Audience {
  /** Null: it goes by none. */
  policy: Policy | null;
  /** See `Escalating`. */
  wasGiven: boolean | null;
  /** See `Escalating`. */
  waitsUntil?: Instant | null;
  /** By `nameOf`: contacts that may get something, and those who stand for them. */
  contacts: ReadonlyMap<string, Person>;
  /** Who has done theirs: see `namesOfDone`. */
  done: ReadonlySet<string>;
  /** Why its policy can't be read; null: it can, or there is none. */
  flaw: string | null;
}

/** The contacts that a reminder may want besides its entity's, their managers and whoever stands for them. */
export function contactsNamed({ recipients }: Pick<People, "recipients">, policy: Policy | null): ContactName[] {
  const targets = policy?.steps.flatMap(({ to }) => to) ?? [];
  const shifts = [...(policy?.rotas.values() ?? [])].flat().map(({ who }) => who);
  const named = [...(recipients ?? []), ...targets, ...shifts].flatMap((one) =>
    typeof one === "object" && "contact" in one ? [toContactName(one.contact)] : [],
  );
  return [...new Map(named.map((one) => [nameOf(one), one])).values()];
}

/** How channels reach people. */
export interface Ways {
  /** Where this channel reaches the contact; null: it can't. */
  addressOf(channel: string, contact: Person): string | null;
}

/** One who gets a message of an occurrence. */
export interface Addressee {
  channel: string;
  recipient: string | null;
  addressed: Addressed;
  /** Why they don't get it after all; null: they do. */
  optedOut: string | null;
}

type Of = Pick<Reminder, "entityType" | "entityId" | "eventType" | "channel" | "recipient" | "people">;

/** Somebody that an occurrence is for. */
interface Wanted {
  who: { contact: ContactName } | { address: string };
  as: string;
}

/** Delegates of delegates are gone after so far. */
const FARTHEST_DELEGATE = 5;
/** However many a policy names. */
export const MOST_ADDRESSEES = 100;

/**
 * Who gets an occurrence, over which channel and why, each once. Pure. A step that reaches nobody, because nobody is on call or no
 * manager is known, goes to whom the reminder is for. `step` null: it goes by no policy.
 */
export function addressees(reminder: Of, step: Step | null, audience: Audience, ways: Ways, at: Instant): Addressee[] {
  const own = (): Wanted[] => ownOf(reminder, audience);
  const wanted = step === null ? own() : step.to.flatMap((target) => wantedBy(target, reminder, audience, at));
  const all =
    wanted.length > 0 || step === null
      ? wanted
      : own().map((one) => ({ ...one, as: `${one.as}, as nobody else is known` }));
  const found = new Map<string, Addressee>();
  for (const one of all.slice(0, MOST_ADDRESSEES)) {
    const addressee = unlessDone(reached(one, reminder, step, audience, ways, at), reminder, audience);
    const { channel, recipient } = addressee;
    const key = `${channel}\n${recipient === null ? addressee.addressed.person : placeKey(recipient)}`;
    const former = found.get(key);
    // What somebody doesn't get in another's stead is no reason not to give them their own.
    if (!former || (former.optedOut !== null && addressee.optedOut === null)) found.set(key, addressee);
  }
  return [...found.values()];
}

/** Whom a reminder is for: those of its recipients who haven't done theirs, its one recipient, or its entity's contact. */
function ownOf({ entityType, entityId, recipient, people }: Of, { done }: Audience): Wanted[] {
  if (people.recipients === null) {
    const who = recipient === null ? { contact: { entityType, entityId } } : { address: recipient };
    return [{ who, as: "recipient" }];
  }
  return people.recipients
    .filter((one) => !done.has(personOf(one)))
    .map((one) => ({ who: whoIs(one), as: "recipient" }));
}

function whoIs(recipient: Recipient | { contact: EntityName }): Wanted["who"] {
  return "address" in recipient ? recipient : { contact: toContactName(recipient.contact) };
}

function wantedBy(target: Target, reminder: Of, audience: Audience, at: Instant): Wanted[] {
  if (target === "recipient") return ownOf(reminder, audience);
  if (target === "manager") return managersOf(reminder, audience);
  if ("rota" in target) {
    const rota = audience.policy?.rotas.get(target.rota) ?? [];
    return onCallAt(rota, at).map((who) => ({ who: whoIs(who), as: `on call (${target.rota})` }));
  }
  return [{ who: whoIs(target), as: "escalation" }];
}

/** The managers of those whom it is for, or of the entity's contact where those are mere addresses. */
function managersOf(reminder: Of, audience: Audience): Wanted[] {
  const { entityType, entityId } = reminder;
  const named = ownOf(reminder, audience).flatMap(({ who }) => ("contact" in who ? [who.contact] : []));
  const whose = named.length > 0 ? named : [{ entityType, entityId }];
  return whose.flatMap((contact) => {
    const manager = audience.contacts.get(nameOf(contact))?.manager;
    return manager ? [{ who: { contact: manager }, as: `manager of ${nameOf(contact)}` }] : [];
  });
}

function reached(
  { who, as }: Wanted,
  reminder: Of,
  step: Step | null,
  audience: Audience,
  ways: Ways,
  at: Instant,
): Addressee {
  const addressed = {
    ...{ step: step?.number ?? null, template: step?.template ?? null },
    ...(step?.unsubscribes ? { unsubscribes: true } : {}),
    ...(step && step.number > (audience.policy?.steps[0].number ?? 0) ? { hasEscalated: true } : {}),
  };
  const named = step?.channel === PREFERRED ? null : step?.channel;
  if ("address" in who) {
    const channel = named ?? reminder.channel;
    return { channel, recipient: who.address, addressed: { ...addressed, person: who.address, as }, optedOut: null };
  }
  const stand = standInFor(who.contact, audience.contacts, at);
  const name = nameOf(stand);
  const contact = audience.contacts.get(name) ?? null;
  const isStandIn = name !== nameOf(who.contact);
  const { channel, recipient } = wayTo(contact, named ?? reminder.channel, step?.channel === PREFERRED, ways);
  const whom = { ...addressed, person: nameOf(who.contact), as, ...(isStandIn ? { via: name } : {}) };
  const optedOut = isStandIn
    ? (whoOptedOut(whom, audience.contacts, reminder.eventType)?.because ?? null)
    : contact && whyOptedOut(contact, reminder.eventType);
  return { channel, recipient, addressed: whom, optedOut };
}

/** Whom a step names beside the recipients may have done theirs as one of these. */
function unlessDone(addressee: Addressee, { people }: Of, { done }: Audience): Addressee {
  const isDone = hasDone(people, done, addressee.addressed.person);
  return isDone ? { ...addressee, optedOut: HAS_DONE_THEIRS } : addressee;
}

/** By the channel that is named, if that reaches them; else by the first of those that they prefer which does. */
function wayTo(
  contact: Person | null,
  named: string,
  isByPreference: boolean,
  ways: Ways,
): { channel: string; recipient: string | null } {
  const preferred = contact?.preferences?.channels ?? [];
  const order = isByPreference ? [...preferred, named] : [named, ...preferred];
  for (const channel of order) {
    const recipient = contact && ways.addressOf(channel, contact);
    if (recipient) return { channel, recipient };
  }
  return { channel: named, recipient: null };
}

/** Who stands for a contact while it is away. Goes round no circle, and no further than it must. */
export function standInFor(contact: ContactName, contacts: Audience["contacts"], at: Instant): ContactName {
  const seen = new Set<string>();
  let present = contact;
  for (let hops = 0; hops <= FARTHEST_DELEGATE; hops += 1) {
    const known = contacts.get(nameOf(present));
    const isAway = known?.delegate && known.delegateUntil !== null && known.delegateUntil > at;
    if (!known || !isAway || !known.delegate) return present;
    if (seen.has(nameOf(known.delegate)) || nameOf(known.delegate) === nameOf(contact)) return contact;
    seen.add(nameOf(known.delegate));
    present = known.delegate;
  }
  return contact;
}

/** The contact of whoever a message is for, null for an address alone; undefined: it is for the reminder's own. */
export function otherOf(
  { entityType, entityId, recipient }: Pick<Reminder, "entityType" | "entityId" | "recipient">,
  { contacts }: Audience,
  addressed: Addressed | null,
): Person | null | undefined {
  if (addressed === null) return undefined;
  const name = addressed.via ?? addressed.person;
  if (name === null || (name === recipient && addressed.as === "recipient")) return undefined;
  if (name === nameOf({ entityType, entityId })) return undefined;
  return contacts.get(name) ?? null;
}
