import fc from "fast-check";
import { expect, test } from "vitest";
import { LowMark } from "./low-mark.ts";

const T0 = Date.UTC(2026, 0, 15);

test("while a look from the beginning costs nothing, each one is, and claims look everywhere", () => {
  const mark = new LowMark(() => 0);
  for (let n = 0; n < 3; n += 1) {
    const look = mark.begin();
    expect(look.from).toBe(null);
    expect(mark.end(look, { at: T0 + 500, inMs: 500, now: T0, tookMs: 0.2 })).toBe(500);
    expect(mark.from).toBe(null);
  }
});

test("once it costs something, claims begin a second below the earliest, and below now", () => {
  const mark = new LowMark(() => 0);
  mark.end(mark.begin(), { at: T0 - 60_000, inMs: -60_000, now: T0, tookMs: 10 });
  expect(mark.from).toBe(T0 - 61_000);
  mark.end(mark.begin(), { at: T0 + 60_000, inMs: 60_000, now: T0, tookMs: 0.1 });
  expect(mark.from).toBe(T0 - 1_000);
  mark.end(mark.begin(), { at: null, inMs: 0, now: T0 + 5_000, tookMs: 0.1 });
  expect(mark.from).toBe(T0 + 4_000);
});

test("after a look that began at the mark, the worker sleeps no longer than until the next from the beginning", () => {
  let nowMs = 0;
  const mark = new LowMark(() => nowMs);
  expect(mark.end(mark.begin(), { at: null, inMs: 0, now: T0, tookMs: 10 })).toBe(Number.POSITIVE_INFINITY);
  nowMs = 50;
  expect(mark.end(mark.begin(), { at: null, inMs: 0, now: T0, tookMs: 0.1 })).toBe(150);
  nowMs = 200;
  expect(mark.begin().from).toBe(null);
});

test("a look that began before something was found further down doesn't raise the mark again", () => {
  let nowMs = 0;
  const mark = new LowMark(() => nowMs);
  mark.end(mark.begin(), { at: T0, inMs: 0, now: T0, tookMs: 10 });
  const early = mark.begin();
  nowMs = 200;
  mark.end(mark.begin(), { at: T0 - 3_600_000, inMs: -3_600_000, now: T0, tookMs: 10 });

  mark.end(early, { at: T0, inMs: 0, now: T0, tookMs: 0.1 });

  expect(mark.from).toBe(T0 - 3_601_000);
});

test("whatever they cost, looks from the beginning take a twentieth of the time at most, and there is always a next one", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 5, maxLength: 50 }), (costs) => {
      let nowMs = 0;
      let inFullLooks = 0;
      const mark = new LowMark(() => nowMs);
      for (const costMs of costs) {
        // Busy: a look each millisecond until one is from the beginning.
        let look = mark.begin();
        while (look.from !== null) {
          mark.end(look, { at: T0, inMs: 0, now: T0, tookMs: 0.1 });
          nowMs += 1;
          look = mark.begin();
        }
        expect(inFullLooks).toBeLessThanOrEqual(nowMs / 20);
        nowMs += costMs;
        inFullLooks += costMs;
        mark.end(look, { at: T0, inMs: 0, now: T0, tookMs: costMs });
      }
    }),
  );
});
