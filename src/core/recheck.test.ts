import fc from "fast-check";
import { expect, test } from "vitest";
import { recheck, recheckTelling } from "./recheck.ts";
import { REMINDER_STATUSES } from "./reminder.ts";
import { readAnswer } from "./stop.ts";

const instant = fc.integer({ min: 0, max: 4e12 });
const reminder = fc.record({
  status: fc.constantFrom(...REMINDER_STATUSES),
  deletedAt: fc.option(instant),
  lastOccurrenceAt: fc.option(instant),
});

test("a delivery that waited leaves only for an ACTIVE reminder whose newest occurrence it is and whose condition is not met", () => {
  fc.assert(
    fc.property(instant, reminder, fc.boolean(), (occurrenceAt, now, met) => {
      const may = recheck(occurrenceAt, now, readAnswer(met ? "met" : "not_met", "because")) === null;
      const newest = now.lastOccurrenceAt === null || now.lastOccurrenceAt <= occurrenceAt;
      expect(may).toBe(!met && now.status === "ACTIVE" && now.deletedAt === null && newest);
    }),
  );
});

test("the stop condition is named before any other reason", () => {
  const gone = { status: "COMPLETED", deletedAt: 1, lastOccurrenceAt: 9 } as const;
  expect(recheck(5, gone, readAnswer("met", "paid"))).toEqual({ reason: "stop_condition", because: "paid" });
});

test("a retry of what was due before somebody put it off doesn't leave, and what is due when that ends does", () => {
  const now = { status: "ACTIVE", deletedAt: null, lastOccurrenceAt: 5, silence: { until: 8, by: "snooze" } } as const;
  const stop = readAnswer("not_met", "because");
  expect(recheck(5, now, stop)).toMatchObject({ reason: "silent" });
  expect(recheck(8, { ...now, lastOccurrenceAt: 8 }, stop)).toBeNull();
});

test("that it is done is told for as long as that is so: not once it was reopened or deleted", () => {
  expect(recheckTelling({ status: "COMPLETED", deletedAt: null })).toBeNull();
  for (const status of ["ACTIVE", "PAUSED"] as const)
    expect(recheckTelling({ status, deletedAt: null })).toMatchObject({ reason: "reopened" });
  expect(recheckTelling({ status: "COMPLETED", deletedAt: 1 })).toMatchObject({ reason: "deleted" });
});
