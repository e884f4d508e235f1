import { describe, expect, test } from "vitest";
import { check } from "./checker.ts";
import type { Arrival, DeliveryRow, Evidence } from "./evidence.ts";
import { goneOver, messageOver, overs } from "./worlds/overs.ts";
import { arrival, completed, event, found, rowOf, T } from "./worlds/quiet.ts";

const firstOf = ({ tables }: Evidence, id: number): DeliveryRow =>
  found(tables.deliveries, ({ reminderId, recipientNo }) => reminderId === id && recipientNo === 0);
const overOf = ({ tables }: Evidence, id: number): DeliveryRow =>
  found(tables.deliveries, ({ reminderId, recipientNo }) => reminderId === id && recipientNo === 1_000);
const hooksOf = ({ arrivals }: Evidence, id: number): Arrival[] =>
  arrivals.filter(({ messageId }) => messageId.startsWith(`<${id}-${T}-0@`));

/** Goes over at this instant, and arrives. */
function goOver(evidence: Evidence, id: number, at: number): void {
  evidence.tables.deliveries.push(goneOver(id, at));
  evidence.tables.events.push(event(id, at, "fell_back"));
  evidence.arrivals.push(arrival(id, T, { messageId: messageOver(id), leftAt: at + 20 }));
}

/** What went over never did. */
function forgetOver(evidence: Evidence, id: number): void {
  evidence.tables.deliveries = evidence.tables.deliveries.filter((one) => one !== overOf(evidence, id));
  evidence.arrivals = evidence.arrivals.filter(({ messageId }) => messageId !== messageOver(id));
  evidence.tables.events = evidence.tables.events.filter(
    ({ type, reminderId }) => type !== "fell_back" || reminderId !== id,
  );
  rowOf(evidence, id).completionReason = "delivery_failed";
}

test("a quiet world in which messages go over another channel has nothing to complain of", () => {
  expect(check(overs())).toMatchObject({ violations: [], wentOver: 2 });
});

/** A hand-made violation each: what was done to the quiet world, and the rule that must notice. */
const VIOLATIONS: [string, string, (evidence: Evidence) => void][] = [
  ["what was refused for good and didn't go over", "fallback", (evidence) => forgetOver(evidence, 1)],
  ["what had failed for long enough and didn't go over", "fallback", (evidence) => forgetOver(evidence, 2)],
  [
    "what is still tried though it had failed for long enough",
    "P2",
    (evidence) => Object.assign(firstOf(evidence, 5), { nextAttemptAt: T + 9 * 60_000 }),
  ],
  [
    "what went over twice",
    "fallback",
    (evidence) => {
      evidence.tables.deliveries.push({ ...overOf(evidence, 1), recipientNo: 2_000 });
      evidence.tables.events.push(event(1, T, "fell_back"));
      evidence.arrivals.push(arrival(1, T, { messageId: `<1-${T}-2000@example.org>`, leftAt: T + 60 }));
    },
  ],
  [
    "a message that went over and came twice without a fault",
    "P6",
    (evidence) => {
      overOf(evidence, 1).attempts = 2;
      evidence.arrivals.push(arrival(1, T, { messageId: messageOver(1), leftAt: T + 9_000 }));
    },
  ],
  ["what went over though it had arrived", "fallback", (evidence) => goOver(evidence, 3, T + 30)],
  ["what went over though an attempt may have arrived", "fallback", (evidence) => goOver(evidence, 4, T + 5_030)],
  [
    "what went over though its receiver had kept it and denied it",
    "fallback",
    (evidence) => {
      Object.assign(hooksOf(evidence, 4)[0] as Arrival, { answer: "lied" });
      goOver(evidence, 4, T + 5_030);
    },
  ],
  [
    "what went over after its failure was stored, and not with it",
    "fallback",
    (evidence) => Object.assign(overOf(evidence, 1), { createdAt: T + 900 }),
  ],
  [
    "what went over before its channel had failed for long enough",
    "fallback",
    (evidence) => {
      for (const one of [firstOf(evidence, 2), overOf(evidence, 2)])
        Object.assign(one, { finishedAt: T + 5_030, createdAt: T + 5_030 });
      Object.assign(firstOf(evidence, 2), { createdAt: T + 4 });
    },
  ],
  [
    "what went over to somebody else",
    "fallback",
    (evidence) => Object.assign(overOf(evidence, 1), { recipient: "eve@example.org" }),
  ],
  [
    "what went over without a word",
    "fallback",
    (evidence) => {
      evidence.tables.events = evidence.tables.events.filter(({ type }) => type !== "fell_back");
    },
  ],
  [
    "what went over though there is nothing to go over",
    "fallback",
    (evidence) => {
      for (const one of evidence.inputs.reminders) one.over = null;
    },
  ],
  [
    "a reminder that ended by the channel that failed, though another one delivered it",
    "P2",
    (evidence) => Object.assign(rowOf(evidence, 1), completed("delivery_failed", T + 80)),
  ],
];

describe("a violation is noticed", () => {
  test.each(VIOLATIONS)("%s (%s)", (_name, rule, violate) => {
    const evidence = overs();
    violate(evidence);
    expect(check(evidence).violations.map((violation) => violation.rule)).toContain(rule);
  });
});

/** Nothing to complain of. */
const ALLOWED: [string, (evidence: Evidence) => void][] = [
  [
    "what was taken by a receiver whose worker was killed before it knew, refused the next time, goes over",
    (evidence) => {
      Object.assign(hooksOf(evidence, 4)[0] as Arrival, { answer: "accepted" });
      evidence.faults.push({ kind: "worker killed", hits: "worker-1", from: T + 12, until: T + 900 });
      goOver(evidence, 4, T + 5_030);
      Object.assign(rowOf(evidence, 4), completed("one_time_sent", T + 5_080));
    },
  ],
  [
    "what may have arrived fails where it is, and goes nowhere else",
    (evidence) => {
      Object.assign(hooksOf(evidence, 4)[0] as Arrival, { answer: "lied" });
    },
  ],
  [
    "what may have arrived waits for its next try as long as its channel has it",
    (evidence) => {
      evidence.arrivals = evidence.arrivals.filter((one) => one !== hooksOf(evidence, 4)[1]);
      const waits = { status: "retrying", attempts: 1, finishedAt: null, nextAttemptAt: T + 6 * 60_000 };
      Object.assign(firstOf(evidence, 4), waits);
      Object.assign(rowOf(evidence, 4), { status: "ACTIVE", completionReason: null, completedAt: null });
      evidence.tables.events = evidence.tables.events.filter(({ reminderId }) => reminderId !== 4);
    },
  ],
  [
    "what went over is suppressed there, as it was done meanwhile",
    (evidence) => {
      evidence.inputs.reminders[0] = { ...found(evidence.inputs.reminders, ({ id }) => id === 1), flag: "done" };
      evidence.inputs.flags.push({ key: "done", set: { from: T + 20, until: T + 25 } });
      evidence.arrivals = evidence.arrivals.filter(({ messageId }) => messageId !== messageOver(1));
      Object.assign(overOf(evidence, 1), { status: "suppressed", attempts: 0 });
      evidence.tables.events.push(event(1, T + 60, "suppressed"));
      Object.assign(rowOf(evidence, 1), completed("stop_condition", T + 50));
    },
  ],
];

describe("what is allowed is not accused", () => {
  test.each(ALLOWED)("%s", (_name, change) => {
    const evidence = overs();
    change(evidence);
    expect(check(evidence).violations).toEqual([]);
  });
});
