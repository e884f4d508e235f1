import { expect, test } from "vitest";
import { offsetAt } from "./wall-clock.ts";

const HOUR_MS = 3_600_000;

test.each([
  ["Europe/Berlin", "2026-03-29T01:00:00Z", 1, 2],
  // At a minute past a half hour, which is no quarter of an hour.
  ["America/St_Johns", "1990-04-01T03:31:00Z", -3.5, -2.5],
  // Six days and 23 hours after the clocks were set forward they were set back.
  ["America/Boa_Vista", "2000-10-08T04:00:00Z", -4, -3],
  ["America/Boa_Vista", "2000-10-15T03:00:00Z", -3, -4],
  // A whole day was left out.
  ["Pacific/Apia", "2011-12-30T10:00:00Z", -10, 14],
])("the clocks of %s change at %s to the millisecond", (zone, at, before, after) => {
  const instant = Date.parse(at);
  expect(offsetAt(instant - 1, zone)).toBe(before * HOUR_MS);
  expect(offsetAt(instant, zone)).toBe(after * HOUR_MS);
});
