import { describe, expect, test } from "vitest";
import { check } from "./checker.ts";
import type { Change, DeliveryRow, Evidence } from "./evidence.ts";
import { BEN, BOSS, DONE_AT, EVE, peopled } from "./worlds/peopled.ts";
import { ANN, arrival, delivery, event, found, MINUTE, READ_AT, row, rowOf, span, T } from "./worlds/quiet.ts";

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

/** The last step came a second late, because the one before it had left only then. */
function waitFor(evidence: Evidence, leftAt: number, storedAt: number | null = null): Evidence {
  Object.assign(
    found(evidence.tables.deliveries, ({ reminderId, step }) => reminderId === 2 && step === 2),
    { finishedAt: leftAt, storedAt },
  );
  const late = (one: { occurrenceAt: number }) => one.occurrenceAt === T + 7_000;
  for (const one of evidence.tables.deliveries.filter((one) => one.reminderId === 2 && late(one)))
    Object.assign(one, { occurrenceAt: T + 8_000, createdAt: one.createdAt + 1_000, finishedAt: T + 8_300 });
  for (const one of evidence.arrivals.filter(({ messageId }) => messageId.startsWith(`<2-${T + 7_000}-`)))
    Object.assign(one, {
      messageId: one.messageId.replace(`${T + 7_000}`, `${T + 8_000}`),
      ...{ leftAt: one.leftAt + 1_000, wholeAt: one.wholeAt + 1_000, answeredAt: (one.answeredAt ?? 0) + 1_000 },
    });
  for (const one of evidence.tables.events.filter(({ reminderId, at }) => reminderId === 2 && at >= T + 7_000))
    one.at += 1_000;
  Object.assign(rowOf(evidence, 2), { completedAt: T + 8_300 });
  return evidence;
}

test("a step whose turn is looked at while the message before it is just being stored comes a second later", () => {
  expect(check(waitFor(peopled(), T + 6_995)).violations).toEqual([]);
  expect(check(waitFor(peopled(), T + 6_900)).violations).toMatchObject([{ rule: "policy" }]);
});

test("a step whose turn is looked at while a lock keeps the message before it from being stored comes a second later", () => {
  expect(check(waitFor(peopled(), T + 6_900, T + 7_400)).violations).toEqual([]);
  expect(check(waitFor(peopled(), T + 6_900, T + 6_910)).violations).toMatchObject([{ rule: "policy" }]);
});

/** A step that came after the next had begun, which is therefore to come round with the schedule; its message left then. */
function behind(leftAt: number): Evidence {
  const evidence = peopled();
  const { inputs, tables } = evidence;
  inputs.reminders = inputs.reminders.filter(({ id }) => id === 2);
  const sent = (occurrenceAt: number, finishedAt: number, more: Partial<DeliveryRow>) =>
    delivery(2, occurrenceAt, { finishedAt, ...more });
  tables.reminders = [row(2, { occurrenceCount: 2, nextRunAt: T + MINUTE + 1_500 })];
  tables.deliveries = [sent(T, T + 7_990, { step: 1 }), sent(T + 8_000, leftAt, { step: 2, recipient: BOSS })];
  tables.events = [];
  evidence.arrivals = [arrival(2, T, { leftAt: T + 7_970 }), arrival(2, T + 8_000, { leftAt: leftAt - 20, to: BOSS })];
  evidence.readAt = T + MINUTE + 1_000;
  return evidence;
}

test("a step that comes round while the message before it is still being sent comes a second later", () => {
  expect(check(behind(T + MINUTE + 900)).violations).toEqual([]);
  expect(check(behind(T + MINUTE - 1_100)).violations).toMatchObject([{ rule: "policy" }]);
});

test("a quiet world with people, steps, promises and quiet hours has nothing to complain of either", () => {
  expect(check(peopled()).violations).toEqual([]);
});

/** A hand-made violation each: what was done to the quiet world, and the rule that must notice. */
const VIOLATIONS: [string, string, (evidence: Evidence) => void][] = [
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
    const evidence = peopled();
    violate(evidence);
    expect(check(evidence).violations.map((violation) => violation.rule)).toContain(rule);
  });
});

test("what waits for the end of its quiet hours, and a step that waited for the message before it", () => {
  const evidence = peopled();
  found(evidence.inputs.reminders, ({ id }) => id === 4).quiet = [{ from: T - 10_000, until: READ_AT + 1 }];
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
