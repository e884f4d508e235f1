import { expect, test } from "vitest";
import { type BusinessTime, type CountsIn, place } from "../../src/core/schedule/business.ts";
import { toCalendar } from "../../src/core/schedule/business-calendar.ts";
import {
  addWorkingDays,
  addWorkingMs,
  isWorkingTime,
  workingMsBetween,
} from "../../src/core/schedule/business-time.ts";
import { NO_BOUNDS, type Schedule } from "../../src/core/schedule/kinds.ts";
import { nextOccurrence, type Timetable } from "../../src/core/schedule/schedule.ts";
import { type Random, randomFrom } from "../chaos/random.ts";
import { randomCalendar, Watchman } from "./minute-by-minute.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Each with a change of its clocks in the middle: by an hour, by half of one, over midnight, and by a whole day. */
const CLOCKS: [zone: string, middle: number][] = [
  ["Europe/Berlin", Date.UTC(2026, 2, 29)],
  ["America/St_Johns", Date.UTC(2026, 10, 1)],
  ["America/St_Johns", Date.UTC(2010, 10, 7)],
  ["Australia/Lord_Howe", Date.UTC(2026, 3, 5)],
  ["Asia/Beirut", Date.UTC(2026, 2, 29)],
  ["Pacific/Apia", Date.UTC(2011, 11, 30)],
  ["Asia/Kathmandu", Date.UTC(2026, 5, 1)],
  ["America/Havana", Date.UTC(2026, 10, 1)],
];
const EACH = 4;
const ASKED = 12;

function worlds(random: Random): { watchman: Watchman; business: BusinessTime; any(): number; middle: number }[] {
  return CLOCKS.flatMap(([zone, middle]) =>
    Array.from({ length: EACH }, () => {
      const [from, until] = [middle - 20 * DAY, middle + 20 * DAY];
      const days = Array.from({ length: 42 }, (_, n) => new Date(from + (n - 1) * DAY).toISOString().slice(0, 10));
      const rules = randomCalendar(random, zone, days);
      const calendar = toCalendar(rules);
      const any = (): number => middle + Math.floor(random.between(-5 * 1_440, 5 * 1_440)) * MINUTE;
      const business = { name: "random", calendar, countsIn: "working_time", outside: "next" } as const;
      return { watchman: new Watchman(rules, from, until), business, any, middle };
    }),
  );
}

test("working time is what somebody sees who looks at the clock every minute", () => {
  const random = randomFrom(11);
  let compared = 0;
  for (const { watchman, business, any } of worlds(random)) {
    const { calendar } = business;
    for (let n = 0; n < ASKED; n += 1) {
      const at = any();
      const other = at + Math.floor(random.between(0, 4 * 1_440)) * MINUTE;
      const minutes = Math.floor(random.between(0, 3_000));
      const asked = { zone: calendar.zone, at: new Date(at).toISOString(), minutes };
      expect({ ...asked, open: isWorkingTime(calendar, at) }).toEqual({
        ...asked,
        open: watchman.open[watchman.index(at)],
      });
      const between = workingMsBetween(calendar, at, other);
      expect({ ...asked, other, between }).toEqual({ ...asked, other, between: watchman.between(at, other) * MINUTE });
      const later = watchman.later(at, minutes);
      if (later !== null)
        expect({ ...asked, later: addWorkingMs(calendar, at, minutes * MINUTE) }).toEqual({ ...asked, later });
      const earlier = minutes === 0 ? null : watchman.earlier(at, minutes);
      if (earlier !== null) {
        expect({ ...asked, earlier: addWorkingMs(calendar, at, -minutes * MINUTE) }).toEqual({ ...asked, earlier });
      }
      compared += (later === null ? 0 : 1) + (earlier === null ? 0 : 1);
    }
  }
  expect(compared).toBeGreaterThan(300);
});

test("working days are counted by the dates that the clock shows, at the same time of day", () => {
  const random = randomFrom(12);
  for (const { watchman, business, any } of worlds(random)) {
    const { calendar } = business;
    for (let n = 0; n < ASKED; n += 1) {
      const at = any();
      const days = Math.floor(random.between(-4, 5));
      const [date = "", time = ""] = new Intl.DateTimeFormat("sv-SE", {
        ...{ timeZone: calendar.zone, dateStyle: "short", timeStyle: "short" },
      })
        .format(at)
        .split(" ");
      if (!calendar.week.some((hours) => hours.length > 0)) continue;
      const expected = days === 0 ? date : watchman.dateAfter(date, days);
      // The first minute at which the clock has shown this or, where it skips it, more.
      const shown = watchman.clocks.findIndex((clock) => clock >= `${expected} ${time}`);
      if (shown <= 0) continue;
      const asked = { zone: calendar.zone, at: new Date(at).toISOString(), days };
      const instant = days === 0 ? at : watchman.at(shown);
      expect({ ...asked, instant: addWorkingDays(calendar, at, days) }).toEqual({ ...asked, instant });
    }
  }
});

const SCHEDULES: ((anchorAt: number) => Schedule)[] = [
  (anchorAt) => ({ type: "recurring", intervalMinutes: 97, anchorAt }),
  (anchorAt) => ({ type: "recurring", intervalMinutes: 1_440, anchorAt }),
  () => ({ type: "cron", cron: "*/25 * * * *" }),
  () => ({ type: "cron", cron: "30 7,20 * * *" }),
  (anchorAt) => ({ type: "offsets", offsets: ["-P4D", "-PT50H", "-P1D", "PT0S", "P1D", "PT49H", "P4D"], anchorAt }),
];

/** Each occurrence without a calendar, carried to where the watchman lets it be: those that meet are one. */
function carried(
  plain: Timetable,
  { watchman, business, from, until }: { watchman: Watchman; business: BusinessTime; from: number; until: number },
): number[] {
  // biome-ignore format: one line
  const found: number[] = [];
  for (let last = { at: from, wallAt: null as number | null }; ; ) {
    const next = nextOccurrence(plain, last.at, last.wallAt);
    if (next === null || next.at > until) break;
    last = next;
    if (plain.schedule.type === "recurring" && next.at < plain.schedule.anchorAt) continue;
    const isOpen = watchman.open[watchman.index(next.at)];
    const moved = business.outside === "next" ? watchman.later(next.at, 0) : watchman.earlier(next.at, 1);
    found.push(isOpen || business.outside === "send" || moved === null ? next.at : moved);
  }
  return [...new Set(found)].sort((a, b) => a - b);
}

test.each(["next", "previous", "send"] as const)("occurrences outside working time: %s", (outside) => {
  const random = randomFrom(13);
  let compared = 0;
  for (const { watchman, business: working, any, middle } of worlds(random)) {
    if (!working.calendar.week.some((hours) => hours.length > 0)) continue;
    const business = { ...working, countsIn: "all_time" as const, outside };
    for (const make of SCHEDULES) {
      const schedule = make(any());
      const of = { entityType: "a", entityId: "b", eventType: "c" };
      const plain: Timetable = { schedule, bounds: NO_BOUNDS, zone: working.calendar.zone, of };
      const all = carried(plain, { watchman, business, from: middle - 15 * DAY, until: middle + 14 * DAY });
      const after = any();
      const expected = all.filter((at) => at > after).slice(0, 5);
      const found: number[] = [];
      let last: { at: number; wallAt: number | null } = { at: after, wallAt: null };
      while (found.length < expected.length) {
        const next = nextOccurrence({ ...plain, business }, last.at, last.wallAt);
        if (next === null) break;
        expect(place(next.movedFrom ?? next.at, business).at).toBe(next.at);
        found.push(next.at);
        last = next;
      }
      // What lies on the edge of what he has seen, he can't tell of.
      if ((expected.at(-1) ?? 0) > middle + 12 * DAY || found.some((at) => at > middle + 12 * DAY)) continue;
      const asked = { schedule, zone: plain.zone, after: new Date(after).toISOString() };
      expect({ ...asked, found: found.map(iso) }).toEqual({ ...asked, found: expected.map(iso) });
      compared += found.length;
    }
  }
  expect(compared).toBeGreaterThan(150);
});

test.each(["working_time", "working_days"] as CountsIn[])("a series counted in %s", (countsIn) => {
  const random = randomFrom(14);
  let compared = 0;
  for (const { watchman, business: working, any, middle } of worlds(random)) {
    const { calendar } = working;
    if (!calendar.week.some((hours) => hours.length > 0)) continue;
    const business = { ...working, countsIn, outside: "send" as const };
    const anchorAt = any();
    const intervalMinutes = countsIn === "working_time" ? Math.ceil(random.between(1, 700)) : 2_880;
    const timetable: Timetable = {
      schedule: { type: "recurring", intervalMinutes, anchorAt },
      ...{ bounds: NO_BOUNDS, zone: "UTC", of: { entityType: "a", entityId: "b", eventType: "c" }, business },
    };
    const expected: number[] = [anchorAt];
    for (let n = 1; n < 8; n += 1) {
      const at =
        countsIn === "working_time"
          ? watchman.later(anchorAt, n * intervalMinutes)
          : addWorkingDays(calendar, anchorAt, n * 2);
      if (at === null || at > middle + 15 * DAY) break;
      expected.push(at);
    }
    // Asked from the beginning, and from any instant in between, the answers are the same: it doesn't drift.
    for (const [index, at] of expected.entries()) {
      const before = expected[index - 1] ?? at - 3 * DAY;
      for (const after of new Set([before, at - 1, Math.floor(random.between(before, at - 1))])) {
        expect(iso(nextOccurrence(timetable, after)?.at)).toBe(iso(at));
        compared += 1;
      }
    }
  }
  expect(compared).toBeGreaterThan(150);
});

function iso(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}
