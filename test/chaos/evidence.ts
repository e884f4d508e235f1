/**
 * What the checker judges by. Nothing here comes from the engine's code: inputs are what people did and when, the log is
 * what the receiver saw, the tables are what the database says in the end. Instants are milliseconds by the database's
 * clock.
 */
export interface Evidence {
  inputs: Inputs;
  faults: Fault[];
  /** What the receiver saw, in the order of arrival. */
  arrivals: Arrival[];
  tables: Tables;
  limits: Limits;
  /** When the tables were read: everything had come to rest, or that it had not is a violation of its own. */
  readAt: number;
}

export interface Limits {
  /** P3: a message may leave this long after the commit that set its flag. */
  stopMs: number;
  /** Firing may run ahead of the due instant by this much, so that the message can leave on it. */
  fireAheadMs: number;
  /** How far two clocks of the measurement may be apart. */
  clockSlackMs: number;
  /** P5, P8: everything is as it should be this long after the last fault. */
  recoveryMs: number;
  /** A row bears the instant at which its transaction began; what it rests on may be this much younger. */
  transactionMs: number;
  /** Tries of one message, and of one webhook. */
  maxAttempts: number;
  maxHookAttempts: number;
  /** A webhook that only fails goes over after this. */
  downMs: number;
  /** How long the result of a message may be on its way to the database while there is no fault. */
  storingMs: number;
}

/** Something took effect at one moment between these two. */
export interface Span {
  from: number;
  until: number;
}

export interface Inputs {
  reminders: ReminderInput[];
  flags: FlagInput[];
}

export interface ReminderInput {
  id: number;
  /** Entity and event, as its row has them. Only one ACTIVE reminder may have it. */
  key: string;
  created: Span;
  runAt: number;
  /** Null: one time. */
  intervalMs: number | null;
  flag: string | null;
  /** Several people, and how many of them must have done theirs; null: it is for one. */
  people: { addresses: string[]; needed: number } | null;
  /** Null: it goes by none. */
  policy: PolicyInput | null;
  /** Nothing leaves within these, whoever has said so. */
  quiet: Span[];
  /** Times of UTC's day, in milliseconds: what is due by then goes with others of its person, a minute after; null: by itself. */
  digest: number[] | null;
  /** How much its person wants at most; null: any number. */
  budget: BudgetInput | null;
  /** It goes by webhooks, and to this address by e-mail where these can't deliver it; null: it goes by e-mail. */
  over: { to: string } | null;
  /** In the order in which they were made, each after the one before was answered. */
  changes: Change[];
  /** Who of several people said that they have done theirs. */
  done: (Span & { person: string })[];
  /** When whoever gets it said that it is done, where that completes it; null: nobody has. */
  said: Span | null;
  /** Addresses that nothing of it is sent to any more: nobody's wish, or their own. */
  refusals: Refusal[];
  /** Nobody knows whether some change was made, so what follows from it isn't judged. */
  isLoose: boolean;
}

export type Change = Span &
  (
    | { kind: "paused" | "resumed" | "completed" | "deleted" }
    | { kind: "moved"; runAt: number }
    | { kind: "triggered"; occurrenceAt: number }
    /** Put off: nothing is sent before, and it is due at that one instant in here. */
    | { kind: "silenced"; due: Span; isPromise: boolean }
  );

/** Steps are given one after the other. */
export interface PolicyInput {
  steps: {
    /** Counted from the first occurrence; or after so many that reached somebody. */
    begins: { afterMs: number } | { sends: number };
    to: string[];
    /** Given once; else until the next one begins. */
    isOnce: boolean;
  }[];
}

/** So many messages of all its reminders within 24 hours. */
export interface BudgetInput {
  person: string;
  perDay: number;
}

export interface Refusal extends Span {
  address: string;
  /** When it was taken back; null: it stands. */
  lifted: Span | null;
}

export interface FlagInput {
  key: string;
  set: Span;
}

export interface Fault extends Span {
  kind: string;
  /** `database`: every worker is hit; otherwise the worker's name. */
  hits: string;
  /** True where something else that was broken just then kept it from being made as it was meant. */
  isCutShort?: boolean;
}

export interface Arrival {
  messageId: string;
  /** The address that it was for. */
  to: string;
  /** When its transaction began at the receiver (MAIL FROM): then it had left. */
  leftAt: number;
  /** When all of it was there. */
  wholeAt: number;
  /** When it was answered, or its connection dropped; null while it never was. */
  answeredAt: number | null;
  /** `none`: it was kept, and nobody was told. `lied`: it was kept, and the worker was told to come again. */
  answer: "accepted" | "lied" | "refused" | "refused for good" | "none";
  worker: string;
  /** How long the receiver itself may have been late in noticing. */
  stallMs: number;
  /** What it said that it holds, where it told: of several messages that go as one, each. */
  holds: Held[] | null;
}

export interface Held {
  reminderId: number;
  occurrenceAt: number;
}

export interface Tables {
  reminders: ReminderRow[];
  deliveries: DeliveryRow[];
  events: EventRow[];
}

export interface ReminderRow {
  id: number;
  key: string;
  status: string;
  completionReason: string | null;
  nextRunAt: number | null;
  occurrenceCount: number;
  createdAt: number;
  completedAt: number | null;
  deletedAt: number | null;
}

export interface DeliveryRow {
  reminderId: number;
  occurrenceAt: number;
  /** Which of the occurrence's, where it has several: counted from 0. */
  recipientNo: number;
  channel: string;
  recipient: string | null;
  /** Of its policy; null: it goes by none. */
  step: number | null;
  status: string;
  attempts: number;
  /** When it fired: the firing transaction's instant. */
  createdAt: number;
  /** When storing how it ended began. */
  finishedAt: number | null;
  /** When what it says now was committed, by the server; null: nobody knows. */
  storedAt: number | null;
  /** While it waits: until when. */
  nextAttemptAt: number | null;
  reason: string | null;
}

export interface EventRow {
  reminderId: number;
  at: number;
  type: string;
  details: Record<string, unknown>;
}

export interface Violation {
  /** The promise, or the rule, that was broken. */
  rule: string;
  what: string;
  reminderId: number | null;
}

/** What names a delivery. */
export interface DeliveryName extends Held {
  recipientNo: number;
}

/** What is written at the end of a message's id: `<reminder-occurrence-recipient@domain>`. */
export function readMessageId(messageId: string): DeliveryName | null {
  const [, ...parts] = /^<(\d+)-(\d+)-(\d+)(?:-[0-9a-f]{8})?@[^>]+>$/.exec(messageId) ?? [];
  const [reminderId, occurrenceAt, recipientNo] = parts.map(Number);
  if (reminderId === undefined || occurrenceAt === undefined || recipientNo === undefined) return null;
  return { reminderId, occurrenceAt, recipientNo };
}

/** The deliveries that a message is for. One that tells what it holds is for one recipient, whoever its id is of. */
export function heldBy({ messageId, holds }: Pick<Arrival, "messageId" | "holds">): DeliveryName[] {
  const named = readMessageId(messageId);
  return holds === null ? (named ? [named] : []) : holds.map((held) => ({ ...held, recipientNo: 0 }));
}
