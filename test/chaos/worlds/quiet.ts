import type {
  Arrival,
  Change,
  DeliveryRow,
  EventRow,
  Evidence,
  ReminderInput,
  ReminderRow,
  Span,
} from "../evidence.ts";

export const MINUTE = 60_000;
/** An instant at which nothing happens yet. */
export const T = 1_800_000_000_000;
export const FLAG_AT = T + 2 * MINUTE + 30_000;
export const ANN = "ann@example.org";
export const READ_AT = T + 4 * MINUTE;

/** A quiet world, in which all is well: reminder 1 is recurring, 2 ends by its flag, 3 is a one-time one. */
export function world(): Evidence {
  const times = [0, 1, 2, 3].map((n) => T + n * MINUTE);
  return {
    inputs: {
      reminders: [input(1), input(2, { flag: "done" }), input(3, { intervalMs: null })],
      flags: [{ key: "done", set: { from: FLAG_AT - 5, until: FLAG_AT } }],
    },
    faults: [],
    arrivals: [...times.map((at) => arrival(1, at)), ...times.slice(0, 3).map((at) => arrival(2, at)), arrival(3, T)],
    tables: {
      reminders: [
        row(1, { occurrenceCount: 4, nextRunAt: T + 4 * MINUTE }),
        row(2, { occurrenceCount: 3, ...completed("stop_condition", FLAG_AT + 20) }),
        row(3, { occurrenceCount: 1, ...completed("one_time_sent", T + 40) }),
      ],
      deliveries: [
        ...times.map((at) => delivery(1, at)),
        ...times.slice(0, 3).map((at) => delivery(2, at)),
        delivery(3, T),
      ],
      events: [event(2, FLAG_AT + 20, "completed"), event(3, T + 40, "completed")],
    },
    limits: {
      stopMs: 250,
      fireAheadMs: 12,
      clockSlackMs: 3,
      recoveryMs: 20_000,
      transactionMs: 15_000,
      maxAttempts: 5,
      maxHookAttempts: 10,
      downMs: 60_000,
      storingMs: 2_000,
    },
    readAt: READ_AT,
  };
}

export function input(id: number, more: Partial<ReminderInput> = {}): ReminderInput {
  return {
    id,
    key: `thing/${id}`,
    created: { from: T - 1000, until: T - 990 },
    runAt: T,
    intervalMs: MINUTE,
    flag: null,
    ...{ people: null, policy: null, quiet: [], digest: null, budget: null, over: null },
    ...{ changes: [], done: [], said: null, refusals: [], isLoose: false },
    ...more,
  };
}

export function row(id: number, more: Partial<ReminderRow>): ReminderRow {
  return {
    ...{ id, key: `thing/${id}`, status: "ACTIVE", completionReason: null, nextRunAt: null, occurrenceCount: 0 },
    ...{ createdAt: T - 995, completedAt: null, deletedAt: null },
    ...more,
  };
}

export function completed(completionReason: string, completedAt: number): Partial<ReminderRow> {
  return { status: "COMPLETED", completionReason, completedAt };
}

export function delivery(reminderId: number, occurrenceAt: number, more: Partial<DeliveryRow> = {}): DeliveryRow {
  const [createdAt, finishedAt] = [occurrenceAt + 4, occurrenceAt + 30];
  const which = { reminderId, occurrenceAt, recipientNo: 0, channel: "email", recipient: ANN, step: null };
  const ended = {
    status: "sent",
    attempts: 1,
    createdAt,
    finishedAt,
    nextAttemptAt: null,
    storedAt: null,
    reason: null,
  };
  return { ...which, ...ended, ...more };
}

export function arrival(reminderId: number, occurrenceAt: number, more: Partial<Arrival> = {}): Arrival {
  const leftAt = more.leftAt ?? occurrenceAt + 10;
  return {
    ...{ messageId: `<${reminderId}-${occurrenceAt}-0@example.org>`, to: ANN },
    ...{ leftAt, wholeAt: leftAt + 3, answeredAt: leftAt + 5, answer: "accepted", worker: "worker-1", stallMs: 0 },
    holds: null,
    ...more,
  };
}

export function event(reminderId: number, at: number, type: string, details: EventRow["details"] = {}): EventRow {
  return { reminderId, at, type, details };
}

/** The part of the evidence that a test wants to change. */
export function found<T>(items: T[], wanted: (item: T) => boolean): T {
  const item = items.find(wanted);
  if (!item) throw new Error("the quiet world has no such thing");
  return item;
}

export const deliveryOf = (evidence: Evidence, id: number, minute = 0): DeliveryRow =>
  found(evidence.tables.deliveries, (one) => one.reminderId === id && one.occurrenceAt === T + minute * MINUTE);
export const rowOf = (evidence: Evidence, id: number): ReminderRow =>
  found(evidence.tables.reminders, (one) => one.id === id);
export const arrivalOf = (evidence: Evidence, id: number, minute = 0): Arrival =>
  found(evidence.arrivals, (one) => one.messageId.startsWith(`<${id}-${T + minute * MINUTE}-`));
export const without = <T>(items: T[], unwanted: T): T[] => items.filter((item) => item !== unwanted);
export const change = (kind: "paused" | "resumed" | "deleted", at: number): Change => ({
  kind,
  from: at - 5,
  until: at,
});

export function forget(evidence: Evidence, id: number, minute: number): void {
  evidence.tables.deliveries = without(evidence.tables.deliveries, deliveryOf(evidence, id, minute));
  evidence.arrivals = without(evidence.arrivals, arrivalOf(evidence, id, minute));
  rowOf(evidence, id).occurrenceCount -= 1;
}

export const span = (until: number): Span => ({ from: until - 5, until });
