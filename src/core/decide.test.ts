import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { completionAfter, decide } from "./decide.ts";
import type { Instant, Schedule } from "./reminder.ts";

const MINUTE = 60_000;
const NOT_MET = { stop: { met: false, because: "" } };

const instant = fc.integer({ min: 0, max: 4_000_000_000_000 });
const recurring = fc.record({
  type: fc.constant("recurring" as const),
  intervalMinutes: fc.integer({ min: 1, max: 5_270_400 }),
  anchorAt: instant,
});
const schedule: fc.Arbitrary<Schedule> = fc.oneof(recurring, fc.constant<Schedule>({ type: "one_time" }));
/** A reminder that is due, and the instant at which it is looked at. */
const due = fc
  .record({ schedule, nextRunAt: instant, lateMs: fc.integer({ min: 0, max: 10_000_000_000 }) })
  .map(({ schedule, nextRunAt, lateMs }) => ({
    reminder: { schedule, nextRunAt, lastOccurrenceAt: null, createdAt: 0 },
    now: nextRunAt + lateMs,
  }));

describe("decide", () => {
  test("stop wins: whatever the reminder and the instant, a met condition never sends", () => {
    fc.assert(
      fc.property(due, fc.string(), ({ reminder, now }, because) => {
        expect(decide(reminder, { stop: { met: true, because } }, now)).toEqual({
          kind: "complete",
          reason: "stop_condition",
          because,
        });
      }),
    );
  });

  test("the send is for the due instant, and the next one lies ahead", () => {
    fc.assert(
      fc.property(due, ({ reminder, now }) => {
        const decision = decide(reminder, NOT_MET, now);
        if (decision.kind !== "send") throw new Error("not a send");
        expect(decision.occurrenceAt).toBe(reminder.nextRunAt);
        if (reminder.schedule.type === "one_time") expect(decision.nextRunAt).toBeNull();
        else expect(decision.nextRunAt).toBeGreaterThan(now);
      }),
    );
  });

  test("one catch-up stands for all that was missed: none is lost and none is counted twice", () => {
    const late = fc.record({
      intervalMinutes: fc.integer({ min: 1, max: 10_000 }),
      nextRunAt: instant,
      missed: fc.nat(5000),
    });
    fc.assert(
      fc.property(late, fc.integer({ min: 0, max: MINUTE - 1 }), ({ intervalMinutes, nextRunAt, missed }, rest) => {
        const schedule: Schedule = { type: "recurring", intervalMinutes, anchorAt: nextRunAt };
        const now = nextRunAt + missed * intervalMinutes * MINUTE + rest;
        const decision = decide({ schedule, nextRunAt, lastOccurrenceAt: null, createdAt: 0 }, NOT_MET, now);
        expect(decision).toEqual({
          kind: "send",
          occurrenceAt: nextRunAt,
          nextRunAt: nextRunAt + (missed + 1) * intervalMinutes * MINUTE,
          missed,
        });
      }),
    );
  });

  test("a reminder created with a due instant in the past has missed nothing: it is due at once", () => {
    const schedule: Schedule = { type: "recurring", intervalMinutes: 1, anchorAt: 0 };
    const reminder = { schedule, nextRunAt: 0, lastOccurrenceAt: null, createdAt: 1_000 * MINUTE };
    expect(decide(reminder, NOT_MET, 1_000 * MINUTE + 5)).toMatchObject({ occurrenceAt: 0, missed: 0 });
    expect(decide(reminder, NOT_MET, 1_003 * MINUTE)).toMatchObject({ occurrenceAt: 0, missed: 3 });
  });

  test("a year of firing late never drifts from the anchor", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1440 }),
        instant,
        fc.array(fc.integer({ min: 0, max: 30 * MINUTE }), { minLength: 1, maxLength: 200 }),
        (intervalMinutes, anchorAt, delays) => {
          const schedule: Schedule = { type: "recurring", intervalMinutes, anchorAt };
          let nextRunAt: Instant = anchorAt;
          for (const delay of delays) {
            const decision = decide(
              { schedule, nextRunAt, lastOccurrenceAt: null, createdAt: 0 },
              NOT_MET,
              nextRunAt + delay,
            );
            if (decision.kind !== "send" || decision.nextRunAt === null) throw new Error("not a send");
            expect((decision.nextRunAt - anchorAt) % (intervalMinutes * MINUTE)).toBe(0);
            nextRunAt = decision.nextRunAt;
          }
        },
      ),
    );
  });

  test("an occurrence is never named twice, wherever the due instant was moved by hand", () => {
    fc.assert(
      fc.property(due, instant, ({ reminder, now }, lastOccurrenceAt) => {
        const decision = decide({ ...reminder, lastOccurrenceAt }, NOT_MET, Math.max(now, lastOccurrenceAt));
        if (decision.kind !== "send") throw new Error("not a send");
        expect(decision.occurrenceAt).toBeGreaterThan(lastOccurrenceAt);
      }),
    );
  });

  test("a reminder brought forward by hand fires now and keeps its rhythm", () => {
    const schedule: Schedule = { type: "recurring", intervalMinutes: 60, anchorAt: 100 * MINUTE };
    const decision = decide(
      { schedule, nextRunAt: 70 * MINUTE, lastOccurrenceAt: null, createdAt: 0 },
      NOT_MET,
      70 * MINUTE,
    );
    expect(decision).toEqual({ kind: "send", occurrenceAt: 70 * MINUTE, nextRunAt: 100 * MINUTE, missed: 0 });
  });
});

test("a regular instant that passes while a reminder triggered by hand waits for a worker is told as missed", () => {
  const schedule: Schedule = { type: "recurring", intervalMinutes: 60, anchorAt: 100 * MINUTE };
  const decision = decide(
    { schedule, nextRunAt: 70 * MINUTE, lastOccurrenceAt: null, createdAt: 0 },
    NOT_MET,
    105 * MINUTE,
  );
  expect(decision).toEqual({ kind: "send", occurrenceAt: 70 * MINUTE, nextRunAt: 160 * MINUTE, missed: 1 });
});

test("only an ended delivery completes the reminder it was the last of", () => {
  expect(completionAfter("sent")).toBe("one_time_sent");
  expect(completionAfter("failed")).toBe("delivery_failed");
  expect(completionAfter("unknown")).toBe("delivery_unknown");
  for (const open of ["pending", "sending", "retrying", "suppressed"] as const)
    expect(completionAfter(open)).toBeNull();
});
