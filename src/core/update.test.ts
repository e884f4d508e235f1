import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyInstant, anyReminder, HOUR, MINUTE, reminderRecord, T0 } from "../../test/support/reminders.ts";
import type { ReminderRecord } from "./reminder.ts";
import { NO_BOUNDS } from "./schedule/kinds.ts";
import { type ReminderEdit, update } from "./update.ts";

const anyEdit: fc.Arbitrary<ReminderEdit> = fc.record(
  {
    scheduleType: fc.constantFrom("one_time" as const, "recurring" as const),
    intervalMinutes: fc.option(fc.integer({ min: 1, max: 10_000 })),
    runAt: anyInstant,
    subject: fc.option(fc.constantFrom("a", "b")),
    data: fc.constantFrom({}, { a: 1, b: [2] }, { b: [2], a: 1 }),
    stopCondition: fc.option(fc.constant({ type: "db_check", value: "done", settings: null })),
  },
  { requiredKeys: [] },
);

function edited(reminder: ReminderRecord, edit: ReminderEdit, now = T0 - 10 * MINUTE): ReminderRecord {
  const result = update(reminder, edit, now);
  if (result.kind !== "changed") throw new Error(`it did not change: ${JSON.stringify(result)}`);
  return result.reminder;
}

describe("whatever the reminder and the edit", () => {
  test("the same edit again changes nothing", () => {
    fc.assert(
      fc.property(anyReminder, anyEdit, anyInstant, (reminder, edit, now) => {
        const once = update(reminder, edit, now);
        if (once.kind === "changed") expect(update(once.reminder, edit, now).kind).toBe("unchanged");
      }),
    );
  });

  test("data that it doesn't change stays the same object", () => {
    fc.assert(
      fc.property(anyReminder, anyEdit, anyInstant, (reminder, edit, now) => {
        const result = update(reminder, { ...edit, data: structuredClone(reminder.data) }, now);
        if (result.kind === "changed") expect(result.reminder.data).toBe(reminder.data);
      }),
    );
  });

  test("an ACTIVE reminder that was due stays due, and a recurring one has an interval and an anchor on its grid", () => {
    fc.assert(
      fc.property(anyReminder, anyEdit, anyInstant, (reminder, edit, now) => {
        const result = update(reminder, edit, now);
        if (result.kind !== "changed") return;
        const { nextRunAt, lastOccurrenceAt } = result.reminder;
        if (reminder.nextRunAt !== null) expect(nextRunAt).not.toBeNull();
        if (nextRunAt !== null && lastOccurrenceAt !== null) expect(nextRunAt).toBeGreaterThan(lastOccurrenceAt);
      }),
    );
  });

  test("what is COMPLETED or deleted can't be edited", () => {
    fc.assert(
      fc.property(anyReminder, anyEdit, anyInstant, (reminder, edit, now) => {
        fc.pre(reminder.status === "COMPLETED" || reminder.deletedAt !== null);
        expect(update(reminder, edit, now).kind).toBe("refused");
      }),
    );
  });
});

describe("a new interval", () => {
  const hourly = reminderRecord({ lastRunAt: T0 - HOUR, lastOccurrenceAt: T0 - HOUR, occurrenceCount: 1 });

  test("counts from when the reminder last fired", () => {
    expect(edited(hourly, { intervalMinutes: 90 })).toMatchObject({
      nextRunAt: T0 + 30 * MINUTE,
      schedule: { intervalMinutes: 90, anchorAt: T0 + 30 * MINUTE },
    });
  });

  test("counts from the creation of a reminder that never fired", () => {
    expect(edited(reminderRecord(), { intervalMinutes: 90 }).nextRunAt).toBe(T0 + 30 * MINUTE);
  });

  test("that has passed already since then: one interval from now, or sooner if it was due sooner", () => {
    const now = T0 - 10 * MINUTE;
    expect(edited(hourly, { intervalMinutes: 5 }, now).nextRunAt).toBe(now + 5 * MINUTE);
    expect(edited(hourly, { intervalMinutes: 30 }, now).nextRunAt).toBe(T0);
  });

  test("leaves a first run that was asked for where it is", () => {
    const asked = reminderRecord({ runAt: T0 + 72 * HOUR, nextRunAt: T0 + 72 * HOUR });
    expect(edited(asked, { intervalMinutes: 5 })).toMatchObject({
      nextRunAt: T0 + 72 * HOUR,
      schedule: { intervalMinutes: 5, anchorAt: T0 + 72 * HOUR },
    });
  });

  test("that is the old one changes nothing", () => {
    expect(update(hourly, { intervalMinutes: 60 }, T0 - MINUTE)).toEqual({ kind: "unchanged" });
  });
});

describe("a new run_at", () => {
  test("is when it is due, and what the intervals count from", () => {
    expect(edited(reminderRecord(), { runAt: T0 + 7 * MINUTE })).toMatchObject({
      runAt: T0 + 7 * MINUTE,
      nextRunAt: T0 + 7 * MINUTE,
      schedule: { anchorAt: T0 + 7 * MINUTE },
    });
  });

  test("arms a one-time reminder anew whose message is on its way", () => {
    const fired = reminderRecord({
      schedule: { type: "one_time" },
      nextRunAt: null,
      occurrenceCount: 1,
      lastOccurrenceAt: T0,
    });
    expect(edited(fired, { runAt: T0 + HOUR }).nextRunAt).toBe(T0 + HOUR);
  });

  test("that lies before the last occurrence means at once, as an occurrence of its own", () => {
    const fired = reminderRecord({ lastOccurrenceAt: T0, lastRunAt: T0, occurrenceCount: 1, nextRunAt: T0 + HOUR });
    expect(edited(fired, { runAt: T0 - HOUR }, T0 + MINUTE).nextRunAt).toBe(T0 + 1);
  });

  test("that was asked for before, but was moved away from meanwhile, counts again while it is ahead", () => {
    const moved = reminderRecord({ runAt: T0 + 5 * HOUR, nextRunAt: T0 + HOUR });
    expect(edited(moved, { runAt: T0 + 5 * HOUR }).nextRunAt).toBe(T0 + 5 * HOUR);
  });
});

describe("another kind of schedule", () => {
  const once = reminderRecord({ schedule: { type: "one_time" } });

  test("recurring: the next run stays, and the intervals count from it", () => {
    expect(edited(once, { scheduleType: "recurring", intervalMinutes: 30 })).toMatchObject({
      nextRunAt: T0,
      schedule: { type: "recurring", intervalMinutes: 30, anchorAt: T0 },
    });
  });

  test("one_time: the next run stays, and is the last", () => {
    expect(edited(reminderRecord(), { scheduleType: "one_time" })).toMatchObject({
      nextRunAt: T0,
      schedule: { type: "one_time" },
    });
  });

  test.each([
    [once, { scheduleType: "recurring" as const }],
    [reminderRecord(), { intervalMinutes: null }],
    [once, { intervalMinutes: 5 }],
  ])("that does not go with the interval is refused, naming the interval (%#)", (reminder, edit) => {
    expect(update(reminder, edit, T0)).toMatchObject({ kind: "invalid", field: "interval_minutes" });
  });
});

describe("one that is to start later isn't due before that", () => {
  const startAt = T0 + 240 * HOUR;
  const waiting = { bounds: { ...NO_BOUNDS, startAt }, nextRunAt: startAt };

  test.each<[string, Partial<ReminderRecord>, ReminderEdit, number]>([
    ["whose interval is changed", { ...waiting, createdAt: T0 }, { intervalMinutes: 30 }, startAt],
    [
      "that has fired before, and whose interval is changed",
      { ...waiting, lastOccurrenceAt: T0, lastRunAt: T0 },
      { intervalMinutes: 30 },
      startAt,
    ],
    ["that gets both, the interval and the start", {}, { intervalMinutes: 30, bounds: { startAt } }, startAt],
    ["whose start is over by then", { ...waiting, lastRunAt: T0 }, { intervalMinutes: 241 * 60 }, T0 + 241 * HOUR],
    [
      "that was due by another kind of schedule",
      { schedule: { type: "cron", cron: "0 12 * * *" }, nextRunAt: T0 + 2 * HOUR },
      { scheduleType: "recurring", intervalMinutes: 60, bounds: { startAt } },
      startAt,
    ],
    [
      "but when somebody has asked for it",
      { ...waiting, runAt: T0 + HOUR, nextRunAt: T0 + HOUR },
      { intervalMinutes: 30 },
      T0 + HOUR,
    ],
    [
      "nor when somebody has asked for it, and the start is set behind that, along with the interval",
      { runAt: T0 + HOUR, nextRunAt: T0 + HOUR },
      { intervalMinutes: 30, bounds: { startAt } },
      startAt,
    ],
    [
      "but when somebody has asked for it behind the start that is set along with the interval",
      { runAt: startAt + HOUR, nextRunAt: startAt + HOUR },
      { intervalMinutes: 30, bounds: { startAt } },
      startAt + HOUR,
    ],
  ])("%s", (_what, fields, edit, nextRunAt) => {
    expect(edited(reminderRecord(fields), edit, T0 + MINUTE).nextRunAt).toBe(nextRunAt);
  });
});

test("one that has fired as often as it was to, and whose message is on its way, goes on where it may more often", () => {
  const bounds = { ...NO_BOUNDS, maxOccurrences: 3 };
  const last = { bounds, occurrenceCount: 3, lastOccurrenceAt: T0, lastRunAt: T0, nextRunAt: null };
  for (const maxOccurrences of [4, null])
    expect(edited(reminderRecord(last), { bounds: { maxOccurrences } }, T0 + MINUTE).nextRunAt).toBe(T0 + HOUR);
  const cron = reminderRecord({ ...last, schedule: { type: "cron", cron: "0 12 * * *" } });
  expect(edited(cron, { bounds: { maxOccurrences: 4 } }, T0 + MINUTE).nextRunAt).toBe(Date.UTC(2026, 0, 15, 12));
});

test("the timeline is told what changed from what to what, and of large fields only that they changed", () => {
  const result = update(reminderRecord(), { subject: "Soon", message: "Hello", channel: "email" }, T0);
  expect(result).toMatchObject({
    change: {
      type: "updated",
      because: "somebody changed subject, message",
      details: { changed: { subject: { from: null, to: "Soon" }, message: {} } },
    },
  });
});
