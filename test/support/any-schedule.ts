import fc from "fast-check";
import type { ReminderRecord } from "../../src/core/reminder.ts";
import { type Bounds, MISFIRE_POLICIES, NO_BOUNDS, type Schedule } from "../../src/core/schedule/kinds.ts";
import { nextOccurrence, timetableOf } from "../../src/core/schedule/schedule.ts";
import { HOUR, MINUTE, reminderRecord } from "./reminders.ts";

const DAY = 24 * HOUR;

export const anyZone = fc.constantFrom(
  null,
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
);

/** Schedules of every kind, that begin around `t0`. */
export function anySchedule(t0: number): fc.Arbitrary<Schedule> {
  const near = fc.integer({ min: -40 * 24, max: 40 * 24 }).map((hours) => t0 + hours * HOUR);
  const day = new Date(t0 - 30 * DAY).toISOString().slice(0, 10).replaceAll("-", "");
  return fc.oneof(
    fc.constant<Schedule>({ type: "one_time" }),
    fc.record({
      type: fc.constant("recurring" as const),
      intervalMinutes: fc.constantFrom(1, 7, 60, 1_440, 10_080),
      anchorAt: near,
    }),
    fc.record({
      type: fc.constant("backoff" as const),
      intervalMinutes: fc.constantFrom(1, 60, 1_440),
      factor: fc.constantFrom(1.5, 2, 3),
      maxIntervalMinutes: fc.constantFrom(60, 10_080),
      anchorAt: near,
    }),
    fc.record({
      type: fc.constant("cron" as const),
      cron: fc.constantFrom(
        "30 2 * * *",
        "0 9 * * MON-FRI",
        "*/15 1-3 * * *",
        "0 0 L * *",
        "15 10 29 2 *",
        "0 12 1W * *",
      ),
    }),
    fc
      .tuple(
        fc.constantFrom("FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SU;BYHOUR=2;BYMINUTE=30", "FREQ=HOURLY;INTERVAL=5"),
        fc.constantFrom(
          "",
          ";COUNT=3",
          ";COUNT=60",
          `;UNTIL=${new Date(t0 + 9 * DAY).toISOString().slice(0, 10).replaceAll("-", "")}T120000Z`,
        ),
        fc.constantFrom("", ";TZID=Europe/Berlin"),
      )
      .map(
        ([rule, end, zone]): Schedule => ({
          type: "rrule",
          rrule: `DTSTART${zone}:${day}T013000\nRRULE:${rule}${end}`,
        }),
      ),
    fc.record({
      type: fc.constant("offsets" as const),
      offsets: fc.subarray(["-P7D", "-P1D", "PT0S", "PT36H", "P3D", "P1M"], { minLength: 1 }),
      anchorAt: near,
    }),
  );
}

export function anyBounds(t0: number): fc.Arbitrary<Bounds> {
  const soon = fc.integer({ min: -10 * 24, max: 60 * 24 }).map((hours) => t0 + hours * HOUR);
  return fc.record({
    startAt: fc.option(soon, { freq: 4 }),
    endAt: fc.option(soon, { freq: 2 }),
    maxOccurrences: fc.option(fc.integer({ min: 1, max: 8 }), { freq: 2 }),
    jitterSeconds: fc.constantFrom(0, 0, 30, 59),
    misfirePolicy: fc.constantFrom(...MISFIRE_POLICIES),
  });
}

/** A reminder of any kind that is ACTIVE at `t0`: new or with some history, due later or overdue. */
export function anyActive(t0: number): fc.Arbitrary<ReminderRecord> {
  return fc
    .record({
      schedule: anySchedule(t0),
      bounds: anyBounds(t0),
      timeZone: anyZone,
      entityId: fc.nat(1_000).map(String),
      createdBefore: fc.integer({ min: 0, max: 20 * 24 * 60 }),
      overdue: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5 * 24 * 60 })),
      fired: fc.constantFrom(0, 0, 1, 3),
    })
    .map(({ schedule, bounds, createdBefore, overdue, fired, ...fields }) => {
      const createdAt = t0 - createdBefore * MINUTE;
      const draft = reminderRecord({
        ...fields,
        schedule,
        bounds: schedule.type === "one_time" ? NO_BOUNDS : bounds,
        createdAt,
        occurrenceCount: schedule.type === "one_time" ? 0 : Math.min(fired, (bounds.maxOccurrences ?? 9) - 1),
      });
      const after = Math.max(createdAt, t0 - overdue * MINUTE);
      const next = nextOccurrence(timetableOf(draft, null), after);
      const isOnce = schedule.type === "one_time";
      const lastAt = draft.occurrenceCount > 0 ? after - HOUR : null;
      return {
        ...draft,
        lastRunAt: lastAt,
        lastOccurrenceAt: lastAt,
        nextRunAt: isOnce ? after : (next?.at ?? null),
        nextWallAt: isOnce ? null : (next?.wallAt ?? null),
      };
    })
    .filter(({ nextRunAt }) => nextRunAt !== null);
}
