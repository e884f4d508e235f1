import fc from "fast-check";
import { expect, test } from "vitest";
import type { Place } from "../store/wake.ts";
import { LowMark } from "./low-mark.ts";

const T0 = Date.UTC(2026, 0, 15);

test("while a look from the beginning costs nothing, each one is, and claims look everywhere", () => {
  const mark = new LowMark(() => 0);
  for (let n = 0; n < 3; n += 1) {
    const look = mark.begin();
    expect(look.from).toBe(null);
    expect(mark.end(look, { at: T0 + 500, id: 7, inMs: 500, now: T0, tookMs: 0.2 })).toBe(500);
    expect(mark.from).toBe(null);
  }
});

const overdue = (agoMs: number, id: number) => ({ at: T0 - agoMs, id, inMs: -agoMs, now: T0, tookMs: 10 });

test("once it costs something, claims begin a second below the earliest, and where it was a second ago from then on", () => {
  let nowMs = 0;
  const mark = new LowMark(() => nowMs);
  mark.end(mark.begin(), overdue(60_000, 7));
  expect(mark.from).toEqual({ at: T0 - 61_000, id: 0 });
  nowMs = 999;
  mark.end(mark.begin(), overdue(60_000, 8));
  expect(mark.from).toEqual({ at: T0 - 61_000, id: 0 });
  nowMs = 1_000;
  mark.end(mark.begin(), overdue(60_000, 9));
  expect(mark.from).toEqual({ at: T0 - 60_000, id: 7 });
  nowMs = 2_000;
  mark.end(mark.begin(), { at: T0 + 60_000, id: 7, inMs: 60_000, now: T0, tookMs: 10 });
  expect(mark.from).toEqual({ at: T0 - 60_000, id: 9 });
  nowMs = 3_000;
  mark.end(mark.begin(), { at: null, id: 0, inMs: 0, now: T0 + 5_000, tookMs: 10 });
  expect(mark.from, "nothing was due").toEqual({ at: T0, id: 0 });
});

test("what commits within a second of being written is never below the mark, though others of its instant were seen before", () => {
  const rows = fc.array(
    fc.record({
      writtenMs: fc.integer({ min: 0, max: 10_000 }),
      commitsInMs: fc.integer({ min: 0, max: 999 }),
      takenInMs: fc.integer({ min: 0, max: 3_000 }),
    }),
    { minLength: 1, maxLength: 40 },
  );
  const looks = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 5, maxLength: 60 });
  fc.assert(
    fc.property(rows, looks, (written, gaps) => {
      let nowMs = 0;
      const mark = new LowMark(() => nowMs);
      // Looks from the beginning would find all of them: the first is the only one.
      const tookMs = 1e6;
      const inOrder = written.toSorted((a, b) => a.writtenMs - b.writtenMs).map((row, n) => ({ ...row, id: n + 1 }));
      const waiting = () =>
        inOrder.filter((row) => {
          const visibleMs = row.writtenMs + row.commitsInMs;
          return visibleMs <= nowMs && nowMs < visibleMs + row.takenInMs;
        });
      mark.end(mark.begin(), { at: T0, id: 0, inMs: 0, now: T0, tookMs });
      for (const gapMs of gaps) {
        nowMs += gapMs;
        const look = mark.begin();
        const [first] = waiting();
        if (first) mark.end(look, { at: T0, id: first.id, inMs: 0, now: T0, tookMs });
        const { at, id } = mark.from as Place;
        for (const row of waiting()) expect(at < T0 || id <= row.id).toBe(true);
      }
    }),
  );
});

test("after a look that began at the mark, the worker sleeps no longer than until the next from the beginning", () => {
  let nowMs = 0;
  const mark = new LowMark(() => nowMs);
  expect(mark.end(mark.begin(), { at: null, id: 0, inMs: 0, now: T0, tookMs: 10 })).toBe(Number.POSITIVE_INFINITY);
  nowMs = 50;
  expect(mark.end(mark.begin(), { at: null, id: 0, inMs: 0, now: T0, tookMs: 0.1 })).toBe(150);
  nowMs = 200;
  expect(mark.begin().from).toBe(null);
});

test("a look that began before something was found further down doesn't raise the mark again", () => {
  let nowMs = 0;
  const mark = new LowMark(() => nowMs);
  mark.end(mark.begin(), { at: T0, id: 7, inMs: 0, now: T0, tookMs: 10 });
  const early = mark.begin();
  nowMs = 200;
  mark.end(mark.begin(), { at: T0 - 3_600_000, id: 7, inMs: -3_600_000, now: T0, tookMs: 10 });

  mark.end(early, { at: T0, id: 7, inMs: 0, now: T0, tookMs: 0.1 });

  expect(mark.from).toEqual({ at: T0 - 3_601_000, id: 0 });
});

test("nor does one that began before a look from the beginning cost nothing any more", () => {
  let nowMs = 0;
  const mark = new LowMark(() => nowMs);
  mark.end(mark.begin(), overdue(60_000, 7));
  const early = mark.begin();
  nowMs = 200;
  mark.end(mark.begin(), { ...overdue(3_600_000, 3), tookMs: 0.1 });

  mark.end(early, overdue(60_000, 8));

  expect(mark.from).toBe(null);
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
          mark.end(look, { at: T0, id: 7, inMs: 0, now: T0, tookMs: 0.1 });
          nowMs += 1;
          look = mark.begin();
        }
        expect(inFullLooks).toBeLessThanOrEqual(nowMs / 20);
        nowMs += costMs;
        inFullLooks += costMs;
        mark.end(look, { at: T0, id: 7, inMs: 0, now: T0, tookMs: costMs });
      }
    }),
  );
});
