import type { Addressee, Audience, Ways } from "../audience.ts";
import type { DueReminder, Facts } from "../decide.ts";
import type { HoldPolicy } from "../hold.ts";
import type { Instant } from "../instant.ts";
import type { Addressed } from "../people.ts";
import type { OverBudget } from "../preferences.ts";
import type { ReminderRecord } from "../reminder.ts";
import type { RetryPolicy } from "../retry.ts";
import type { Attempt } from "./happening.ts";
import type { Wish } from "./wish.ts";

/** What a reminder meets. */
export interface World {
  /** When the simulation begins; not set: when the reminder was created. */
  from?: Instant;
  /** When the simulation ends. */
  until: Instant;
  /** When the stop condition becomes true; null: never. */
  stopMetAt: Instant | null;
  /** What a decision rests on then, where more is to be known than when the stop condition is met. */
  facts?(about: Asked): FactsThen;
  /** When nobody can say whether it is met: in order, none touching another; not set: never. */
  silences?: readonly { from: Instant; until: Instant }[];
  /** What is done then; not set: the usual. */
  hold?: HoldPolicy;
  /** How long a worker may take to hear of that by itself: until then it only finds out by asking. */
  stopHeardAfterMs: number;
  /** When no worker works: in order, none touching another. What is on its way when one begins is lost with its worker. */
  outages: readonly { from: Instant; until: Instant }[];
  /** What people do, in order. */
  wishes: readonly { at: Instant; wish: Wish }[];
  /** What the receiver makes of a try, and how long it takes. */
  receive(attempt: Attempt): { answer: "sent" | "retrying" | "failed" | "unknown"; takesMs: number };
  retry: RetryPolicy;
  /** A number in [0, 1) for each retry's wait. */
  draw(): number;
  /** What is kept of the reminder beside its record; not set: nothing unusual. */
  standing?: Standing;
  /** True when its due instant was worked out by older rules of its time zone. */
  isOutdated?: boolean;
  /** The contact's time zone, else the tenant's; not set: UTC. */
  zone?: string | null;
  /** The calendar that it goes by, as the store keeps it; not set: none. */
  calendar?: string | null;
  /**
   * When the quiet hours that hold an instant end, for whom a message is, null for whom the reminder is for; null: none hold it.
   * Not set: there are none.
   */
  quietUntil?(at: Instant, addressed: Addressed | null): Instant | null;
  /** When a message goes along with others of its person; null: by itself. Not set: each does. */
  gathersUntil?(occurrenceAt: Instant, now: Instant, to: Addressee | null): Instant | null;
  /** The people that it may be for, and how they are reached; not set: it goes to one. */
  audience?: { known: Audience; ways: Ways } | null;
  /** How many messages a day whoever a message is for wants at most; null: as many as there are. Not set: that is so for all. */
  budgetOf?(to: Addressee | null): Budget | null;
  /** Ends the simulation once so many occurrences have fired; not set: no limit. */
  mostOccurrences?: number;
}

/** How many messages a person wants. */
export interface Budget {
  /** Whose it is. */
  name: string;
  perDay: number;
  over: OverBudget;
}

/** Of which reminder facts are asked, and when. */
export interface Asked {
  reminder: ReminderRecord;
  now: Instant;
  /** How many of its messages were sent. */
  sentCount: number;
}

export interface FactsThen extends Facts {
  /** True where the condition wants to know how many messages were sent, so that it is asked again after each. */
  countsSent?: boolean;
  /** True where what nobody can say holds the reminder, and is asked again; else such a reminder is paused. */
  isAsked?: boolean;
}

/** See `DueReminder`, and how many messages were sent before. */
export interface Standing extends Pick<DueReminder, "wasHeld" | "countedFrom"> {
  sentCount: number;
  /** It is held, and its condition isn't asked again before then; not set: it isn't. */
  askAt?: Instant | null;
}
