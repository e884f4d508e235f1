import { describe, expect, test } from "vitest";
import { check } from "./checker.ts";
import type { Evidence, ReminderInput } from "./evidence.ts";
import { BOSS } from "./worlds/peopled.ts";
import { ANN, arrival, completed, delivery, event, found, input, MINUTE, row, T, world } from "./worlds/quiet.ts";

const [SECOND, THIRD, FOURTH] = [T + MINUTE, T + 2 * MINUTE, T + 3 * MINUTE];

/** 1 goes to its manager after two that were sent, and ends; 2 has quiet hours of its own after those of its contact. */
function counted(): Evidence {
  const evidence = world();
  const steps = [
    { begins: { afterMs: 0 }, to: [ANN], isOnce: false },
    { begins: { sends: 2 }, to: [BOSS], isOnce: true },
  ];
  const quiet = [
    { from: T - 30_000, until: T + 30_000 },
    { from: T + 30_000, until: T + 90_000 },
  ];
  evidence.inputs = { reminders: [input(1, { policy: { steps } }), input(2, { intervalMs: null, quiet })], flags: [] };
  evidence.arrivals = [
    arrival(1, T),
    arrival(1, SECOND),
    arrival(1, THIRD, { to: BOSS }),
    arrival(2, T, { leftAt: T + 90_010 }),
  ];
  evidence.tables = {
    reminders: [
      row(1, { occurrenceCount: 3, ...completed("policy_ended", THIRD + 40) }),
      row(2, { occurrenceCount: 1, ...completed("one_time_sent", T + 90_040) }),
    ],
    deliveries: [
      delivery(1, T, { step: 1 }),
      delivery(1, SECOND, { step: 1 }),
      delivery(1, THIRD, { step: 2, recipient: BOSS }),
      delivery(2, T, { finishedAt: T + 90_030 }),
    ],
    events: [event(1, THIRD, "completed"), event(2, THIRD, "completed")],
  };
  return evidence;
}

const policyOf = ({ inputs }: Evidence): ReminderInput => found(inputs.reminders, ({ id }) => id === 1);

function takeBack(evidence: Evidence): void {
  Object.assign(
    found(evidence.tables.deliveries, ({ occurrenceAt }) => occurrenceAt === SECOND),
    { status: "suppressed", attempts: 0, finishedAt: THIRD + 10 },
  );
  evidence.arrivals = evidence.arrivals.filter(({ messageId }) => !messageId.startsWith(`<1-${SECOND}-`));
  evidence.tables.events.push(event(1, THIRD, "suppressed"));
}

test("a quiet world with steps by number of sends and two kinds of quiet hours has nothing to complain of", () => {
  expect(check(counted()).violations).toEqual([]);
});

/** A hand-made violation each: what was done to the quiet world, and the rule that must notice. */
const VIOLATIONS: [string, string, (evidence: Evidence) => void][] = [
  [
    "a step after fewer sends than it waits for",
    "policy",
    (evidence) => {
      evidence.tables.deliveries = evidence.tables.deliveries.filter(({ occurrenceAt }) => occurrenceAt !== SECOND);
      evidence.arrivals = evidence.arrivals.filter(({ messageId }) => !messageId.startsWith(`<1-${SECOND}-`));
    },
  ],
  ["a send that counts for a step though it was taken back", "policy", takeBack],
  [
    "a step that goes on though the next has begun",
    "policy",
    (evidence) => {
      policyOf(evidence).policy?.steps.splice(1, 1, { begins: { sends: 1 }, to: [BOSS], isOnce: true });
    },
  ],
  [
    "a step by number of sends that never comes",
    "policy",
    (evidence) => {
      evidence.tables.deliveries = evidence.tables.deliveries.filter(({ occurrenceAt }) => occurrenceAt !== THIRD);
      evidence.arrivals = evidence.arrivals.filter(({ to }) => to !== BOSS);
      const open = { status: "ACTIVE", completionReason: null, completedAt: null, nextRunAt: T + 4 * MINUTE };
      Object.assign(
        found(evidence.tables.reminders, ({ id }) => id === 1),
        { ...open, occurrenceCount: 2 },
      );
      evidence.tables.events.shift();
    },
  ],
  [
    "a message in its contact's quiet hours",
    "quiet",
    (evidence) => {
      found(evidence.arrivals, ({ messageId }) => messageId.startsWith("<2-")).leftAt = T + 10_000;
    },
  ],
  [
    "a message where the reminder's quiet hours follow upon its contact's",
    "quiet",
    (evidence) => {
      found(evidence.arrivals, ({ messageId }) => messageId.startsWith("<2-")).leftAt = T + 30_100;
    },
  ],
];

describe("a violation is noticed", () => {
  test.each(VIOLATIONS)("%s (%s)", (_name, rule, violate) => {
    const evidence = counted();
    violate(evidence);
    expect(check(evidence).violations.map((violation) => violation.rule)).toContain(rule);
  });
});

describe("what is allowed is not accused", () => {
  test("a step that goes on once more, as one that was sent was taken back", () => {
    const evidence = counted();
    takeBack(evidence);
    Object.assign(
      found(evidence.tables.deliveries, ({ occurrenceAt }) => occurrenceAt === THIRD),
      { step: 1, recipient: ANN },
    );
    found(evidence.arrivals, ({ to }) => to === BOSS).to = ANN;
    evidence.tables.deliveries.push(delivery(1, FOURTH, { step: 2, recipient: BOSS }));
    evidence.arrivals.push(arrival(1, FOURTH, { to: BOSS }));
    Object.assign(
      found(evidence.tables.reminders, ({ id }) => id === 1),
      { occurrenceCount: 4, completedAt: FOURTH + 40 },
    );
    expect(check(evidence).violations).toEqual([]);
  });

  test("a message as soon as the last of the quiet hours has ended", () => {
    const evidence = counted();
    found(evidence.arrivals, ({ messageId }) => messageId.startsWith("<2-")).leftAt = T + 90_000;
    expect(check(evidence).violations).toEqual([]);
  });
});
