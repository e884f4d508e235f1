import { describe, expect, test } from "vitest";
import { type Bounds, NO_BOUNDS, type Schedule } from "./kinds.ts";
import { nextOccurrence, type Timetable } from "./schedule.ts";
import { toInstant, toWallClock } from "./wall-clock.ts";

const OF = { entityType: "invoice", entityId: "42", eventType: "payment" };
const at = (iso: string): number => Date.parse(iso);

function timetable(schedule: Schedule, zone = "UTC", bounds: Partial<Bounds> = {}): Timetable {
  return { schedule, zone, bounds: { ...NO_BOUNDS, ...bounds }, of: OF };
}

/** The next occurrences, as ISO 8601. */
function upcoming(table: Timetable, after: string, count: number): string[] {
  const found: string[] = [];
  let last: { at: number; wallAt: number | null } = { at: at(after), wallAt: null };
  while (found.length < count) {
    const next = nextOccurrence(table, last.at, last.wallAt);
    if (next === null) break;
    found.push(new Date(next.at).toISOString().replace(".000Z", "Z"));
    last = next;
  }
  return found;
}

const cron = (text: string): Schedule => ({ type: "cron", cron: text });
const rrule = (...lines: string[]): Schedule => ({ type: "rrule", rrule: lines.join("\n") });

const HOUR = 3_600_000;
const SERIES = { type: "recurring", intervalMinutes: 60, anchorAt: Date.UTC(2026, 2, 2, 9) } as const;

describe("when the clocks change", () => {
  test("a reading that the clocks skip runs once, right after the gap", () => {
    // Berlin, 29 March 2026: 02:00 is 03:00.
    const halfPastTwo = timetable(cron("30 2 * * *"), "Europe/Berlin");
    expect(upcoming(halfPastTwo, "2026-03-28T12:00:00Z", 2)).toEqual(["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    const quarterly = timetable(cron("*/15 2 * * *"), "Europe/Berlin");
    expect(upcoming(quarterly, "2026-03-28T12:00:00Z", 2)).toEqual(["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"]);
  });

  test("one that comes twice runs once, the first time", () => {
    // Berlin, 25 October 2026: 03:00 is 02:00 again.
    const halfPastTwo = timetable(cron("30 2 * * *"), "Europe/Berlin");
    expect(upcoming(halfPastTwo, "2026-10-24T12:00:00Z", 2)).toEqual(["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    const inTheSecond = upcoming(timetable(cron("*/20 * * * *"), "Europe/Berlin"), "2026-10-25T01:05:00Z", 1);
    expect(inTheSecond).toEqual(["2026-10-25T02:00:00Z"]);
  });

  test("a whole day that a country skips", () => {
    // Samoa went over the date line: there was no 30 December 2011.
    const daily = timetable(cron("0 9 * * *"), "Pacific/Apia");
    expect(upcoming(daily, "2011-12-29T12:00:00Z", 3)).toEqual([
      "2011-12-29T19:00:00Z",
      "2011-12-30T10:00:00Z",
      "2011-12-30T19:00:00Z",
    ]);
  });

  test("clocks that change by half an hour", () => {
    const daily = timetable(cron("15 2 * * *"), "Australia/Lord_Howe");
    expect(upcoming(daily, "2026-10-03T00:00:00Z", 2)).toEqual(["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]);
  });

  test("intervals are elapsed time", () => {
    const daily = timetable({ type: "recurring", intervalMinutes: 1_440, anchorAt: at("2026-03-28T08:00:00Z") });
    expect(upcoming(daily, "2026-03-28T09:00:00Z", 2)).toEqual(["2026-03-29T08:00:00Z", "2026-03-30T08:00:00Z"]);
  });
});

describe("every kind", () => {
  test.each<[string, Timetable, string, string[]]>([
    [
      "cron: the second Tuesday",
      timetable(cron("0 9 * * TUE#2")),
      "2026-01-01T00:00:00Z",
      ["2026-01-13T09:00:00Z", "2026-02-10T09:00:00Z"],
    ],
    [
      "cron: the working day nearest to the 15th",
      timetable(cron("0 9 15W * *")),
      "2026-02-01T00:00:00Z",
      ["2026-02-16T09:00:00Z", "2026-03-16T09:00:00Z"],
    ],
    [
      "cron: the last working day",
      timetable(cron("0 17 LW * *")),
      "2026-01-01T00:00:00Z",
      ["2026-01-30T17:00:00Z", "2026-02-27T17:00:00Z"],
    ],
    [
      "cron: either day where both are given",
      timetable(cron("0 0 13 * FRI")),
      "2026-02-01T00:00:00Z",
      ["2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z"],
    ],
    [
      "cron: 29 February",
      timetable(cron("0 0 29 2 *")),
      "2096-03-01T00:00:00Z",
      ["2104-02-29T00:00:00Z", "2108-02-29T00:00:00Z"],
    ],
    [
      "rrule: the last Friday in Berlin",
      timetable(rrule("DTSTART;TZID=Europe/Berlin:20260101T090000", "RRULE:FREQ=MONTHLY;BYDAY=-1FR")),
      "2026-03-01T00:00:00Z",
      ["2026-03-27T08:00:00Z", "2026-04-24T07:00:00Z"],
    ],
    [
      "rrule: COUNT counts what EXDATE takes away, and RDATE adds",
      timetable(
        rrule(
          "DTSTART:20260101T090000Z",
          "RRULE:FREQ=DAILY;COUNT=3",
          "EXDATE:20260102T090000Z",
          "RDATE:20260110T090000Z",
        ),
      ),
      "2025-01-01T00:00:00Z",
      ["2026-01-01T09:00:00Z", "2026-01-03T09:00:00Z", "2026-01-10T09:00:00Z"],
    ],
    [
      "rrule: the last working day by BYSETPOS, until",
      timetable(
        rrule("DTSTART:20260101T090000Z", "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;UNTIL=20260301T000000Z"),
      ),
      "2025-01-01T00:00:00Z",
      ["2026-01-30T09:00:00Z", "2026-02-27T09:00:00Z"],
    ],
    [
      "rrule: an UNTIL in UTC where DTSTART has no zone is a reading of the reminder's clock",
      timetable(rrule("DTSTART:20260101T090000", "RRULE:FREQ=DAILY;UNTIL=20260102T090000Z"), "Europe/Berlin"),
      "2025-01-01T00:00:00Z",
      ["2026-01-01T08:00:00Z", "2026-01-02T08:00:00Z"],
    ],
    [
      "offsets: by the calendar of the zone, over the change of its clocks",
      timetable(
        { type: "offsets", offsets: ["P1D", "-P1M", "PT24H", "PT0S"], anchorAt: at("2026-03-28T09:00:00+01:00") },
        "Europe/Berlin",
      ),
      "2026-01-01T00:00:00Z",
      ["2026-02-28T08:00:00Z", "2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z", "2026-03-29T08:00:00Z"],
    ],
    [
      "backoff: ever longer, then capped",
      timetable({
        ...{ type: "backoff", intervalMinutes: 1_440, factor: 2, maxIntervalMinutes: 4 * 1_440 },
        anchorAt: at("2026-01-01T00:00:00Z"),
      }),
      "2026-01-01T00:00:00Z",
      [1, 3, 7, 11, 15].map((days) => `2026-01-${String(days + 1).padStart(2, "0")}T00:00:00Z`),
    ],
  ])("%s", (_, table, after, expected) => {
    expect(upcoming(table, after, expected.length)).toEqual(expected);
  });

  test("asked from anywhere, answers as it does step by step", () => {
    const backoff = timetable({
      ...{ type: "backoff", intervalMinutes: 7, factor: 1.1, maxIntervalMinutes: 10_000, anchorAt: 0 },
    });
    const steps = upcoming(backoff, "1970-01-01T00:00:00Z", 300).map(at);
    for (const [index, step] of steps.entries()) {
      expect(nextOccurrence(backoff, step - 1)?.at).toBe(step);
      if (index > 0) expect(nextOccurrence(backoff, steps[index - 1] as number)?.at).toBe(step);
    }
  });
});

describe("bounds", () => {
  const hourly = cron("0 * * * *");

  test("nothing before start_at, nothing after end_at; both may be occurrences", () => {
    const table = timetable(hourly, "UTC", { startAt: at("2026-01-01T10:00:00Z"), endAt: at("2026-01-01T12:00:00Z") });
    const expected = ["2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z", "2026-01-01T12:00:00Z"];
    expect(upcoming(table, "2026-01-01T00:00:00Z", 9)).toEqual(expected);
  });

  test("the instant that somebody asked for is due exactly then, and only once", () => {
    const table = timetable(SERIES, "UTC", { jitterSeconds: 600 });
    const runAt = SERIES.anchorAt;
    const asked = { ...table, of: { ...table.of, runAt } };
    expect(nextOccurrence(asked, runAt - 1)?.at).toBe(runAt);
    const second = nextOccurrence(asked, runAt)?.at ?? 0;
    expect(second).toBeGreaterThanOrEqual(runAt + HOUR);
    expect(second).toBeLessThan(runAt + HOUR + 600_000);
  });

  test("jitter leads nothing beyond the end", () => {
    const table = timetable(SERIES, "UTC", { jitterSeconds: 3_000 });
    const { anchorAt } = SERIES;
    const endAt = anchorAt + 2 * HOUR;
    const ending = { ...table, bounds: { ...table.bounds, endAt } };
    const found: number[] = [];
    for (let last = anchorAt - 1; ; last = found.at(-1) as number) {
      const next = nextOccurrence(ending, last);
      if (next === null) break;
      found.push(next.at);
    }
    expect(found).toHaveLength(3);
    expect(Math.max(...found)).toBe(endAt);
  });

  test("jitter is the same wherever it is asked, within its window, and loses no occurrence", () => {
    const table = timetable(hourly, "UTC", { jitterSeconds: 3_600 });
    const found = upcoming(table, "2026-01-01T00:00:00Z", 200).map(at);
    const hours = found.map((instant) => Math.floor(instant / 3_600_000));
    expect(hours).toEqual(hours.map((_, index) => (hours[0] as number) + index));
    expect(new Set(found.map((instant) => instant % 3_600_000)).size).toBeGreaterThan(190);
    for (const instant of found) expect(nextOccurrence(table, instant - 1)?.at).toBe(instant);
  });
});

describe("at the end of the year 9999, the last that can be kept,", () => {
  const lastSecond = rrule("DTSTART:99991231T235959Z", "RRULE:FREQ=DAILY");

  test("jitter leads no further", () => {
    const jittered = timetable(lastSecond, "UTC", { jitterSeconds: 86_400 });
    expect(upcoming(jittered, "2026-01-01T00:00:00Z", 2)).toEqual(["9999-12-31T23:59:59.999Z"]);
  });

  test("an evening behind UTC, which is in the next year there, is none", () => {
    const evening = timetable(cron("59 23 31 12 *"), "America/New_York");
    expect(upcoming(evening, "9999-02-01T00:00:00Z", 2)).toEqual([]);
  });
});

test("an occurrence whose instant a change of the zone's rules moves is neither repeated nor lost", () => {
  const nine = timetable(cron("0 9 * * *"), "Europe/Berlin");
  const wall = Date.UTC(2026, 0, 15, 9);
  const wasDueAt = toInstant(wall, "Europe/Berlin") - 3_600_000; // by rules that were an hour off
  expect(nextOccurrence(nine, wasDueAt)?.wallAt).toBe(wall);
  expect(nextOccurrence(nine, wasDueAt, wall)?.wallAt).toBe(wall + 86_400_000);
  expect(toWallClock(nextOccurrence(nine, wasDueAt, wall - 1)?.at as number, "Europe/Berlin")).toBe(wall);
});
