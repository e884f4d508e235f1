import { describe, expect, test } from "vitest";
import type { BusinessTime } from "./business.ts";
import { type BusinessCalendar, type CalendarRules, type OwnDate, toCalendar } from "./business-calendar.ts";
import { addWorkingDays, addWorkingMs, isWorkingTime } from "./business-time.ts";
import { spansOf, sumOf } from "./business-years.ts";
import { dayOf } from "./calendar.ts";
import { WEEKDAYS } from "./clock-time.ts";
import { type Bounds, NO_BOUNDS, type Schedule } from "./kinds.ts";
import { askedOccurrence, nextOccurrence, type Timetable } from "./schedule.ts";

const HOUR = 3_600_000;
const NINE_TO_FIVE = [{ from: "09:00", to: "17:00" }];
const OFFICE = {
  monday: NINE_TO_FIVE,
  tuesday: NINE_TO_FIVE,
  wednesday: NINE_TO_FIVE,
  thursday: NINE_TO_FIVE,
  friday: [{ from: "09:00", to: "13:00" }],
};

function calendar(rules: Partial<CalendarRules> = {}): BusinessCalendar {
  return toCalendar({ timeZone: "Europe/Berlin", hours: OFFICE, dates: [], holidays: [], ...rules });
}

function timetable(schedule: Schedule, business: Partial<BusinessTime>, bounds: Partial<Bounds> = {}): Timetable {
  return {
    schedule,
    bounds: { ...NO_BOUNDS, ...bounds },
    zone: "Europe/Berlin",
    of: { entityType: "invoice", entityId: "42", eventType: "payment" },
    business: { name: "office", calendar: calendar(), countsIn: "all_time", outside: "next", ...business },
  };
}

const at = (iso: string): number => Date.parse(iso);
const iso = (instant: number | null | undefined): string | null =>
  instant == null ? null : new Date(instant).toISOString().replace(".000Z", "Z");

function upcoming(table: Timetable, after: string, count: number): (string | null)[] {
  const found: (string | null)[] = [];
  let last: { at: number; wallAt: number | null } = { at: at(after), wallAt: null };
  while (found.length < count) {
    const next = nextOccurrence(table, last.at, last.wallAt);
    if (next === null) break;
    found.push(iso(next.at));
    last = next;
  }
  return found;
}

describe("working hours", () => {
  test.each([
    ["within a day", "2026-03-02T09:00:00+01:00", 4, "2026-03-02T12:00:00Z"],
    ["over the evening", "2026-03-02T16:00:00+01:00", 4, "2026-03-03T11:00:00Z"],
    ["over the weekend, after a short Friday", "2026-03-06T12:00:00+01:00", 4, "2026-03-09T11:00:00Z"],
    ["begun in the night", "2026-03-02T22:00:00+01:00", 4, "2026-03-03T12:00:00Z"],
    ["a full day ends where the next begins", "2026-03-02T09:00:00+01:00", 8, "2026-03-03T08:00:00Z"],
    ["none, in working time", "2026-03-02T10:00:00+01:00", 0, "2026-03-02T09:00:00Z"],
    ["none, on a Sunday: the next opening", "2026-03-08T10:00:00+01:00", 0, "2026-03-09T08:00:00Z"],
    ["before", "2026-03-02T10:00:00+01:00", -2, "2026-02-27T11:00:00Z"],
    ["before, a full day", "2026-03-03T09:00:00+01:00", -8, "2026-03-02T08:00:00Z"],
  ])("%s", (_, from, hours, expected) => {
    expect(iso(addWorkingMs(calendar(), at(from), hours * HOUR))).toBe(expected);
  });

  test("holidays are closed, and a date of one's own outranks them", () => {
    const dates: OwnDate[] = [
      { date: "2026-12-24", hours: [{ from: "09:00", to: "10:00" }] },
      { date: "2026-12-25", hours: NINE_TO_FIVE },
    ];
    const christmas = calendar({ dates, holidays: ["2026-12-25", "2026-12-28"] });
    expect(iso(addWorkingMs(christmas, at("2026-12-24T09:00:00+01:00"), 2 * HOUR))).toBe("2026-12-25T09:00:00Z");
    expect(iso(addWorkingMs(christmas, at("2026-12-25T16:00:00+01:00"), HOUR))).toBe("2026-12-29T08:00:00Z");
  });

  test("an hour that the clocks skip within them is none, and one that comes twice is two", () => {
    const night = calendar({ hours: { sunday: [{ from: "00:00", to: "06:00" }] } });
    // Berlin, 29 March and 25 October 2026.
    expect(iso(addWorkingMs(night, at("2026-03-29T00:00:00+01:00"), 4 * HOUR))).toBe("2026-03-29T03:00:00Z");
    expect(iso(addWorkingMs(night, at("2026-03-29T00:00:00+01:00"), 5 * HOUR))).toBe("2026-04-04T22:00:00Z");
    expect(iso(addWorkingMs(night, at("2026-10-25T00:00:00+02:00"), 6 * HOUR))).toBe("2026-10-25T04:00:00Z");
  });

  test("the end of the working time is outside it", () => {
    expect(isWorkingTime(calendar(), at("2026-03-02T16:59:59.999+01:00"))).toBe(true);
    expect(isWorkingTime(calendar(), at("2026-03-02T17:00:00+01:00"))).toBe(false);
  });
});

test.each([
  ["the third from a Thursday", "2026-03-05T15:00:00+01:00", 3, "2026-03-10T14:00:00Z"],
  ["the first from a Saturday", "2026-03-07T15:00:00+01:00", 1, "2026-03-09T14:00:00Z"],
  ["the last before a Saturday", "2026-03-07T10:00:00+01:00", -1, "2026-03-06T09:00:00Z"],
  ["over the change of the clocks, at the same time of day", "2026-03-27T10:00:00+01:00", 1, "2026-03-30T08:00:00Z"],
])("working days: %s", (_, from, days, expected) => {
  expect(iso(addWorkingDays(calendar(), at(from), days))).toBe(expected);
});

describe("a schedule that goes by a calendar", () => {
  const anchorAt = at("2026-03-06T12:00:00+01:00"); // a Friday, an hour before its end

  test("every four working hours, anchored", () => {
    const every = timetable({ type: "recurring", intervalMinutes: 240, anchorAt }, { countsIn: "working_time" });
    const expected = ["2026-03-06T11:00:00Z", "2026-03-09T11:00:00Z", "2026-03-09T15:00:00Z", "2026-03-10T11:00:00Z"];
    expect(upcoming(every, "2026-03-06T00:00:00Z", 4)).toEqual(expected);
    expect(upcoming(every, "2026-03-09T10:59:59.999Z", 3)).toEqual(expected.slice(1));
    expect(upcoming(every, "2027-03-09T12:00:00Z", 1)).toEqual(["2027-03-09T15:00:00Z"]);
  });

  test("every second working day", () => {
    const every = timetable({ type: "recurring", intervalMinutes: 2_880, anchorAt }, { countsIn: "working_days" });
    expect(upcoming(every, "2026-03-06T11:00:00Z", 2)).toEqual(["2026-03-10T11:00:00Z", "2026-03-12T11:00:00Z"]);
  });

  test("ever longer waits, in working time", () => {
    const backoff: Schedule = {
      ...{ type: "backoff", intervalMinutes: 60, factor: 2, maxIntervalMinutes: 240 },
      anchorAt: at("2026-03-05T15:00:00+01:00"),
    };
    const expected = ["2026-03-05T15:00:00Z", "2026-03-06T09:00:00Z", "2026-03-09T09:00:00Z", "2026-03-09T13:00:00Z"];
    expect(upcoming(timetable(backoff, { countsIn: "working_time" }), "2026-03-05T14:00:00Z", 4)).toEqual(expected);
  });

  test("offsets in working days and hours, before and after", () => {
    const offsets: Schedule = { type: "offsets", offsets: ["-P2D", "-PT4H", "PT0S", "PT4H", "P1DT2H"], anchorAt };
    expect(upcoming(timetable(offsets, { countsIn: "working_time" }), "2026-01-01T00:00:00Z", 9)).toEqual([
      "2026-03-04T11:00:00Z",
      "2026-03-05T15:00:00Z",
      "2026-03-06T11:00:00Z",
      "2026-03-09T11:00:00Z",
      "2026-03-09T13:00:00Z",
    ]);
    // 16:00 on that Friday is after its end.
    const expected = ["2026-03-09T08:00:00Z", "2026-03-09T13:00:00Z"];
    expect(upcoming(timetable(offsets, { countsIn: "working_days" }), "2026-03-06T12:00:00Z", 2)).toEqual(expected);
  });

  test("what falls outside moves, says so, and comes once however many fall there", () => {
    const daily = timetable({ type: "cron", cron: "30 8 * * *" }, {});
    const next = nextOccurrence(daily, at("2026-03-06T12:00:00Z"));
    expect(next).toMatchObject({ at: at("2026-03-09T08:00:00Z"), movedFrom: at("2026-03-07T07:30:00Z") });
    expect(next?.because).toBe(
      "Saturday 2026-03-07 08:30 (Europe/Berlin) is outside the working time of the calendar office: moved to the next working time",
    );
    expect(upcoming(daily, "2026-03-06T12:00:00Z", 3)).toEqual([
      "2026-03-09T08:00:00Z",
      "2026-03-10T08:00:00Z",
      "2026-03-11T08:00:00Z",
    ]);
    const before = timetable({ type: "cron", cron: "0 12 1 * *" }, { outside: "previous" });
    // 1 August and 1 November 2026 are a Saturday and a Sunday.
    expect(upcoming(before, "2026-07-15T00:00:00Z", 4)).toEqual([
      "2026-07-31T10:59:00Z",
      "2026-09-01T10:00:00Z",
      "2026-10-01T10:00:00Z",
      "2026-10-30T11:59:00Z",
    ]);
  });

  test("what waits for the only opening there is isn't lost, asked whenever", () => {
    const once = calendar({ hours: {}, dates: [{ date: "2027-06-01", hours: [{ from: "10:00", to: "10:01" }] }] });
    const daily = timetable({ type: "cron", cron: "0 9 * * *" }, { calendar: once });
    const opening = { at: at("2027-06-01T08:00:00Z"), because: expect.stringContaining("outside the working time") };
    for (const after of ["2026-03-02T07:00:00Z", "2027-05-31T12:00:00Z", "2027-06-01T07:59:59Z"]) {
      expect(nextOccurrence(daily, at(after)), after).toMatchObject(opening);
    }
    // Nothing opens any more: what follows is where the rule has it.
    expect(upcoming(daily, "2027-06-01T08:00:00Z", 1)).toEqual(["2027-06-02T07:00:00Z"]);
    const far = timetable({ type: "cron", cron: "0 9 1 1 *" }, { calendar: once });
    expect(upcoming(far, "2014-01-01T00:00:00Z", 2)).toEqual(["2014-01-01T08:00:00Z", "2015-01-01T08:00:00Z"]);
  });

  test("what was meant before there was the reminder doesn't come to be moved", () => {
    const fridays = { ...timetable({ type: "cron", cron: "0 18 * * FRI" }, {}), since: at("2026-03-07T12:00:00Z") };
    expect(upcoming(fridays, "2026-03-07T12:00:00Z", 1)).toEqual(["2026-03-16T08:00:00Z"]);
    expect(upcoming({ ...fridays, since: 0 }, "2026-03-07T12:00:00Z", 1)).toEqual(["2026-03-09T08:00:00Z"]);
  });

  test("end_at holds for where it is moved to", () => {
    const saturday = { type: "cron", cron: "0 12 * * SAT" } as const;
    const endAt = at("2026-03-08T00:00:00Z");
    expect(upcoming(timetable(saturday, {}, { endAt }), "2026-03-02T12:00:00Z", 3)).toEqual([]);
    expect(upcoming(timetable(saturday, { outside: "previous" }, { endAt }), "2026-03-02T12:00:00Z", 3)).toEqual([
      "2026-03-06T11:59:00Z",
    ]);
  });

  test("jitter spreads what has moved to the same instant, and loses none", () => {
    const daily = timetable({ type: "cron", cron: "30 8 * * *" }, {}, { jitterSeconds: 3_600 });
    const found = upcoming(daily, "2026-03-02T00:00:00Z", 200).map((instant) => at(instant as string));
    expect(new Set(found.map((instant) => new Date(instant).toISOString().slice(0, 10))).size).toBe(200);
    for (const instant of found) expect(nextOccurrence(daily, instant - 1)?.at).toBe(instant);
  });

  test("where there is no working time any more, an occurrence stays where it is, and one that is counted never comes", () => {
    const closed = calendar({ hours: {}, dates: [{ date: "2026-03-02", hours: NINE_TO_FIVE }] });
    const daily = timetable({ type: "cron", cron: "30 8 * * *" }, { calendar: closed });
    expect(upcoming(daily, "2026-03-05T12:00:00Z", 1)).toEqual(["2026-03-06T07:30:00Z"]);
    const counted = timetable(
      { type: "recurring", intervalMinutes: 60, anchorAt },
      { calendar: closed, countsIn: "working_time" },
    );
    expect(upcoming(counted, "2026-03-06T12:00:00Z", 1)).toEqual([]);
  });

  test("nor does it move beyond the year 9999, after which nothing can be due", () => {
    const last = at("9999-12-31T23:59:59.999Z");
    expect(askedOccurrence(timetable({ type: "one_time" }, {}), last).at).toBe(last);
  });
});

describe("hostile calendars are worked out in few steps", () => {
  /** Counts how often somebody looks at a day. */
  function watched(rules: Partial<CalendarRules>): { calendar: BusinessCalendar; looks(): number } {
    const plain = calendar(rules);
    let count = 0;
    class Watched extends Map<number, NonNullable<ReturnType<typeof plain.dates.get>>> {
      override get(day: number) {
        count += 1;
        return super.get(day);
      }
    }
    return { calendar: { ...plain, dates: new Watched(plain.dates) }, looks: () => count };
  }
  /** A hundred years of days, each looked at once, and some of them again for the hours around an answer. */
  const MOST_LOOKS = 40_000;
  const mondays = Array.from({ length: 500 }, (_, n) => ({
    date: new Date(Date.UTC(2026, 0, 5 + n * 7)).toISOString().slice(0, 10),
    hours: [],
  }));
  const minute = { monday: [{ from: "00:00", to: "00:01" }] };
  const anchorAt = at("2026-01-01T00:00:00Z");
  const hostile: [string, Partial<CalendarRules>, Schedule, BusinessTime["countsIn"]][] = [
    ["never open", { hours: {} }, { type: "cron", cron: "* * * * *" }, "all_time"],
    ["closed for ten years", { hours: minute, dates: mondays }, { type: "cron", cron: "* * * * *" }, "all_time"],
    ["a minute a week", { hours: minute }, { type: "recurring", intervalMinutes: 5_270_400, anchorAt }, "working_time"],
    ["from 1970 on", { hours: minute }, { type: "recurring", intervalMinutes: 1, anchorAt: 0 }, "working_time"],
    [
      "from 1970 on, by days",
      { hours: minute },
      { type: "recurring", intervalMinutes: 1_440, anchorAt: 0 },
      "working_days",
    ],
    [
      "offsets of decades",
      { hours: minute },
      {
        type: "offsets",
        offsets: Array.from({ length: 100 }, (_, n) => `${n % 2 ? "-" : ""}P${3_000 + n}DT${80_000 + n}M`),
        anchorAt,
      },
      "working_time",
    ],
  ];

  test.each(hostile)("%s", (_, rules, schedule, countsIn) => {
    for (const outside of ["next", "previous"] as const) {
      const { calendar: counting, looks } = watched(rules);
      const table = timetable(schedule, { calendar: counting, countsIn, outside });
      let last: { at: number; wallAt: number | null } = { at: at("2026-06-01T00:00:00Z"), wallAt: null };
      for (let n = 0; n < 20; n += 1) {
        const next = nextOccurrence(table, last.at, last.wallAt);
        if (next === null) break;
        last = next;
      }
      expect(looks()).toBeLessThan(MOST_LOOKS);
    }
  });
});

test.each([
  [{ timeZone: "Berlin" }, /time zone/],
  [{ hours: { monday: [{ from: "22:00", to: "06:00" }] } }, /end on the day they begin/],
  [{ hours: { monday: [{ from: "9:00", to: "17:00" }] } }, /like 09:00 to 17:00/],
  [{ hours: { monday: [...NINE_TO_FIVE, { from: "16:00", to: "18:00" }] } }, /overlap \(monday\)/],
  [{ dates: [{ date: "2026-02-30", hours: [] }] }, /that there isn't, or not in the years/],
  [{ holidays: ["1969-12-31"] }, /that there isn't, or not in the years/],
])("a calendar that can't be is refused (%#)", (rules, message) => {
  expect(() => calendar(rules)).toThrow(message);
});

test.each([
  "Europe/Berlin",
  "America/St_Johns",
  "Pacific/Apia",
  "Australia/Lord_Howe",
  "America/Boa_Vista",
  "Africa/Casablanca",
])("the years of %s, added up, have the working time that its days have one by one", (timeZone) => {
  // Over the hours at which clocks change, and over the end of the day.
  const open = [
    { from: "00:00", to: "04:00" },
    { from: "22:00", to: "24:00" },
  ];
  const hours = Object.fromEntries(WEEKDAYS.map((day) => [day, open]));
  const calendar = toCalendar({ timeZone, hours, dates: [], holidays: [] });
  const [first, last] = [dayOf(1986, 1, 1), dayOf(2014, 1, 1)];
  let oneByOne = 0;
  for (let day = first; day < last; day += 1) for (const { from, to } of spansOf(calendar, day)) oneByOne += to - from;
  expect(sumOf(calendar, "ms", first, last)).toBe(oneByOne);
});
