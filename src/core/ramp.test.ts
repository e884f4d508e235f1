import fc from "fast-check";
import { expect, test } from "vitest";
import { rampedUpTo } from "./ramp.ts";

test("begins at its rate, and doubles it again and again", () => {
  const ramp = { perSecond: 100, doublesEverySeconds: 5 };
  expect(rampedUpTo(ramp, 0)).toBe(0);
  const inSecond = (second: number) => rampedUpTo(ramp, (second + 1) * 1000) - rampedUpTo(ramp, second * 1000);
  expect(inSecond(0)).toBeGreaterThanOrEqual(100);
  expect(inSecond(0)).toBeLessThan(115);
  for (const second of [0, 7, 20]) expect(inSecond(second + 5) / inSecond(second)).toBeCloseTo(2, 1);
});

test("lets 100,000 through in under a minute by default, and never fewer than before", () => {
  const ramp = { perSecond: 100, doublesEverySeconds: 5 };
  expect(rampedUpTo(ramp, 40_000)).toBeGreaterThan(100_000);
  const instants = fc.integer({ min: 0, max: 10_000_000 });
  fc.assert(
    fc.property(instants, instants, (a, b) => rampedUpTo(ramp, Math.min(a, b)) <= rampedUpTo(ramp, Math.max(a, b))),
  );
});

test("without a rate there is no ramp", () => {
  expect(rampedUpTo({ perSecond: 0, doublesEverySeconds: 5 }, 0)).toBe(Number.POSITIVE_INFINITY);
});
