import fc from "fast-check";
import { expect, test } from "vitest";
import { type DigestWish, digestAt, GATHERING_MS, isDigested } from "./digest.ts";
import type { Preferences } from "./preferences.ts";

const HOURLY: DigestWish = { window_minutes: 60 };
const TWICE: DigestWish = { at: ["16:00", "08:00"] };

test.each<[string, string, DigestWish, string, string]>([
  ["within an hour", "2026-03-02T09:10:00Z", HOURLY, "UTC", "2026-03-02T10:01:00.000Z"],
  ["at its very end", "2026-03-02T10:00:00Z", HOURLY, "UTC", "2026-03-02T10:01:00.000Z"],
  ["right after", "2026-03-02T10:00:00.001Z", HOURLY, "UTC", "2026-03-02T11:01:00.000Z"],
  ["by the clocks of half an hour", "2026-03-02T09:10:00Z", HOURLY, "Asia/Kolkata", "2026-03-02T09:31:00.000Z"],
  ["before the first of a day", "2026-03-02T05:00:00Z", TWICE, "Europe/Berlin", "2026-03-02T07:01:00.000Z"],
  ["between", "2026-03-02T08:00:00Z", TWICE, "Europe/Berlin", "2026-03-02T15:01:00.000Z"],
  ["after the last", "2026-03-02T18:00:00Z", TWICE, "Europe/Berlin", "2026-03-03T07:01:00.000Z"],
  ["over the clocks set forward", "2026-03-28T18:00:00Z", TWICE, "Europe/Berlin", "2026-03-29T06:01:00.000Z"],
  [
    "into the hour that is skipped",
    "2026-03-29T00:30:00Z",
    { at: ["02:30"] },
    "Europe/Berlin",
    "2026-03-29T01:01:00.000Z",
  ],
  [
    "into the hour that comes twice",
    "2026-10-25T00:10:00Z",
    { at: ["02:30"] },
    "Europe/Berlin",
    "2026-10-25T00:31:00.000Z",
  ],
  ["once a day", "2026-03-02T00:00:00.001Z", { window_minutes: 1_440 }, "UTC", "2026-03-03T00:01:00.000Z"],
  [
    "what doesn't part a day evenly begins anew at midnight",
    "2026-03-02T23:00:00Z",
    { window_minutes: 1_000 },
    "UTC",
    "2026-03-03T00:01:00.000Z",
  ],
])("goes with others %s", (_, at, wish, zone, goes) => {
  expect(new Date(digestAt(Date.parse(at), wish, zone)).toISOString()).toBe(goes);
});

const wish = fc.oneof(
  fc.record({ window_minutes: fc.integer({ min: 5, max: 1_440 }) }),
  fc.record({
    at: fc.array(
      fc.tuple(fc.nat(23), fc.nat(59)).map((parts) => parts.map((n) => String(n).padStart(2, "0")).join(":")),
      { minLength: 1, maxLength: 24 },
    ),
  }),
);
const zone = fc.constantFrom(
  "UTC",
  "Europe/Berlin",
  "America/St_Johns",
  "Pacific/Apia",
  "Africa/Casablanca",
  "Asia/Kathmandu",
);
const instant = fc.integer({ min: Date.UTC(2010, 0, 1), max: Date.UTC(2035, 0, 1) });

test("never before it is due, hardly more than a day later, and what is due until then goes with it", () => {
  fc.assert(
    fc.property(instant, wish, zone, fc.nat(), (at, wish, zone, later) => {
      const goes = digestAt(at, wish, zone);
      expect(goes).toBeGreaterThan(at);
      // In Samoa a day was left out.
      expect(goes - at).toBeLessThanOrEqual(2 * 86_400_000 + 3_600_000 + GATHERING_MS);
      const end = goes - GATHERING_MS;
      const between = at + (later % (end - at + 1));
      expect(digestAt(between, wish, zone)).toBe(goes);
    }),
    { numRuns: 2_000 },
  );
});

test("is wanted for what isn't excepted; and what plain SQL has left without a time is no wish", () => {
  const wants = (digest: unknown): boolean => isDigested({ digest } as unknown as Preferences, "payment");
  expect(isDigested(null, "payment")).toBe(false);
  expect(isDigested({}, "payment")).toBe(false);
  expect(wants({ window_minutes: 60 })).toBe(true);
  expect(wants({ at: ["08:00"], except: ["sla"] })).toBe(true);
  expect(wants({ at: ["08:00"], except: ["payment"] })).toBe(false);
  for (const odd of [
    true,
    "often",
    7,
    [],
    {},
    { window_minutes: "60" },
    { window_minutes: 1 },
    { at: "08:00" },
    { at: [8] },
  ]) {
    expect(wants(odd), JSON.stringify(odd)).toBe(false);
  }
});
