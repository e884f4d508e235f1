import { expect, test } from "vitest";
import { isAlwaysQuiet, type QuietHours, quietHoursFor, quietUntil } from "./quiet-hours.ts";

const NIGHT: QuietHours = [{ from: "22:00", to: "07:00" }];
const WEEKEND: QuietHours = [{ days: ["saturday", "sunday"], from: "00:00", to: "24:00" }];
const at = (iso: string): number => Date.parse(iso);

test.each<[string, string, QuietHours, string, string | null]>([
  ["before", "2026-03-02T21:59:59.999+01:00", NIGHT, "Europe/Berlin", null],
  ["at its beginning", "2026-03-02T22:00:00+01:00", NIGHT, "Europe/Berlin", "2026-03-03T06:00:00.000Z"],
  ["after midnight", "2026-03-03T03:00:00+01:00", NIGHT, "Europe/Berlin", "2026-03-03T06:00:00.000Z"],
  ["at its end", "2026-03-03T07:00:00+01:00", NIGHT, "Europe/Berlin", null],
  ["where somebody else is", "2026-03-03T05:00:00+01:00", NIGHT, "America/New_York", "2026-03-03T12:00:00.000Z"],
  ["when the clocks are set forward", "2026-03-29T00:30:00+01:00", NIGHT, "Europe/Berlin", "2026-03-29T05:00:00.000Z"],
  ["when they are set back", "2026-10-25T00:30:00+02:00", NIGHT, "Europe/Berlin", "2026-10-25T06:00:00.000Z"],
  ["from one window into the next", "2026-03-06T23:00:00Z", [...NIGHT, ...WEEKEND], "UTC", "2026-03-09T07:00:00.000Z"],
  ["the night after the last day", "2026-03-09T02:00:00Z", WEEKEND, "UTC", null],
  [
    "begun on a Friday",
    "2026-03-07T02:00:00Z",
    [{ days: ["friday"], from: "22:00", to: "07:00" }],
    "UTC",
    "2026-03-07T07:00:00.000Z",
  ],
  ["not begun on a Saturday", "2026-03-08T02:00:00Z", [{ days: ["friday"], from: "22:00", to: "07:00" }], "UTC", null],
  ["never quiet", "2026-03-08T02:00:00Z", [], "UTC", null],
  ["always quiet, which would never end", "2026-03-08T02:00:00Z", [{ from: "00:00", to: "24:00" }], "UTC", null],
  ["what nobody can read", "2026-03-08T02:00:00Z", [{ from: "ten", to: "7" }], "UTC", null],
])("quiet %s", (_, instant, hours, zone, until) => {
  const end = quietUntil(at(instant), hours, zone);
  expect(end && new Date(end).toISOString()).toBe(until);
});

test("what covers the whole week is told", () => {
  expect(isAlwaysQuiet(NIGHT)).toBe(false);
  expect(isAlwaysQuiet([...NIGHT, { from: "07:00", to: "22:00" }])).toBe(true);
  expect(isAlwaysQuiet([...NIGHT, { from: "07:00", to: "21:59" }])).toBe(false);
  expect(isAlwaysQuiet([{ from: "06:00", to: "06:00" }])).toBe(true);
  const days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday"] as const;
  expect(isAlwaysQuiet([{ days, from: "12:00", to: "12:00" }])).toBe(false);
  expect(isAlwaysQuiet([{ days: [...days, "saturday"], from: "12:00", to: "12:00" }])).toBe(true);
});

test("a contact's quiet hours stand for the tenant's, and the reminder's come on top, unless that leaves no time", () => {
  const lunch: QuietHours = [{ from: "12:00", to: "13:00" }];
  expect(quietHoursFor({ contact: null, reminder: null, tenant: NIGHT })).toEqual(NIGHT);
  expect(quietHoursFor({ contact: [], reminder: null, tenant: NIGHT })).toEqual([]);
  expect(quietHoursFor({ contact: lunch, reminder: NIGHT, tenant: WEEKEND })).toEqual([...lunch, ...NIGHT]);
  const day: QuietHours = [{ from: "07:00", to: "22:00" }];
  expect(quietHoursFor({ contact: NIGHT, reminder: day, tenant: null })).toEqual(NIGHT);
});
