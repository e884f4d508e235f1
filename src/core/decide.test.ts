import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { completionAfter, type DueReminder, decide } from "./decide.ts";
import type { Instant } from "./instant.ts";
import { type Bounds, NO_BOUNDS, type Schedule } from "./schedule/kinds.ts";
import { nextOccurrence, type Timetable } from "./schedule/schedule.ts";
import { readAnswer } from "./stop.ts";

const MINUTE = 60_000;
const NOT_MET = { stop: readAnswer("not_met", "") };

const OF = { entityType: "invoice", entityId: "1", eventType: "payment" };

function dueReminder(
  schedule: Schedule,
  nextRunAt: Instant,
  { bounds = NO_BOUNDS, ...fields }: Partial<DueReminder> & { bounds?: Bounds } = {},
): DueReminder {
  const timetable = { schedule, bounds, zone: "UTC", of: OF };
  const never = { lastOccurrenceAt: null, nextWallAt: null, occurrenceCount: 0, createdAt: 0, isOutdated: false };
  return { timetable, nextRunAt, ...never, ...fields };
}

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
    reminder: dueReminder(schedule, nextRunAt),
    now: nextRunAt + lateMs,
  }));

describe("decide", () => {
  test("stop wins: whatever the reminder and the instant, a met condition never sends", () => {
    fc.assert(
      fc.property(due, fc.string(), ({ reminder, now }, because) => {
        expect(decide(reminder, { stop: readAnswer("met", because) }, now)).toEqual({
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
        if (reminder.timetable.schedule.type === "one_time") expect(decision.nextRunAt).toBeNull();
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
        const decision = decide(dueReminder(schedule, nextRunAt), NOT_MET, now);
        expect(decision).toEqual({
          kind: "send",
          occurrenceAt: nextRunAt,
          nextRunAt: nextRunAt + (missed + 1) * intervalMinutes * MINUTE,
          nextWallAt: null,
          missed,
        });
      }),
    );
  });

  test("a reminder created with a due instant in the past has missed nothing: it is due at once", () => {
    const schedule: Schedule = { type: "recurring", intervalMinutes: 1, anchorAt: 0 };
    const reminder = dueReminder(schedule, 0, { createdAt: 1_000 * MINUTE });
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
            const decision = decide(dueReminder(schedule, nextRunAt), NOT_MET, nextRunAt + delay);
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
    const decision = decide(dueReminder(schedule, 70 * MINUTE), NOT_MET, 70 * MINUTE);
    expect(decision).toEqual({
      kind: "send",
      occurrenceAt: 70 * MINUTE,
      nextRunAt: 100 * MINUTE,
      nextWallAt: null,
      missed: 0,
    });
  });
});

test("a regular instant that passes while a reminder triggered by hand waits for a worker is told as missed", () => {
  const schedule: Schedule = { type: "recurring", intervalMinutes: 60, anchorAt: 100 * MINUTE };
  const decision = decide(dueReminder(schedule, 70 * MINUTE), NOT_MET, 105 * MINUTE);
  expect(decision).toEqual({
    kind: "send",
    occurrenceAt: 70 * MINUTE,
    nextRunAt: 160 * MINUTE,
    nextWallAt: null,
    missed: 1,
  });
});

describe("only an ended delivery completes the reminder it was the last of", () => {
  const once = { schedule: { type: "one_time" } as const, bounds: NO_BOUNDS, occurrenceCount: 1 };
  const daily = { schedule: { type: "cron", cron: "0 9 * * *" } as const, bounds: NO_BOUNDS, occurrenceCount: 3 };
  test.each([
    [once, { sent: "one_time_sent", failed: "delivery_failed", unknown: "delivery_unknown" }],
    [daily, { sent: "schedule_ended", failed: "schedule_ended", unknown: "schedule_ended" }],
    [
      { ...daily, bounds: { ...NO_BOUNDS, maxOccurrences: 3 } },
      { sent: "max_occurrences", failed: "max_occurrences", unknown: "max_occurrences" },
    ],
  ])("%#", (reminder, reasons) => {
    expect(completionAfter("sent", reminder)).toBe(reasons.sent);
    expect(completionAfter("failed", reminder)).toBe(reasons.failed);
    expect(completionAfter("unknown", reminder)).toBe(reasons.unknown);
    for (const open of ["pending", "sending", "retrying", "suppressed"] as const)
      expect(completionAfter(open, reminder)).toBeNull();
  });
});

describe("what was missed", () => {
  const hourly: Schedule = { type: "recurring", intervalMinutes: 60, anchorAt: 0 };
  const HOUR = 60 * MINUTE;
  const withPolicy = (misfirePolicy: Bounds["misfirePolicy"], schedule: Schedule = hourly) =>
    dueReminder(schedule, HOUR, { bounds: { ...NO_BOUNDS, misfirePolicy } });

  test("skip: a minute late is late, more is missed, and the rhythm goes on", () => {
    const reminder = withPolicy("skip");
    expect(decide(reminder, NOT_MET, HOUR + MINUTE)).toMatchObject({ kind: "send", nextRunAt: 2 * HOUR });
    expect(decide(reminder, NOT_MET, HOUR + MINUTE + 1)).toMatchObject({
      kind: "skip",
      nextRunAt: 2 * HOUR,
      missed: 1,
    });
    expect(decide(reminder, NOT_MET, 5.5 * HOUR)).toMatchObject({ kind: "skip", nextRunAt: 6 * HOUR, missed: 5 });
  });

  test("skip: what is only late is sent, whatever was missed before it", () => {
    const reminder = withPolicy("skip");
    const now = 4 * HOUR + 6_000;
    const skipped = decide(reminder, NOT_MET, now);
    expect(skipped).toMatchObject({ kind: "skip", nextRunAt: 4 * HOUR, missed: 3 });
    expect(decide({ ...reminder, nextRunAt: 4 * HOUR }, NOT_MET, now)).toMatchObject({
      kind: "send",
      occurrenceAt: 4 * HOUR,
      nextRunAt: 5 * HOUR,
    });
  });

  test("skip: a last occurrence that was missed ends the reminder, and says so", () => {
    const reminder = withPolicy("skip", { type: "one_time" });
    expect(decide(reminder, NOT_MET, 2 * HOUR)).toMatchObject({ kind: "complete", reason: "schedule_ended" });
  });

  test("all: the next missed one is due at once, one after another", () => {
    let reminder = withPolicy("all");
    const sent: Instant[] = [];
    for (let times = 0; times < 10; times += 1) {
      const decision = decide(reminder, NOT_MET, 5.5 * HOUR);
      if (decision.kind !== "send" || decision.nextRunAt === null) throw new Error("not a send");
      sent.push(decision.occurrenceAt);
      expect(decision.missed).toBe(0);
      reminder = { ...reminder, nextRunAt: decision.nextRunAt, lastOccurrenceAt: decision.occurrenceAt };
      if (decision.nextRunAt > 5.5 * HOUR) break;
    }
    expect(sent).toEqual([1, 2, 3, 4, 5].map((hour) => hour * HOUR));
    expect(reminder.nextRunAt).toBe(6 * HOUR);
  });

  test("all: of very many only the ten newest, and the others are told", () => {
    const last = { ...withPolicy("all"), occurrenceCount: 2 };
    const bounds = { ...last.timetable.bounds, maxOccurrences: 3 };
    const ended = decide({ ...last, timetable: { ...last.timetable, bounds } }, NOT_MET, 101.5 * HOUR);
    expect(ended).toMatchObject({ kind: "send", occurrenceAt: 101 * HOUR, nextRunAt: null, missed: 100 });
    const decision = decide(withPolicy("all"), NOT_MET, 101.5 * HOUR);
    expect(decision).toMatchObject({ kind: "send", occurrenceAt: 92 * HOUR, nextRunAt: 93 * HOUR, missed: 91 });
  });

  test.each([
    [1, 0],
    [3, 2],
    [null, 9],
  ])(
    "all: when a snooze ends with %j occurrences left, %i of what was missed are made up for, and told",
    (maxOccurrences, left) => {
      const bounds = { ...NO_BOUNDS, misfirePolicy: "all" as const, maxOccurrences };
      let reminder = dueReminder(hourly, 0.5 * HOUR, { bounds, silence: { until: 0.5 * HOUR, by: "snooze" } });
      const now = 101.5 * HOUR;
      const sent: Instant[] = [];
      let told: number | undefined;
      for (let next: Instant | null = reminder.nextRunAt; next !== null && next <= now; ) {
        const decision = decide({ ...reminder, nextRunAt: next }, NOT_MET, now);
        if (decision.kind !== "send") throw new Error("not a send");
        sent.push(decision.occurrenceAt);
        if (decision.missed > 0) told = decision.madeUp;
        reminder = { ...reminder, occurrenceCount: sent.length, lastOccurrenceAt: decision.occurrenceAt };
        next = decision.nextRunAt;
      }
      const newest = Array.from({ length: left }, (_, n) => (101 - left + 1 + n) * HOUR);
      expect(sent).toEqual([0.5 * HOUR, ...newest]);
      expect(told).toBe(left);
    },
  );

  test("all: where max_occurrences leaves fewer than ten, the newest of them are those", () => {
    const bounds = { ...NO_BOUNDS, misfirePolicy: "all" as const, maxOccurrences: 3 };
    let reminder = dueReminder(hourly, HOUR, { bounds });
    const sent: Instant[] = [];
    for (let next: Instant | null = HOUR; next !== null; ) {
      const decision = decide({ ...reminder, nextRunAt: next }, NOT_MET, 25.5 * HOUR);
      if (decision.kind !== "send") throw new Error("not a send");
      sent.push(decision.occurrenceAt);
      expect(decision.missed).toBe(sent.length === 1 ? 22 : 0);
      reminder = { ...reminder, occurrenceCount: sent.length, lastOccurrenceAt: decision.occurrenceAt };
      next = decision.nextRunAt;
    }
    expect(sent).toEqual([23 * HOUR, 24 * HOUR, 25 * HOUR]);
  });

  test.each([
    ["minutes without end", { type: "recurring", intervalMinutes: 1, anchorAt: 0 } as const, MINUTE],
    ["hours by a rule", { type: "cron", cron: "0 * * * *" } as const, HOUR],
    ["a burst a month ago", { type: "cron", cron: "0-9 3 1 * *" } as const, 31 * 24 * HOUR],
  ])("all: never more than ten, the newest, however many were missed: %s", (_, schedule, firstAt) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6_000 }), (elapsed) => {
        const now = firstAt + elapsed * HOUR + 30_000;
        const bounds = { ...NO_BOUNDS, misfirePolicy: "all" as const };
        const every = missedBy(dueReminder(schedule, firstAt, { bounds }).timetable, firstAt - 1, now);
        const sent: Instant[] = [];
        let reminder = dueReminder(schedule, every[0] ?? now, { bounds });
        let told = 0;
        while (every.length > 0 && reminder.nextRunAt <= now) {
          const decision = decide(reminder, NOT_MET, now);
          if (decision.kind !== "send" || decision.nextRunAt === null) throw new Error("not a send");
          sent.push(decision.occurrenceAt);
          told += decision.missed;
          reminder = { ...reminder, nextRunAt: decision.nextRunAt, lastOccurrenceAt: decision.occurrenceAt };
        }
        expect(sent).toEqual(every.slice(-10));
        // Of very many it isn't counted how many they were.
        if (every.length < 900 || schedule.type === "recurring") expect(told).toBe(every.length - sent.length);
      }),
      { numRuns: 60 },
    );
  });

  test.each([12, 15, 19, 22, 23.9])(
    "all: the ten newest are found behind a gap that follows thousands (Sunday, %s h)",
    (hour) => {
      const bounds = { ...NO_BOUNDS, misfirePolicy: "all" as const };
      const wednesday = Date.UTC(2026, 6, 8, 12);
      const sunday = Date.UTC(2026, 6, 12) + hour * HOUR;
      const reminder = dueReminder({ type: "cron", cron: "* * * * 1-5" }, wednesday, { bounds });
      expect(decide(reminder, NOT_MET, sunday)).toMatchObject({
        occurrenceAt: Date.UTC(2026, 6, 10, 23, 50),
        nextRunAt: Date.UTC(2026, 6, 10, 23, 51),
        missed: 1_001,
      });
    },
  );

  /** All of them, walked one by one. */
  function missedBy(timetable: Timetable, from: Instant, until: Instant): Instant[] {
    const missed: Instant[] = [];
    for (let next = nextOccurrence(timetable, from); next && next.at <= until; ) {
      missed.push(next.at);
      next = nextOccurrence(timetable, next.at, next.wallAt);
    }
    return missed;
  }
});

test("with max_occurrences the last one has no next, and the one before has", () => {
  const hourly: Schedule = { type: "recurring", intervalMinutes: 60, anchorAt: 0 };
  const bounds = { ...NO_BOUNDS, maxOccurrences: 3 };
  const next = (occurrenceCount: number) => decide(dueReminder(hourly, 0, { bounds, occurrenceCount }), NOT_MET, 0);
  expect(next(1)).toMatchObject({ kind: "send", nextRunAt: 60 * MINUTE });
  expect(next(2)).toMatchObject({ kind: "send", nextRunAt: null });
});

describe("the rules of a time zone change while a reminder waits", () => {
  const schedule: Schedule = { type: "cron", cron: "0 9 * * *" };
  const nine = Date.UTC(2026, 0, 15, 9);
  const worked = { nextWallAt: nine, isOutdated: true };

  test("what was due too soon by the old rules waits for its wall clock, and isn't sent", () => {
    const early = dueReminder(schedule, nine - 60 * MINUTE, worked);
    expect(decide(early, NOT_MET, nine - 60 * MINUTE)).toEqual({ kind: "postpone", nextRunAt: nine, nextWallAt: nine });
    expect(decide(early, NOT_MET, nine)).toMatchObject({ kind: "send" });
  });

  test("what has fired by the old rules doesn't fire again by the new ones", () => {
    const late = dueReminder(schedule, nine - 60 * MINUTE, { ...worked, isOutdated: false });
    expect(decide(late, NOT_MET, nine - 60 * MINUTE)).toMatchObject({
      kind: "send",
      nextWallAt: nine + 24 * 60 * MINUTE,
    });
  });
});
