import { describe, expect, test } from "vitest";
import { check } from "./checker.ts";
import type { Arrival, Change, DeliveryRow, EventRow, Evidence, ReminderInput, ReminderRow, Span } from "./evidence.ts";

const MINUTE = 60_000;
/** An instant at which nothing happens yet. */
const T = 1_800_000_000_000;
const FLAG_AT = T + 2 * MINUTE + 30_000;
const ANN = "ann@example.org";
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
    ...{ people: null, policy: null, quiet: null },
    ...{ changes: [], done: [], said: null, refusals: [], isLoose: false },
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
  const which = { reminderId, occurrenceAt, recipientNo: 0, recipient: ANN, step: null };
  return { ...which, status: "sent", attempts: 1, createdAt, finishedAt, reason: null, ...more };
}

function arrival(reminderId: number, occurrenceAt: number, more: Partial<Arrival> = {}): Arrival {
  const leftAt = more.leftAt ?? occurrenceAt + 10;
  return {
    ...{ messageId: `<${reminderId}-${occurrenceAt}-0@example.org>`, to: ANN },
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

const [BEN, EVE, BOSS] = ["ben@example.org", "eve@example.org", "boss@example.org"];
const DONE_AT = T + MINUTE + 20_000;

/** Another quiet world: 1 is for three of whom two must have done theirs, 2 escalates, 3 was put off, 4 has quiet hours, 5 is refused. */
function peopled(): Evidence {
  const evidence = world();
  const [one] = evidence.inputs.reminders as [ReminderInput];
  const input = (id: number, more: Partial<ReminderInput>): ReminderInput => ({
    ...one,
    id,
    key: `thing/${id}`,
    ...more,
  });
  const steps = [
    { afterMs: 0, to: [ANN] },
    { afterMs: 3_000, to: [BOSS] },
    { afterMs: 7_000, to: [ANN, BOSS] },
  ];
  const silenced: Change = {
    kind: "silenced",
    ...span(T - 500),
    due: { from: T + 9_000, until: T + 9_000 },
    isPromise: true,
  };
  evidence.inputs = {
    reminders: [
      input(1, {
        people: { addresses: [ANN, BEN, EVE], needed: 2 },
        done: [
          { person: BEN, ...span(T + 20_000) },
          { person: ANN, ...span(DONE_AT) },
        ],
      }),
      input(2, { policy: { steps } }),
      input(3, { intervalMs: null, changes: [silenced] }),
      input(4, { intervalMs: null, quiet: { from: T - 10_000, until: T + 50_000 } }),
      input(5, { refusals: [{ address: ANN, ...span(T + 30_000), lifted: span(T + 2 * MINUTE + 30_000) }] }),
    ],
    flags: [],
  };
  const to = (recipient: string, recipientNo = 0) => ({ recipient, recipientNo });
  const ledger = [
    ...[ANN, BEN, EVE].map((person, no) => delivery(1, T, to(person, no))),
    ...[ANN, EVE].map((person, no) => delivery(1, T + MINUTE, to(person, no))),
    delivery(2, T, { step: 1 }),
    delivery(2, T + 3_000, { step: 2, ...to(BOSS) }),
    ...[ANN, BOSS].map((person, no) => delivery(2, T + 7_000, { step: 3, ...to(person, no) })),
    delivery(3, T + 9_000),
    delivery(4, T, { finishedAt: T + 50_030 }),
    delivery(5, T),
    delivery(5, T + MINUTE, { status: "suppressed", attempts: 0 }),
    delivery(5, T + 2 * MINUTE, { status: "suppressed", attempts: 0 }),
    delivery(5, T + 3 * MINUTE),
  ];
  evidence.arrivals = ledger
    .filter(({ status }) => status === "sent")
    .map(({ reminderId, occurrenceAt, recipientNo, recipient }) => {
      const leftAt = reminderId === 4 ? T + 50_010 : occurrenceAt + 10;
      const messageId = `<${reminderId}-${occurrenceAt}-${recipientNo}@example.org>`;
      return arrival(reminderId, occurrenceAt, { messageId, leftAt, to: recipient as string });
    });
  evidence.tables = {
    reminders: [
      row(1, { occurrenceCount: 2, ...completed("people_done", DONE_AT - 2) }),
      row(2, { occurrenceCount: 3, ...completed("policy_ended", T + 7_040) }),
      row(3, { occurrenceCount: 1, ...completed("one_time_sent", T + 9_040) }),
      row(4, { occurrenceCount: 1, ...completed("one_time_sent", T + 50_040) }),
      row(5, { occurrenceCount: 4, nextRunAt: T + 4 * MINUTE }),
    ],
    deliveries: ledger,
    events: [
      event(1, T + 20_000, "done", { person: BEN }),
      event(1, DONE_AT, "done", { person: ANN }),
      event(3, T + 9_000, "promise_ended"),
      ...[MINUTE, 2 * MINUTE].map((after) => event(5, T + after, "suppressed")),
      ...[1, 2, 3, 4].map((id) => event(id, T + 50_040, "completed")),
    ],
  };
  return evidence;
}

const span = (until: number): Span => ({ from: until - 5, until });

function forgetStep(evidence: Evidence, afterMs: number, done: "suppressed" | "gone"): void {
  const own = evidence.tables.deliveries.filter((one) => one.reminderId === 2 && one.occurrenceAt === T + afterMs);
  evidence.arrivals = evidence.arrivals.filter(({ messageId }) => !messageId.startsWith(`<2-${T + afterMs}-`));
  if (done === "suppressed") {
    for (const one of own) Object.assign(one, { status: "suppressed", attempts: 0 });
    evidence.tables.events.push(...own.map(() => event(2, T + 7_000, "suppressed")));
    return;
  }
  evidence.tables.deliveries = evidence.tables.deliveries.filter((one) => !own.includes(one));
  rowOf(evidence, 2).occurrenceCount -= 1;
}

test("a quiet world with people, steps, promises and quiet hours has nothing to complain of either", () => {
  expect(check(peopled()).violations).toEqual([]);
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

/** The same in the world of people. */
const AMONG_PEOPLE: [string, string, (evidence: Evidence) => void][] = [
  [
    "a quorum that is one too small",
    "P2",
    (evidence) => void found(evidence.inputs.reminders, ({ id }) => id === 1).done.pop(),
  ],
  [
    "a quorum that completed nothing",
    "P3",
    (evidence) => {
      Object.assign(rowOf(evidence, 1), { status: "ACTIVE", completionReason: null, completedAt: null });
      evidence.tables.events.splice(-4, 1);
    },
  ],
  [
    "a message to whoever has done theirs",
    "people",
    (evidence) => {
      const arrived = found(evidence.arrivals, ({ messageId }) => messageId.startsWith(`<1-${T}-1@`));
      arrived.leftAt = T + 20_260;
    },
  ],
  [
    "an occurrence for whoever has done theirs",
    "people",
    (evidence) => {
      evidence.tables.deliveries.push(delivery(1, T + MINUTE, { recipient: BEN, recipientNo: 2 }));
    },
  ],
  [
    "an occurrence without one who hasn't done theirs",
    "people",
    (evidence) => {
      evidence.tables.deliveries = evidence.tables.deliveries.filter(
        ({ reminderId, occurrenceAt, recipient }) => reminderId !== 1 || occurrenceAt !== T || recipient !== EVE,
      );
    },
  ],
  [
    "one who has done theirs twice",
    "people",
    (evidence) => evidence.tables.events.push(event(1, DONE_AT, "done", { person: ANN })),
  ],
  [
    "a message that went to somebody else's address",
    "P2",
    (evidence) =>
      Object.assign(
        found(evidence.arrivals, ({ to }) => to === EVE),
        { to: BEN },
      ),
  ],
  ["a step that was skipped", "policy", (evidence) => forgetStep(evidence, 3_000, "gone")],
  ["a step that was taken back, and is lost", "policy", (evidence) => forgetStep(evidence, 3_000, "suppressed")],
  ["a policy that ended without its last step", "policy", (evidence) => forgetStep(evidence, 7_000, "gone")],
  [
    "a step that was never given",
    "policy",
    (evidence) => {
      forgetStep(evidence, 7_000, "gone");
      Object.assign(rowOf(evidence, 2), { status: "ACTIVE", completionReason: null, nextRunAt: T + MINUTE });
      evidence.tables.events = evidence.tables.events.filter(({ reminderId }) => reminderId !== 2);
    },
  ],
  [
    "a step given twice",
    "policy",
    (evidence) => {
      evidence.tables.deliveries.push(delivery(2, T + 5_000, { step: 2, recipient: BOSS }));
    },
  ],
  [
    "a step given before it began",
    "policy",
    (evidence) => {
      const early = found(evidence.tables.deliveries, ({ step }) => step === 2);
      Object.assign(early, { occurrenceAt: T + 2_000, createdAt: T + 2_004 });
    },
  ],
  [
    "a step to somebody else",
    "policy",
    (evidence) =>
      Object.assign(
        found(evidence.tables.deliveries, ({ step }) => step === 2),
        { recipient: ANN },
      ),
  ],
  [
    "a message in quiet hours",
    "quiet",
    (evidence) => {
      found(evidence.arrivals, ({ messageId }) => messageId.startsWith("<4-")).leftAt = T + 30_000;
    },
  ],
  [
    "a message that waits though quiet hours have ended",
    "P2",
    (evidence) => {
      Object.assign(
        found(evidence.tables.deliveries, ({ reminderId }) => reminderId === 4),
        { status: "pending" },
      );
    },
  ],
  [
    "a message to an address that nothing is to be sent to",
    "address",
    (evidence) => evidence.arrivals.push(arrival(5, T + MINUTE)),
  ],
  [
    "an address that is sent nothing although that was taken back",
    "P2",
    (evidence) => {
      const last = found(evidence.tables.deliveries, (one) => one.occurrenceAt === T + 3 * MINUTE);
      Object.assign(last, { status: "suppressed", attempts: 0 });
      evidence.tables.events.push(event(5, last.createdAt, "suppressed"));
    },
  ],
  [
    "a message of what was put off",
    "P3",
    (evidence) => {
      const [change] = found(evidence.inputs.reminders, ({ id }) => id === 3).changes as [Change];
      Object.assign(change, { until: T - 400, due: { from: T + 9_000, until: T + 9_000 } });
      evidence.tables.deliveries.push(delivery(3, T));
      evidence.arrivals.push(arrival(3, T));
    },
  ],
  [
    "a promise that never came back",
    "P2",
    (evidence) => {
      evidence.tables.deliveries = evidence.tables.deliveries.filter(({ reminderId }) => reminderId !== 3);
      evidence.arrivals = evidence.arrivals.filter(({ messageId }) => !messageId.startsWith("<3-"));
    },
  ],
  [
    "a promise that came back without a word",
    "silence",
    (evidence) => {
      evidence.tables.events = evidence.tables.events.filter(({ type }) => type !== "promise_ended");
    },
  ],
  [
    "a link that put off twice",
    "silence",
    (evidence) => {
      const five = found(evidence.inputs.reminders, ({ id }) => id === 5);
      const due = { from: READ_AT + MINUTE, until: READ_AT + MINUTE + 5 };
      five.changes.push({ kind: "silenced", ...span(READ_AT - 20_000), due, isPromise: false });
      rowOf(evidence, 5).nextRunAt = READ_AT + MINUTE + 2_000;
    },
  ],
];

describe("a violation is noticed", () => {
  test.each(VIOLATIONS)("%s (%s)", (_name, rule, violate) => {
    const evidence = world();
    violate(evidence);
    expect(check(evidence).violations.map((violation) => violation.rule)).toContain(rule);
  });

  test.each(AMONG_PEOPLE)("%s (%s)", (_name, rule, violate) => {
    const evidence = peopled();
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

  test("what waits for the end of its quiet hours, and a step that waited for the message before it", () => {
    const evidence = peopled();
    found(evidence.inputs.reminders, ({ id }) => id === 4).quiet = { from: T - 10_000, until: READ_AT + 1 };
    Object.assign(
      found(evidence.tables.deliveries, ({ reminderId }) => reminderId === 4),
      {
        ...{ status: "pending", attempts: 0, finishedAt: null },
      },
    );
    Object.assign(rowOf(evidence, 4), { status: "ACTIVE", completionReason: null, completedAt: null });
    evidence.arrivals = evidence.arrivals.filter(({ messageId }) => !messageId.startsWith("<4-"));
    evidence.tables.events = evidence.tables.events.filter(({ reminderId }) => reminderId !== 4);

    const [first, second] = evidence.tables.deliveries.filter(({ reminderId }) => reminderId === 2);
    Object.assign(first as DeliveryRow, { finishedAt: T + 3_500 });
    Object.assign(second as DeliveryRow, { occurrenceAt: T + 4_000, createdAt: T + 4_004, finishedAt: T + 4_030 });
    const late = found(evidence.arrivals, ({ to }) => to === BOSS);
    Object.assign(late, { messageId: `<2-${T + 4_000}-0@example.org>`, leftAt: T + 4_010 });
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
