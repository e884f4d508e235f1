import { describe, expect, test } from "vitest";
import { check } from "./checker.ts";
import type { Evidence } from "./evidence.ts";
import { deliveryOf, rowOf } from "./worlds/quiet.ts";
import { again, texted } from "./worlds/texted.ts";

test("a world in which a worker was killed with SMS has nothing to complain of", () => {
  expect(check(texted()).violations).toEqual([]);
});

/** A hand-made violation each: what was done to that world, and the rule that must notice. */
const VIOLATIONS: [string, string, (evidence: Evidence) => void][] = [
  [
    "an SMS that left as its worker was killed, and was sent once more",
    "P6",
    (evidence) => {
      again(evidence, 2);
      Object.assign(deliveryOf(evidence, 2), { status: "sent" });
      rowOf(evidence, 2).completionReason = "one_time_sent";
      evidence.tables.events = evidence.tables.events.filter((one) => one.type !== "unknown" || one.reminderId !== 2);
    },
  ],
  ["an SMS that was never answered, and came again", "P6", (evidence) => again(evidence, 4)],
  [
    "an SMS of which nobody knows though it was answered, and nothing hit its worker",
    "P2",
    (evidence) => Object.assign(evidence.faults[0] ?? {}, { hits: "worker-2" }),
  ],
  [
    "an SMS of which nobody knows though nothing was hit when it was due",
    "P2",
    (evidence) => {
      evidence.faults = [];
      evidence.arrivals = evidence.arrivals.filter(({ messageId }) => !messageId.startsWith("<2-"));
    },
  ],
];

describe("a hand-made violation is noticed", () => {
  test.each(VIOLATIONS)("%s", (_what, rule, violate) => {
    const evidence = texted();
    violate(evidence);
    expect(check(evidence).violations.map((violation) => violation.rule)).toContain(rule);
  });
});
