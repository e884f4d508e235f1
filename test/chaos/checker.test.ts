import { describe, expect, test } from "vitest";
import { check } from "./checker.ts";
import type { Evidence } from "./evidence.ts";
import {
  arrival,
  arrivalOf,
  change,
  delivery,
  deliveryOf,
  event,
  FLAG_AT,
  forget,
  found,
  MINUTE,
  READ_AT,
  row,
  rowOf,
  T,
  without,
  world,
} from "./worlds/quiet.ts";

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

  test("what is unknown because its worker had to end before the receiver answered; but not if it had answered before", () => {
    const evidence = world();
    const delivery = deliveryOf(evidence, 1);
    Object.assign(delivery, { status: "unknown", reason: "the receiver did not answer in time" });
    evidence.tables.events.push(event(1, delivery.finishedAt ?? T, "unknown", {}));
    const answer = arrivalOf(evidence, 1);
    const said = () => check(evidence).violations.filter(({ what }) => what.includes("answered everything"));
    Object.assign(answer, { answeredAt: (delivery.finishedAt ?? T) + 40 });
    expect(said()).toEqual([]);
    Object.assign(answer, { answeredAt: (delivery.finishedAt ?? T) - 1 });
    expect(said()).toHaveLength(1);
    // It had given up before it stored that; and so has one whose message never got there. Another worker has nothing to do with it.
    evidence.faults = [{ kind: "worker told to end", hits: "worker-1", from: T + 8, until: T + 900 }];
    expect(said()).toEqual([]);
    Object.assign(answer, { worker: "worker-2" });
    expect(said()).toHaveLength(1);
    evidence.arrivals = without(evidence.arrivals, answer);
    expect(said()).toEqual([]);
    Object.assign(evidence.faults[0] ?? {}, { until: T + 20 });
    expect(said()).toHaveLength(1);
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
