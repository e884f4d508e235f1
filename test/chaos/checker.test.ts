import { describe, expect, test } from "vitest";
import { check } from "./checker.ts";
import type { Arrival, Change, DeliveryRow, EventRow, Evidence, ReminderInput, ReminderRow } from "./evidence.ts";

const MINUTE = 60_000;
/** An instant at which nothing happens yet. */
const T = 1_800_000_000_000;
const FLAG_AT = T + 2 * MINUTE + 30_000;
const READ_AT = T + 4 * MINUTE;

/** A quiet world, in which all is well: reminder 1 is recurring, 2 ends by its flag, 3 is a one-time one. */
function world(): Evidence {
  const input = (id: number, more: Partial<ReminderInput> = {}): ReminderInput => ({
    id,
    key: `thing/${id}`,
    created: { from: T - 1000, until: T - 990 },
    runAt: T,
    intervalMs: MINUTE,
    flag: null,
    changes: [],
    isLoose: false,
    ...more,
  });
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
      storingMs: 2_000,
    },
    readAt: READ_AT,
  };
}

function row(id: number, more: Partial<ReminderRow>): ReminderRow {
  return {
    ...{ id, key: `thing/${id}`, status: "ACTIVE", completionReason: null, nextRunAt: null, occurrenceCount: 0 },
    ...{ createdAt: T - 995, completedAt: null, deletedAt: null },
    ...more,
  };
}

function completed(completionReason: string, completedAt: number): Partial<ReminderRow> {
  return { status: "COMPLETED", completionReason, completedAt };
}

function delivery(reminderId: number, occurrenceAt: number, more: Partial<DeliveryRow> = {}): DeliveryRow {
  const [createdAt, finishedAt] = [occurrenceAt + 4, occurrenceAt + 30];
  return { reminderId, occurrenceAt, status: "sent", attempts: 1, createdAt, finishedAt, reason: null, ...more };
}

function arrival(reminderId: number, occurrenceAt: number, more: Partial<Arrival> = {}): Arrival {
  const leftAt = more.leftAt ?? occurrenceAt + 10;
  return {
    messageId: `<${reminderId}-${occurrenceAt}-0@example.org>`,
    ...{ leftAt, wholeAt: leftAt + 3, answeredAt: leftAt + 5, answer: "accepted", worker: "worker-1", stallMs: 0 },
    ...more,
  };
}

function event(reminderId: number, at: number, type: string, details: EventRow["details"] = {}): EventRow {
  return { reminderId, at, type, details };
}

/** The part of the evidence that a test wants to change. */
function found<T>(items: T[], wanted: (item: T) => boolean): T {
  const item = items.find(wanted);
  if (!item) throw new Error("the quiet world has no such thing");
  return item;
}

const deliveryOf = (evidence: Evidence, id: number, minute = 0): DeliveryRow =>
  found(evidence.tables.deliveries, (one) => one.reminderId === id && one.occurrenceAt === T + minute * MINUTE);
const rowOf = (evidence: Evidence, id: number): ReminderRow => found(evidence.tables.reminders, (one) => one.id === id);
const arrivalOf = (evidence: Evidence, id: number, minute = 0): Arrival =>
  found(evidence.arrivals, (one) => one.messageId.startsWith(`<${id}-${T + minute * MINUTE}-`));
const without = <T>(items: T[], unwanted: T): T[] => items.filter((item) => item !== unwanted);
const change = (kind: "paused" | "resumed" | "deleted", at: number): Change => ({ kind, from: at - 5, until: at });

function forget(evidence: Evidence, id: number, minute: number): void {
  evidence.tables.deliveries = without(evidence.tables.deliveries, deliveryOf(evidence, id, minute));
  evidence.arrivals = without(evidence.arrivals, arrivalOf(evidence, id, minute));
  rowOf(evidence, id).occurrenceCount -= 1;
}

test("a quiet world has nothing to complain of", () => {
  const verdict = check(world());
  expect(verdict.violations).toEqual([]);
  expect(verdict).toMatchObject({
    reminders: 3,
    recorded: 8,
    due: 8,
    messages: 8,
    duplicates: { afterFaults: 0, afterLies: 0 },
  });
});

/** A hand-made violation each: what was done to the quiet world, and the rule that must notice. */
const VIOLATIONS: [string, string, (evidence: Evidence) => void][] = [
  ["an occurrence that was never recorded", "P2", (evidence) => forget(evidence, 1, 2)],
  ["an occurrence recorded twice", "P2", (evidence) => evidence.tables.deliveries.push({ ...deliveryOf(evidence, 1) })],
  [
    "a message that was never sent, recorded as sent",
    "P2",
    (evidence) => {
      evidence.arrivals = without(evidence.arrivals, arrivalOf(evidence, 3));
    },
  ],
  ["a message that the ledger doesn't know", "P2", (evidence) => evidence.arrivals.push(arrival(1, T + 1234))],
  ["a message of a reminder that nobody created", "P2", (evidence) => evidence.arrivals.push(arrival(77, T))],
  [
    "an occurrence off the series: drift",
    "P2",
    (evidence) => {
      evidence.tables.deliveries.push(delivery(1, T + 90_000));
      evidence.arrivals.push(arrival(1, T + 90_000));
      rowOf(evidence, 1).occurrenceCount += 1;
    },
  ],
  ["a message left 'sending'", "P2", (evidence) => Object.assign(deliveryOf(evidence, 1, 3), { status: "sending" })],
  ["a message left 'pending'", "P2", (evidence) => Object.assign(deliveryOf(evidence, 3), { status: "pending" })],
  [
    "a message suppressed for no reason",
    "P2",
    (evidence) => {
      Object.assign(deliveryOf(evidence, 1, 1), { status: "suppressed" });
      evidence.arrivals = without(evidence.arrivals, arrivalOf(evidence, 1, 1));
      evidence.tables.events.push(event(1, T, "suppressed"));
    },
  ],
  [
    "a message given up with tries left",
    "P2",
    (evidence) => {
      Object.assign(deliveryOf(evidence, 1, 1), { status: "failed", attempts: 2 });
      Object.assign(arrivalOf(evidence, 1, 1), { answer: "refused" });
      evidence.tables.events.push(event(1, T, "failed"));
    },
  ],
  ["more tries than allowed", "P2", (evidence) => Object.assign(deliveryOf(evidence, 1), { attempts: 6 })],
  [
    "a failure that the timeline doesn't tell",
    "P2",
    (evidence) => {
      Object.assign(deliveryOf(evidence, 1, 1), { status: "failed" });
      Object.assign(arrivalOf(evidence, 1, 1), { answer: "refused for good" });
    },
  ],
  ["a completion that the timeline doesn't tell", "P2", (evidence) => void evidence.tables.events.splice(0, 1)],
  [
    "a completion by a flag that was never set",
    "P2",
    (evidence) => {
      evidence.inputs.flags = [];
    },
  ],
  ["a counter that lost an occurrence", "P2", (evidence) => Object.assign(rowOf(evidence, 1), { occurrenceCount: 3 })],
  [
    "a one-time reminder left ACTIVE",
    "P2",
    (evidence) => {
      Object.assign(rowOf(evidence, 3), { status: "ACTIVE", completionReason: null, completedAt: null });
      evidence.tables.events.pop();
    },
  ],
  [
    "a catch-up that tells of fewer than it stands for",
    "P2",
    (evidence) => {
      for (const minute of [1, 2]) forget(evidence, 1, minute);
      evidence.faults.push({ kind: "all away", hits: "database", from: T - 1, until: T + 2.5 * MINUTE });
      Object.assign(deliveryOf(evidence, 1), { createdAt: T + 2.5 * MINUTE, finishedAt: T + 3 * MINUTE });
      Object.assign(arrivalOf(evidence, 1), { leftAt: T + 2.5 * MINUTE + 5 });
      evidence.tables.events.push(event(1, T + 2.5 * MINUTE, "missed", { count: 1 }));
    },
  ],
  [
    "two ACTIVE reminders of one key",
    "P1",
    (evidence) => {
      evidence.inputs.reminders.push({
        ...found(evidence.inputs.reminders, ({ id }) => id === 1),
        id: 4,
        runAt: READ_AT + MINUTE,
      });
      evidence.tables.reminders.push(row(4, { key: "thing/1", nextRunAt: READ_AT + MINUTE }));
    },
  ],
  [
    "a message that left 260 ms after its flag",
    "P3",
    (evidence) => Object.assign(arrivalOf(evidence, 2, 2), { leftAt: FLAG_AT + 260 }),
  ],
  [
    "an occurrence fired after its flag was set",
    "P3",
    (evidence) => {
      evidence.tables.deliveries.push(
        delivery(2, T + 3 * MINUTE, { status: "suppressed", finishedAt: T + 3 * MINUTE }),
      );
      evidence.tables.events.push(event(2, T + 3 * MINUTE, "suppressed"));
      rowOf(evidence, 2).occurrenceCount += 1;
    },
  ],
  [
    "a flag that completed nothing",
    "P3",
    (evidence) => {
      Object.assign(rowOf(evidence, 2), { status: "ACTIVE", completionReason: null, completedAt: null });
      Object.assign(rowOf(evidence, 2), { nextRunAt: T + 3 * MINUTE });
      evidence.tables.events.shift();
    },
  ],
  [
    "a message of a paused reminder",
    "P3",
    (evidence) => {
      const paused = found(evidence.inputs.reminders, ({ id }) => id === 1);
      paused.changes = [change("paused", T + 2 * MINUTE - 300)];
      rowOf(evidence, 1).status = "PAUSED";
    },
  ],
  [
    "an occurrence fired far ahead",
    "P4",
    (evidence) => Object.assign(deliveryOf(evidence, 1, 2), { createdAt: T + 2 * MINUTE - 30 }),
  ],
  [
    "a message that arrived early",
    "P4",
    (evidence) => Object.assign(arrivalOf(evidence, 1, 2), { leftAt: T + 2 * MINUTE - 4 }),
  ],
  [
    "a duplicate without a fault",
    "P6",
    (evidence) => {
      deliveryOf(evidence, 1).attempts = 2;
      evidence.arrivals.push(arrival(1, T, { leftAt: T + 13_000 }));
    },
  ],
  [
    "a duplicate by a worker that no fault hit",
    "P6",
    (evidence) => {
      evidence.faults.push({ kind: "worker killed", hits: "worker-2", from: T, until: T + 500 });
      deliveryOf(evidence, 1).attempts = 2;
      evidence.arrivals.push(arrival(1, T, { leftAt: T + 13_000 }));
    },
  ],
  [
    "a duplicate of what was long stored when the fault hit",
    "P6",
    (evidence) => {
      evidence.faults.push({ kind: "worker killed", hits: "worker-1", from: T + 5_000, until: T + 6_000 });
      deliveryOf(evidence, 1).attempts = 2;
      evidence.arrivals.push(arrival(1, T, { leftAt: T + 18_000 }));
    },
  ],
  [
    "more copies than attempts",
    "P6",
    (evidence) => {
      evidence.faults.push({ kind: "worker killed", hits: "worker-1", from: T, until: T + 500 });
      evidence.arrivals.push(arrival(1, T, { leftAt: T + 13_000 }));
    },
  ],
  [
    "a message whose outcome was unknown, sent again unasked",
    "P6",
    (evidence) => {
      Object.assign(arrivalOf(evidence, 1), { answer: "none" });
      deliveryOf(evidence, 1).attempts = 2;
      evidence.arrivals.push(arrival(1, T, { leftAt: T + 13_000 }));
    },
  ],
  [
    "an occurrence that no fault kept and that was still late: a lost wake-up",
    "P8",
    (evidence) => Object.assign(deliveryOf(evidence, 1, 2), { createdAt: T + 2 * MINUTE + 21_000 }),
  ],
  [
    "a reminder that was lost",
    "P8",
    (evidence) => {
      evidence.tables.reminders = without(evidence.tables.reminders, rowOf(evidence, 1));
    },
  ],
  [
    "an older message after a newer one",
    "order",
    (evidence) => {
      deliveryOf(evidence, 1, 1).attempts = 2;
      Object.assign(arrivalOf(evidence, 1, 1), { leftAt: T + 2 * MINUTE + 400 });
    },
  ],
];

describe("a violation is noticed", () => {
  test.each(VIOLATIONS)("%s (%s)", (_name, rule, violate) => {
    const evidence = world();
    violate(evidence);
    expect(check(evidence).violations.map((violation) => violation.rule)).toContain(rule);
  });
});

describe("what is allowed is not accused", () => {
  test("a copy of what was in flight when its worker was killed, counted as a duplicate", () => {
    const evidence = world();
    evidence.faults.push({ kind: "worker killed", hits: "worker-1", from: T + 12, until: T + 800 });
    deliveryOf(evidence, 1).attempts = 2;
    evidence.arrivals.push(arrival(1, T, { leftAt: T + 12_500, worker: "worker-2" }));
    expect(check(evidence)).toMatchObject({ violations: [], duplicates: { afterFaults: 1, afterLies: 0 } });
  });

  test("one catch-up for all that an outage kept, when it tells how many", () => {
    const evidence = world();
    for (const minute of [1, 2]) forget(evidence, 1, minute);
    evidence.faults.push({ kind: "all away", hits: "database", from: T - 1, until: T + 2.5 * MINUTE });
    Object.assign(deliveryOf(evidence, 1), { createdAt: T + 2.5 * MINUTE, finishedAt: T + 2.5 * MINUTE + 30 });
    Object.assign(arrivalOf(evidence, 1), { leftAt: T + 2.5 * MINUTE + 5 });
    evidence.tables.events.push(event(1, T + 2.5 * MINUTE, "missed", { occurrences: 2 }));
    expect(check(evidence).violations).toEqual([]);
  });

  test("a message that left 249 ms after its flag", () => {
    const evidence = world();
    Object.assign(arrivalOf(evidence, 2, 2), { leftAt: FLAG_AT + 249 });
    expect(check(evidence).violations).toEqual([]);
  });

  test("a pause keeps what falls into it, and the series goes on after it", () => {
    const evidence = world();
    const [paused, resumed] = [change("paused", T + MINUTE - 500), change("resumed", T + MINUTE + 500)];
    found(evidence.inputs.reminders, ({ id }) => id === 1).changes = [paused, resumed];
    forget(evidence, 1, 1);
    expect(check(evidence).violations).toEqual([]);
  });
});
