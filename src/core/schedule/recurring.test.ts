import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countRecurring, nextRecurring } from "./recurring.ts";

const MINUTE = 60_000;
const series = fc.record({
  intervalMinutes: fc.integer({ min: 1, max: 5_270_400 }),
  anchorAt: fc.integer({ min: -1e12, max: 4e12 }),
});
const instant = fc.integer({ min: -1e12, max: 4e12 });

describe("nextRecurring", () => {
  test("is the first instant of the series after the given one: later, at most one interval later, whole intervals from the anchor", () => {
    fc.assert(
      fc.property(series, instant, (recurring, after) => {
        const next = nextRecurring(recurring, after);
        const intervalMs = recurring.intervalMinutes * MINUTE;
        expect(next).toBeGreaterThan(after);
        expect(next - after).toBeLessThanOrEqual(intervalMs);
        expect(Math.abs((next - recurring.anchorAt) % intervalMs)).toBe(0);
      }),
    );
  });

  test("asked at an instant of the series, answers the following one", () => {
    expect(nextRecurring({ intervalMinutes: 60, anchorAt: 0 }, 60 * MINUTE)).toBe(120 * MINUTE);
    expect(nextRecurring({ intervalMinutes: 60, anchorAt: 0 }, 60 * MINUTE - 1)).toBe(60 * MINUTE);
  });
});

test("countRecurring counts what walking the series step by step counts, from wherever it begins", () => {
  const short = fc.record({ intervalMinutes: fc.integer({ min: 1, max: 50 }), anchorAt: instant });
  fc.assert(
    fc.property(short, instant, fc.integer({ min: 0, max: 2_000 * MINUTE }), (recurring, from, span) => {
      const until = from + span;
      let walked = 0;
      for (let at = nextRecurring(recurring, from); at <= until; at = nextRecurring(recurring, at)) walked += 1;
      expect(countRecurring(recurring, from, until)).toBe(walked);
    }),
  );
});
