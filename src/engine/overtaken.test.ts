import { expect, test } from "vitest";
import type { Held } from "./held.ts";
import { overtaken } from "./overtaken.ts";

const DUE = Date.parse("2026-01-01T09:00:00Z");

/** A delivery of a reminder that is as it is usually, but for this. */
function heldOf(reminder: Record<string, unknown>, more: Record<string, unknown> = {}): Held {
  return {
    occurrenceAt: DUE,
    digestAt: null,
    addressed: null,
    known: {
      now: DUE + 1_000,
      lastOccurrenceAt: DUE,
      reminder: { status: "ACTIVE", deletedAt: null, silence: null, bounds: {}, ...reminder },
      ...more,
    },
  } as unknown as Held;
}

test.each([
  ["completed", heldOf({ status: "COMPLETED" })],
  ["paused", heldOf({ status: "PAUSED" })],
  ["deleted", heldOf({ deletedAt: DUE })],
  ["silent", heldOf({ silence: { until: DUE + 1, by: "snooze" } })],
  ["superseded", heldOf({}, { lastOccurrenceAt: DUE + 1 })],
  ["deleted", { ...heldOf({}), known: null }],
])("what is %s isn't sent, and that says so", (reason, held) => {
  expect(overtaken(held)).toMatchObject({ status: "suppressed", suppression: reason, untried: true });
});

test("what is the newest of its reminder may be sent, and so may each of all", () => {
  expect(overtaken(heldOf({}))).toBeNull();
  expect(overtaken(heldOf({ bounds: { misfirePolicy: "all" } }, { lastOccurrenceAt: DUE + 1 }))).toBeNull();
});

test("what only tells that its reminder is done isn't overtaken by that", () => {
  expect(overtaken({ ...heldOf({ status: "COMPLETED" }), addressed: { tells: true } as Held["addressed"] })).toBeNull();
});
