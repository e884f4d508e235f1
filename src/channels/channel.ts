import type { OwnPurpose, Purpose } from "../core/answer.ts";
import type { Instant } from "../core/instant.ts";
import type { JsonObject } from "../core/json.ts";
import type { Addressed } from "../core/people.ts";
import type { Contact, Reminder } from "../core/reminder.ts";
import type { Retries } from "../core/retry.ts";
import type { Silence } from "../core/silence.ts";
import type { Tenant } from "../core/tenant.ts";
import type { CodeMarks } from "../templates/code-blocks.ts";
import type { Rendered } from "../templates/write.ts";

/** Where a message is answered, each by a link of its own. */
export type MessageLinks = Readonly<Record<Purpose, string>>;

/** What the buttons of a message stand for, where it is answered without leaving the channel. */
export type MessageButtons = Readonly<Record<OwnPurpose, string>>;

/** What a channel is asked to send. Everything a template may speak of is in here. */
export interface Message {
  /** Stable over retries: the same id is the same message. See `deliveryId`. */
  idempotencyKey: string;
  /** Where to, in the channel's own form; null when nobody knows. */
  recipient: string | null;
  reminder: Pick<
    Reminder,
    "id" | "tenantId" | "entityType" | "entityId" | "eventType" | "subject" | "message" | "timeZone" | "createdAt"
  > & { data: JsonObject } & Partial<Pick<Reminder, "bounds" | "stopCondition" | "people">>;
  /** Who the entity is; the recipient may be somebody else, named by the reminder itself. */
  contact: Pick<Contact, "name" | "email" | "timeZone" | "locale"> | null;
  /** In whose clocks instants are written where neither of them has a zone; not set: UTC. */
  tenantZone?: string | null;
  /** Whom it is for, where that is somebody else than the reminder's one recipient or contact; not set: it isn't. */
  addressed?: Addressed | null;
  /** The contact of that person; null: it has none; not set: it is for the reminder's own. */
  addressee?: Pick<Contact, "name" | "email" | "timeZone" | "locale"> | null;
  occurrenceAt: Instant;
  /** How often the reminder has fired, this time included. */
  occurrenceNumber: number;
  /** When it will be due again unless the thing is done; null if this is the last time. */
  nextRunAt: Instant | null;
  /** What it says, where the engine has had it written; without it, a channel writes it by itself (see `render`). */
  written?: Rendered;
  /** True where it says in one what several reminders have to say: what is asked of one alone isn't to be asked of it. */
  isDigest?: boolean;
  /** True where somebody tries words out, and nothing is due: receivers must be able to tell. */
  isTest?: boolean;
  /** Where it is answered; not set: nowhere, as nobody has said where people reach this installation. */
  links?: MessageLinks | null;
  /** The same for a channel whose messages may have buttons of their own. */
  buttons?: MessageButtons | null;
  /** With it ends that somebody has put it off, or promised to do it: not set: nobody has. */
  endsSilence?: Silence | null;
  /** When this attempt began, by the database's clock: a worker's own may be wrong. */
  attemptedAt: Instant;
}

/** What a successful send tells. */
export interface Receipt {
  /** The provider's own id for the message, if it gave one. */
  providerId: string | null;
  /** True when the message was printed instead of sent. */
  demo: boolean;
}

/** The try failed in a way that may pass: it is tried again later. */
export class Retryable extends Error {
  override name = "Retryable";
  /** How long the receiver asked us to wait, in milliseconds. */
  readonly retryAfterMs: number;
  /** True where the receiver may have it all the same, and knows it again when it comes once more: over another channel nobody would. */
  readonly mayHaveArrived: boolean;

  constructor(message: string, retryAfterMs = 0, mayHaveArrived = false) {
    super(message);
    this.retryAfterMs = retryAfterMs;
    this.mayHaveArrived = mayHaveArrived;
  }
}

/** The try failed in a way that trying again can't mend. The message is a sentence that says what to do. */
export class Permanent extends Error {
  override name = "Permanent";
}

/** Nobody is reached at the recipient's address, and nothing is sent there any more: the same holds for the next message. */
export class BadAddress extends Permanent {
  /** For programs; see `NewSuppression`. */
  readonly blamed: Blamed;

  constructor(message: string, blamed: Blamed) {
    super(message);
    this.blamed = blamed;
  }
}

export interface Blamed {
  reason: "hard_bounce" | "invalid" | "stop" | "gone";
  /** For how long; null: until somebody releases it. */
  days: number | null;
}

/** Nobody is there any more; for as long as phone numbers and mailboxes that aren't there. */
export const GONE: Blamed = { reason: "gone", days: 180 };

/** The message may or may not have arrived, and sending again might send twice. */
export class OutcomeUnknown extends Error {
  override name = "OutcomeUnknown";
}

/** There is no room for it just now, and nothing was tried: it is put back, and gives its place to others meanwhile. */
export class NotYet extends Error {
  override name = "NotYet";
  /** Milliseconds. */
  readonly waitMs: number;

  constructor(message: string, waitMs: number) {
    super(message);
    this.waitMs = waitMs;
  }
}

export interface SendOptions {
  /** Aborted when the send takes too long or the worker stops: the channel lets go at once, and throws. */
  signal: AbortSignal;
  /**
   * Asked by the channel when everything is ready and nothing has left yet, as late as it can, and more than once if it
   * likes: connecting may take seconds in which the thing gets done. What it throws ends the send, and reaches the
   * caller as it is. Nothing may leave before it has resolved: a send that ends sooner counts as not arrived, and its message
   * may go over another channel. A channel that `isAtMostOnce` asks only when it is connected: from then on its message may have left.
   */
  beforeSend?: () => Promise<void>;
}

/** A message that was sent before, of a reminder that is done. */
export interface DoneMessage {
  /** As it was sent: see `Receipt`. */
  providerId: string;
  reminder: Message["reminder"] & Pick<Reminder, "completionReason" | "completedAt">;
  contact: Message["contact"];
  tenantZone: string | null;
}

/** Changes messages that were sent before, once their reminder is done. */
export interface DoneMarks {
  /** Of a reminder's messages, by their providers' ids and the newest first, those that are to be changed, at most this many. */
  among(providerIds: readonly string[], limit: number): string[];
  /** Resolves too where the message is gone. Throws as `send` does; doing it again does no harm. */
  mark(done: DoneMessage, options: Pick<SendOptions, "signal">): Promise<void>;
}

/** A way to send. One file or folder each, and one line in the registry. */
export interface Channel {
  name: string;
  /** At most this many sends at once in one worker. */
  concurrency: number;
  /** A send that takes longer is aborted, in milliseconds. */
  timeoutMs: number;
  /** True where programs read what it sends, one thing at a time: never several in one message. */
  isForPrograms?: boolean;
  /** Of what several messages say as one, it shows so many characters; left out: all. */
  maxDigestChars?: number;
  /** How many of those a text takes as it writes it, where it spells or escapes characters with more; left out: as many as it has. */
  digestLength?(text: string): number;
  /** Where blocks of code begin and end in its texts; left out: it has none. */
  codeMarks?: CodeMarks;
  /** A text as it writes it, where blocks of code are others then; left out: as it is. */
  asWritten?(text: string): string;
  /** True where nothing in a message can be pressed but the message: of several, it leads to one page of all of them, and may show the first of them alone. */
  opensOnePage?: boolean;
  /** What browsers call its addresses, where they know such: phones show the keys for them. Left out: text. */
  addressType?: "email" | "tel";
  /** True where it reaches a contact's devices: its addresses are names of contacts, which people neither know nor can tell. */
  reachesDevices?: boolean;
  /**
   * True where a receiver can't tell when a message comes again: what may have left when its worker dies is `unknown` then, and never sent
   * once more unasked (promise P6).
   */
  isAtMostOnce?: boolean;
  /** True where its messages may have buttons. */
  hasButtons?: boolean;
  /** How its failed attempts are tried again; left out: as the installation is set. */
  retries?: Retries;
  /**
   * Checks a recipient as written in a reminder. Returns its normal form, or throws an `InvalidRecipient` that goes on
   * from "the recipient ...": "must be ...".
   */
  parseRecipient(text: string): string;
  /** Where the channel reaches this contact, if it can. */
  address(contact: Pick<Contact, "name" | "email" | "phone" | "push">): string | null;
  /**
   * Asked before a message takes a place under a cap: throws `NotYet` where its receiver has as many on their way as it gets. Left out: none has so
   * many. `send` asks itself once more.
   */
  mayBegin?(message: Pick<Message, "recipient"> & { tenantId: Tenant }): void;
  /** Sends, or throws `Retryable`, `Permanent`, `OutcomeUnknown` or `NotYet`; anything else thrown counts as `Retryable`. If `beforeSend` had let it go, it may have arrived: it goes over no other channel, and over one that `isAtMostOnce` it counts as `OutcomeUnknown`. */
  send(message: Message, options: SendOptions): Promise<Receipt>;
  /** How what was sent before comes to say that it is done; left out: it stays as it was sent. */
  doneMarks?: DoneMarks;
  /** Lets go of connections. */
  close(): Promise<void>;
}

export class InvalidRecipient extends Error {
  override name = "InvalidRecipient";
}
