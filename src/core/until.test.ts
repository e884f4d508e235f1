import fc from "fast-check";
import { expect, test } from "vitest";
import { anyZone } from "../../test/support/any-schedule.ts";
import { toWallClock } from "./schedule/wall-clock.ts";
import { namedDay, nameOfDay, silentUntil, spanOf } from "./until.ts";

const HOUR = 3_600_000;
const BERLIN = { zone: "Europe/Berlin", isPromise: false };
/** The day before the clocks go forward there. */
const SATURDAY = Date.UTC(2026, 2, 28, 11);

test("a day is 24 hours, also where the clocks are changed meanwhile", () => {
  expect(silentUntil("1d", { ...BERLIN, now: SATURDAY })).toBe(SATURDAY + 24 * HOUR);
  expect(silentUntil("1w", { ...BERLIN, now: SATURDAY })).toBe(SATURDAY + 168 * HOUR);
});

test("a date is its morning by the person's clocks, and a promise holds through it", () => {
  const until = silentUntil("2026-03-29", { ...BERLIN, now: SATURDAY });
  expect(new Date(until).toISOString()).toBe("2026-03-29T07:00:00.000Z");
  const promised = silentUntil("2026-03-29", { ...BERLIN, isPromise: true, now: SATURDAY });
  expect(new Date(promised).toISOString()).toBe("2026-03-30T07:00:00.000Z");
});

test.each([
  ["tomorrow", /a time like/],
  ["0d", /a time like/],
  ["1y", /a time like/],
  ["2026-02-30", /a time like/],
  ["2026-13-01", /a time like/],
  ["2026-03-27", /later than now/],
  ["9999d", /at most 366 days/],
  ["2028-01-01", /at most 366 days/],
  [`${"9".repeat(50)}d`, /a time like/],
])("%s is refused", (text, why) => {
  expect(silentUntil(text, { ...BERLIN, now: SATURDAY })).toMatch(why);
});

test("whatever the day and the zone, its morning is at nine, or where the clocks skip that, right after", () => {
  fc.assert(
    fc.property(fc.integer({ min: 20_000, max: 20_360 }), anyZone, (day, zone) => {
      const until = silentUntil(nameOfDay(day), {
        zone: zone ?? "UTC",
        isPromise: false,
        now: 20_000 * 24 * HOUR - 48 * HOUR,
      });
      expect(typeof until).toBe("number");
      expect(new Date(toWallClock(until as number, zone ?? "UTC")).getUTCHours()).toBe(9);
      expect(namedDay(nameOfDay(day))).toBe(day);
    }),
  );
  expect(spanOf("90m")).toBe(90 * 60_000);
});
