/** The words of the engine as types. Everything else is written in these. */

import type { ContactName } from "./entity-name.ts";
import type { Instant } from "./instant.ts";
import type { JsonObject } from "./json.ts";
import type { Addressed, People } from "./people.ts";
import type { Preferences } from "./preferences.ts";
import type { QuietHours } from "./quiet-hours.ts";
import type { ByCalendar } from "./schedule/by-calendar.ts";
import type { Bounds, Schedule } from "./schedule/kinds.ts";
import type { WallClock } from "./schedule/wall-clock.ts";
import type { Silence } from "./silence.ts";
import type { Checked } from "./stop.ts";

export const REMINDER_STATUSES = ["ACTIVE", "PAUSED", "COMPLETED"] as const;
export type ReminderStatus = (typeof REMINDER_STATUSES)[number];

/** Why a reminder is COMPLETED. */
export const COMPLETION_REASONS = [
  "stop_condition",
  "one_time_sent",
  /** It has fired as often as `max_occurrences` lets it. */
  "max_occurrences",
  /** Its stop condition `deadline` has passed. */
  "deadline",
  /** As many of its messages were sent as its stop condition `max_attempts` says. */
  "max_attempts",
  /** Its rule has no further occurrence, or none before `end_at`. */
  "schedule_ended",
  /** A one-time reminder whose only message could not be delivered; its delivery says why. */
  "delivery_failed",
  /** A one-time reminder whose only message may or may not have arrived; it is never sent again unasked. */
  "delivery_unknown",
  "manual",
  /** A person whom it reminded said that it is done. */
  "done",
  /** The last step of its policy was given as often as it is to be. */
  "policy_ended",
  /** As many of its people have done theirs as it takes. */
  "people_done",
  /** Whom its only message was for doesn't want any of its kind. */
  "opted_out",
  /** An event of the outside world means that it is done. */
  "event",
] as const;
export type CompletionReason = (typeof COMPLETION_REASONS)[number];

export const DELIVERY_STATUSES = ["pending", "sending", "sent", "retrying", "failed", "suppressed", "unknown"] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** The question asked before every send; null in a reminder that is only ever completed by hand or by its schedule. */
export interface StopCondition {
  type: string;
  /** What a kind takes as one text, such as a flag's key; null: nothing. */
  value: string | null;
  /** What a kind takes as fields; null: nothing. */
  settings: JsonObject | null;
}

export const ON_UNKNOWN = ["hold", "send"] as const;
/** What to do while nobody can say whether the thing is done. */
export type OnUnknown = (typeof ON_UNKNOWN)[number];

export const DONE_MEANS = ["complete", "flag"] as const;
/** What is done when somebody says that it is: the reminder completes, or its flag is set. */
export type DoneMeans = (typeof DONE_MEANS)[number];

/** One row of `reminder_jobs`. */
export interface Reminder {
  id: number;
  tenantId: string;
  entityType: string;
  entityId: string;
  eventType: string;
  channel: string;
  /** Where to send, in the channel's own form; null means: ask the entity's contact. */
  recipient: string | null;
  subject: string | null;
  message: string | null;
  data: JsonObject;
  /** IANA name; whose clocks its schedule goes by, and how messages write instants. Null: the contact's, else the tenant's, else UTC. */
  timeZone: string | null;
  schedule: Schedule;
  bounds: Bounds;
  /** The calendar that it goes by; null: none. */
  business: ByCalendar | null;
  /** When nothing is to be delivered besides the quiet hours of the person; null: no other. */
  quietHours: QuietHours | null;
  /** True where it is delivered at any hour. */
  ignoreQuietHours: boolean;
  stopCondition: StopCondition | null;
  onUnknown: OnUnknown;
  /** Null: as its stop condition suggests. */
  doneMeans: DoneMeans | null;
  /** True where whoever it reminds may name somebody else. */
  allowsReassign: boolean;
  /** Null: nobody has put it off. */
  silence: Silence | null;
  /** Whom it is for, and who else is told when; most share one that says nothing. */
  people: People;
  status: ReminderStatus;
  completionReason: CompletionReason | null;
  /** Why a person must look at it; null: nobody must. */
  needsAttention: string | null;
  /** The next due instant; null when nothing more is due. */
  nextRunAt: Instant | null;
  /** What the clocks on the wall show at that occurrence; null where the schedule doesn't go by them, or it was moved by hand. */
  nextWallAt: WallClock | null;
  /** When it last fired. */
  lastRunAt: Instant | null;
  /** How often it has fired. */
  occurrenceCount: number;
  createdAt: Instant;
  updatedAt: Instant;
  completedAt: Instant | null;
  deletedAt: Instant | null;
}

/** A reminder with the two instants that only a change of its schedule needs to know. */
export interface ReminderRecord extends Reminder {
  /** The first due instant that somebody asked for; null when it followed from the interval. */
  runAt: Instant | null;
  /** The due instant of its newest occurrence. */
  lastOccurrenceAt: Instant | null;
}

/** What is kept of a contact besides where it is reached by e-mail, and whose clock it lives by; null: nothing is said. */
export interface Reach {
  phone: string | null;
  /** By the channel's name: an address in that channel's own form. */
  addresses: Readonly<Record<string, string>> | null;
  preferences: Preferences | null;
  manager: ContactName | null;
  delegate: ContactName | null;
  /** Until when the delegate stands for it. */
  delegateUntil: Instant | null;
}

export const NO_REACH: Reach = Object.freeze({
  ...{ phone: null, addresses: null, preferences: null, manager: null, delegate: null, delegateUntil: null },
});

/** Where an entity is reached: one row of `contacts`. */
export interface Contact extends Reach {
  tenantId: string;
  entityType: string;
  entityId: string;
  name: string | null;
  email: string | null;
  timeZone: string | null;
  locale: string | null;
  /** Null: the tenant's; an empty list is none. */
  quietHours: QuietHours | null;
  /** What push calls it while it has devices, see `writeContactAddress`; null or not set: it has none. */
  push?: string | null;
  createdAt: Instant;
  updatedAt: Instant;
}

/** `(reminderId, occurrenceAt)` names an occurrence for ever; `recipientNo` tells apart the messages of one occurrence. */
export interface DeliveryKey {
  reminderId: number;
  occurrenceAt: Instant;
  recipientNo: number;
}

/** One row of `deliveries`: one message to one recipient over one channel for one occurrence. */
export interface Delivery extends DeliveryKey {
  tenantId: string;
  channel: string;
  recipient: string | null;
  status: DeliveryStatus;
  /** Tries so far, counted when a try begins. */
  attempts: number;
  nextAttemptAt: Instant | null;
  /** Why it was suppressed, failed or is unknown: a sentence for a person. */
  reason: string | null;
  /** The provider's own id for the message. */
  providerId: string | null;
  /** Printed instead of sent, because the channel runs in demo mode. */
  demo: boolean;
  createdAt: Instant;
  finishedAt: Instant | null;
  /** Whom it is for and why; null: whom the reminder is for. */
  addressed: Addressed | null;
  /** What its stop condition answered last, before an attempt; null: it has none, or nobody looked yet. */
  checked: Checked | null;
}

/** The delivery's public id: stable over retries and restarts, and so the idempotency id given to providers. */
export function deliveryId(key: DeliveryKey): string {
  return `${key.reminderId}-${key.occurrenceAt}-${key.recipientNo}`;
}

/** A message: a delivery's own or, with the id of a digest, that of all that went in it. */
export interface MessageKey extends DeliveryKey {
  /** It says the delivery that was the first of them when they were put together, which may have been left out since. */
  digestId?: string;
}

/** The message that has gone, or goes, under this id; null for what is none. */
export function readMessageId(id: string): MessageKey | null {
  const delivery = readDeliveryId(id);
  return delivery && id.split("-").length > 3 ? { ...delivery, digestId: id } : delivery;
}

/** The end of the year 9999, and what the ledger has room for: whatever is beyond isn't in it. */
const LAST_OCCURRENCE_AT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const LAST_RECIPIENT_NO = 32_767;

/**
 * The same backwards; of a digest's id, that of its first delivery; null for what is none. Mail of other programs has ids that
 * look alike, with numbers of their own.
 */
export function readDeliveryId(id: string): DeliveryKey | null {
  const found = /^(\d{1,16})-(\d{1,15})-(\d{1,5})(?:-[0-9a-f]{8})?$/.exec(id);
  if (found === null) return null;
  const [reminderId = 0, occurrenceAt = 0, recipientNo = 0] = found.slice(1).map(Number);
  if (occurrenceAt > LAST_OCCURRENCE_AT || recipientNo > LAST_RECIPIENT_NO) return null;
  return { reminderId, occurrenceAt, recipientNo };
}
