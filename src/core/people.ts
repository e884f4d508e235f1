import { addressKey, isSameAddress } from "./address-key.ts";
import type { ContactName } from "./entity-name.ts";
import type { Instant } from "./instant.ts";
import type { JsonObject } from "./json.ts";
import type { Escalation } from "./policy.ts";

/** One of several recipients, as kept: an address in the reminder's channel, or an entity that has a contact. */
export type Recipient = { address: string } | { contact: { entity_type: string; entity_id: string } };

/** How many of its recipients must have done theirs. */
export type CompletesWhen = "any" | "all" | { quorum: number };

/** Whom a reminder is for besides its one recipient, and what goes with that. */
export interface People {
  /** The name of the policy that it goes by. */
  policy: string | null;
  /** Where it is in that; null: at the beginning. */
  escalation: Escalation | null;
  /** When the thing is to be done: by this, policies count. */
  deadlineAt: Instant | null;
  recipients: readonly Recipient[] | null;
  completesWhen: CompletesWhen;
  /** True where it begins anew when its flag is set back. */
  reopens: boolean;
}

export const NO_PEOPLE: People = Object.freeze({
  ...{ policy: null, escalation: null, deadlineAt: null, recipients: null, completesWhen: "all", reopens: false },
});

export const MOST_RECIPIENTS = 50;

/** Whom a message is for, and why: kept with its delivery. */
export interface Addressed {
  /** See `nameOf`; null: whoever has the address. */
  person: string | null;
  /** Of the policy: 0 is as without one; null: it goes by none. */
  step: number | null;
  /** The template that its step names. */
  template: string | null;
  /** A few words: `manager`, `on call (support)`, `recipient`. */
  as: string;
  /** True where its step has one click unsubscribe from it; not set: no. */
  unsubscribes?: boolean;
  /** True where its step isn't the first of its policy; not set: no. */
  hasEscalated?: boolean;
  /** The contact that stands for them; not set: none. */
  via?: string;
  /** True for one that only tells that it is done. */
  tells?: boolean;
  /** The channels that it was to go over before and couldn't, in their order; not set: none. */
  tried?: readonly string[];
}

/** What people call a contact where they say who has done something. */
export function nameOf({ entityType, entityId }: ContactName): string {
  return `${entityType}/${entityId}`;
}

/** The contacts that may be called so: a type may contain a slash as well as an id may. None for an address. */
export function namedSo(name: string): ContactName[] {
  const parts = name.split("/");
  return parts.slice(1).map((_, index) => ({
    entityType: parts.slice(0, index + 1).join("/"),
    entityId: parts.slice(index + 1).join("/"),
  }));
}

export function toContactName({ entity_type, entity_id }: { entity_type: string; entity_id: string }): ContactName {
  return { entityType: entity_type, entityId: entity_id };
}

/** What a recipient is called where somebody says that they have done theirs. */
export function personOf(recipient: Recipient): string {
  return "address" in recipient ? recipient.address : nameOf(toContactName(recipient.contact));
}

/** What nobody else of several is called by, however their address is written. */
export function personKey(recipient: Recipient): string {
  return "address" in recipient ? addressKey(recipient.address) : personOf(recipient);
}

/** Which of several is called so; of an address however it is written, unless there is one that is written just like that. */
export function recipientCalled(recipients: readonly Recipient[], name: string): Recipient | undefined {
  const isCalled = (one: Recipient): boolean => "address" in one && isSameAddress(one.address, name);
  return recipients.find((one) => personOf(one) === name) ?? recipients.find(isCalled);
}

/** True where a recipient is what the reminder is about. */
export function isEntity(contact: { entity_type: string; entity_id: string }, entity: ContactName): boolean {
  return nameOf(toContactName(contact)) === nameOf(entity);
}

/** How many must have done theirs. */
export function quorumOf({ recipients, completesWhen }: Pick<People, "recipients" | "completesWhen">): number {
  const all = recipients?.length ?? 1;
  if (completesWhen === "any") return 1;
  return completesWhen === "all" ? all : Math.min(all, completesWhen.quorum);
}

/** As kept with a delivery. */
export function toAddressed(kept: JsonObject | null): Addressed | null {
  if (kept === null) return null;
  const { person, step, template, as, unsubscribes, hasEscalated, via, tells, tried } = kept;
  return {
    person: typeof person === "string" ? person : null,
    step: typeof step === "number" ? step : null,
    template: typeof template === "string" ? template : null,
    as: typeof as === "string" ? as : "recipient",
    ...(unsubscribes === true ? { unsubscribes } : {}),
    ...(hasEscalated === true ? { hasEscalated } : {}),
    ...(typeof via === "string" ? { via } : {}),
    ...(tells === true ? { tells: true } : {}),
    ...(Array.isArray(tried) ? { tried: tried.map(String) } : {}),
  };
}
