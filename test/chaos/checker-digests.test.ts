import { describe, expect, test } from "vitest";
import { check } from "./checker.ts";
import type { Arrival, DeliveryRow, Evidence, ReminderInput } from "./evidence.ts";
import { digestOf, ENDS_AT, FEW, gathered, LEAVES_AT } from "./worlds/gathered.ts";
import {
  ANN,
  arrival,
  completed,
  delivery,
  event,
  found,
  input,
  MINUTE,
  READ_AT,
  row,
  rowOf,
  span,
  T,
} from "./worlds/quiet.ts";

const DAY_MS = 24 * 3_600_000;
const digestIn = ({ arrivals }: Evidence): Arrival => found(arrivals, ({ holds }) => holds?.length === 3);
const ledgerOf = ({ tables }: Evidence, id: number): DeliveryRow =>
  found(tables.deliveries, (one) => one.reminderId === id);
const inputOf = ({ inputs }: Evidence, id: number): ReminderInput => found(inputs.reminders, (one) => one.id === id);

/** 3 comes in a message of its own. */
function halve(evidence: Evidence): void {
  const whole = digestIn(evidence);
  const [first, second, third] = whole.holds ?? [];
  if (!first || !second || !third) throw new Error("there were three in it");
  whole.holds = [first, second];
  evidence.arrivals.push(digestOf([third], { leftAt: whole.leftAt + 40 }));
}

/** 1 is due every minute, once more before the digest, for a later one. */
function comeAgain(evidence: Evidence): void {
  inputOf(evidence, 1).intervalMs = MINUTE;
  const laterAt = T + 1_000 + MINUTE;
  const waits = { status: "pending", attempts: 0, finishedAt: null };
  for (const occurrenceAt of [laterAt, laterAt + MINUTE, laterAt + 2 * MINUTE])
    evidence.tables.deliveries.push(delivery(1, occurrenceAt, { ...waits, nextAttemptAt: LEAVES_AT + DAY_MS }));
  evidence.tables.events = evidence.tables.events.filter(({ reminderId }) => reminderId !== 1);
  const again = { status: "ACTIVE", completionReason: null, completedAt: null };
  Object.assign(rowOf(evidence, 1), { ...again, occurrenceCount: 4, nextRunAt: T + 1_000 + 4 * MINUTE });
}

/** Whoever wants two a day has 8 sent as well. */
function sendBeyond(evidence: Evidence, leftAt: number): void {
  evidence.arrivals.push(arrival(8, T, { to: FEW, leftAt, holds: [{ reminderId: 8, occurrenceAt: T }] }));
  Object.assign(ledgerOf(evidence, 8), { status: "sent", attempts: 1, finishedAt: leftAt + 20 });
  Object.assign(rowOf(evidence, 8), completed("one_time_sent", leftAt + 20));
  evidence.tables.events.push(event(8, leftAt + 20, "completed"));
}

test("a quiet world in which messages come together, or not too many a day, has nothing to complain of", () => {
  expect(check(gathered())).toMatchObject({ violations: [], digests: 1 });
});

/** A hand-made violation each: what was done to the quiet world, and the rule that must notice. */
const VIOLATIONS: [string, string, (evidence: Evidence) => void][] = [
  ["a digest in two halves", "digest", halve],
  ["a digest before its time", "digest", (evidence) => Object.assign(digestIn(evidence), { leftAt: LEAVES_AT - 10 })],
  [
    "a digest that no fault kept and that was still late",
    "digest",
    (evidence) => Object.assign(digestIn(evidence), { leftAt: LEAVES_AT + 21_000 }),
  ],
  [
    "an occurrence of a digest that was never recorded",
    "P2",
    (evidence) => {
      evidence.tables.deliveries = evidence.tables.deliveries.filter(({ reminderId }) => reminderId !== 2);
    },
  ],
  ["a digest that says less than was recorded as sent", "P2", (evidence) => void digestIn(evidence).holds?.pop()],
  [
    "what was done in a digest that left after that",
    "P3",
    (evidence) => {
      inputOf(evidence, 2).flag = "done";
      evidence.inputs.flags.push({ key: "done", set: span(LEAVES_AT - 300) });
    },
  ],
  [
    "what was paused in a digest that left after that",
    "P3",
    (evidence) => {
      inputOf(evidence, 2).changes = [{ kind: "paused", ...span(LEAVES_AT - 300) }];
    },
  ],
  [
    "a digest that comes again with more in it",
    "digest",
    (evidence) => {
      const whole = digestIn(evidence);
      Object.assign(whole, { answer: "refused" });
      evidence.arrivals.push({ ...whole, leftAt: whole.leftAt + 900, answer: "accepted" });
      whole.holds = whole.holds?.slice(0, 2) ?? null;
    },
  ],
  [
    "a digest that comes twice without a fault",
    "P6",
    (evidence) => {
      for (const id of [1, 2, 3]) ledgerOf(evidence, id).attempts = 2;
      evidence.arrivals.push({ ...digestIn(evidence), leftAt: LEAVES_AT + 9_000 });
    },
  ],
  [
    "what came in a digest comes once more under an id of its own",
    "digest",
    (evidence) => {
      evidence.faults.push({ kind: "worker killed", hits: "worker-1", from: LEAVES_AT + 12, until: LEAVES_AT + 800 });
      ledgerOf(evidence, 2).attempts = 2;
      evidence.arrivals.push(digestOf([{ reminderId: 2, occurrenceAt: T + 2_000 }], { leftAt: LEAVES_AT + 12_500 }));
    },
  ],
  [
    "what is excepted in a digest",
    "digest",
    (evidence) => {
      evidence.arrivals = evidence.arrivals.filter(({ messageId }) => !messageId.startsWith("<4-"));
      digestIn(evidence).holds?.push({ reminderId: 4, occurrenceAt: T });
    },
  ],
  [
    "what is excepted, held",
    "P2",
    (evidence) => {
      evidence.arrivals = evidence.arrivals.filter(({ messageId }) => !messageId.startsWith("<4-"));
      Object.assign(ledgerOf(evidence, 4), {
        status: "pending",
        attempts: 0,
        finishedAt: null,
        nextAttemptAt: LEAVES_AT + DAY_MS,
      });
    },
  ],
  [
    "what is due after the end of a time in that time's digest",
    "digest",
    (evidence) => {
      digestIn(evidence).holds?.push({ reminderId: 5, occurrenceAt: ENDS_AT + 1 });
      Object.assign(ledgerOf(evidence, 5), { status: "sent", attempts: 1, finishedAt: LEAVES_AT + 30 });
    },
  ],
  [
    "what waits longer than until its digest",
    "digest",
    (evidence) => Object.assign(ledgerOf(evidence, 5), { nextAttemptAt: LEAVES_AT + 2 * DAY_MS }),
  ],
  [
    "what still waits for a digest that has left",
    "P2",
    (evidence) => Object.assign(ledgerOf(evidence, 3), { status: "pending" }),
  ],
  [
    "what gave way to what waits for the next digest",
    "P2",
    (evidence) => {
      comeAgain(evidence);
      digestIn(evidence).holds?.shift();
      Object.assign(ledgerOf(evidence, 1), { status: "suppressed", attempts: 0 });
      evidence.tables.events.push(event(1, LEAVES_AT, "suppressed"));
    },
  ],
  ["one more than a person wants in a day", "budget", (evidence) => sendBeyond(evidence, READ_AT - 1_000)],
  [
    "a try beyond the budget, though it was refused",
    "budget",
    (evidence) => {
      const [first] = evidence.arrivals.filter(({ to }) => to === FEW);
      evidence.arrivals.push({ ...(first as Arrival), leftAt: T + 400, answer: "refused" });
    },
  ],
  [
    "what is held though there is room",
    "P2",
    (evidence) => {
      inputOf(evidence, 8).budget = { person: "other", perDay: 2 };
    },
  ],
  ["what is held for no time", "P2", (evidence) => Object.assign(ledgerOf(evidence, 8), { nextAttemptAt: null })],
  [
    "what is held for ever",
    "P2",
    (evidence) => Object.assign(ledgerOf(evidence, 8), { nextAttemptAt: READ_AT + 9 * DAY_MS }),
  ],
  [
    "what was held, lost",
    "P2",
    (evidence) => {
      evidence.tables.deliveries = evidence.tables.deliveries.filter(({ reminderId }) => reminderId !== 8);
      rowOf(evidence, 8).occurrenceCount = 0;
    },
  ],
];

describe("a violation is noticed", () => {
  test.each(VIOLATIONS)("%s (%s)", (_name, rule, violate) => {
    const evidence = gathered();
    violate(evidence);
    expect(check(evidence).violations.map((violation) => violation.rule)).toContain(rule);
  });
});

/** Nothing to complain of. */
const ALLOWED: [string, (evidence: Evidence) => void][] = [
  [
    "a digest that was in flight when its worker was killed comes again, without what was done meanwhile",
    (evidence) => {
      evidence.faults.push({ kind: "worker killed", hits: "worker-1", from: LEAVES_AT + 12, until: LEAVES_AT + 800 });
      for (const id of [1, 3]) ledgerOf(evidence, id).attempts = 2;
      const [first, , third] = digestIn(evidence).holds ?? [];
      if (first && third)
        evidence.arrivals.push(digestOf([first, third], { leftAt: LEAVES_AT + 12_500, worker: "worker-2" }));
    },
  ],
  [
    "what was recorded when its digest was just leaving comes in another one",
    (evidence) => {
      halve(evidence);
      ledgerOf(evidence, 3).createdAt = LEAVES_AT - 100;
      evidence.faults.push({ kind: "all away", hits: "database", from: T, until: LEAVES_AT - 100 });
    },
  ],
  [
    "what was done before a digest left isn't in it",
    (evidence) => {
      inputOf(evidence, 2).flag = "done";
      evidence.inputs.flags.push({ key: "done", set: span(LEAVES_AT - 300) });
      const whole = digestIn(evidence);
      whole.holds = whole.holds?.filter(({ reminderId }) => reminderId !== 2) ?? null;
      Object.assign(ledgerOf(evidence, 2), { status: "suppressed", attempts: 0 });
      Object.assign(rowOf(evidence, 2), completed("stop_condition", LEAVES_AT - 290));
      evidence.tables.events.push(event(2, LEAVES_AT, "suppressed"));
    },
  ],
  [
    "what couldn't be written leaves its digest to the others, and comes by itself",
    (evidence) => {
      halve(evidence);
      ledgerOf(evidence, 3).attempts = 2;
      const details = { delivery: `3-${T + 3_000}-0` };
      evidence.tables.events.push(event(3, LEAVES_AT + 5, "attempt_failed", details));
    },
  ],
  ["what is due once more between the end of a time and its digest waits for the next one", comeAgain],
  [
    "a message of the next day is none too many",
    (evidence) => {
      evidence.readAt = T + DAY_MS + 30 * MINUTE;
      sendBeyond(evidence, T + DAY_MS + 20 * MINUTE);
      // Nobody asks about the others a day later.
      evidence.inputs.reminders = evidence.inputs.reminders.filter(({ id }) => id > 5);
      evidence.arrivals = evidence.arrivals.filter(({ to }) => to !== ANN);
      evidence.tables.reminders = evidence.tables.reminders.filter(({ id }) => id > 5);
      evidence.tables.deliveries = evidence.tables.deliveries.filter(({ reminderId }) => reminderId > 5);
    },
  ],
  [
    "what was refused, and is held until there is room once more",
    (evidence) => {
      evidence.inputs.reminders.push(input(9, { intervalMs: null, budget: { person: "few", perDay: 2 } }));
      evidence.tables.reminders.push(row(9, { occurrenceCount: 1 }));
      const held = {
        status: "retrying",
        attempts: 1,
        finishedAt: null,
        recipient: FEW,
        nextAttemptAt: READ_AT + DAY_MS,
      };
      evidence.tables.deliveries.push(delivery(9, T, held));
    },
  ],
];

describe("what is allowed is not accused", () => {
  test.each(ALLOWED)("%s", (_name, change) => {
    const evidence = gathered();
    change(evidence);
    expect(check(evidence).violations).toEqual([]);
  });
});
