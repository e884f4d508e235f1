import fc from "fast-check";
import { expect, test } from "vitest";
import { evenly, takeTurns } from "./turns.ts";

test("a group of one has its turn before the second of any other", () => {
  expect(takeTurns([[1, 2, 3], [10], [], [20, 21]])).toEqual([1, 10, 20, 2, 21, 3]);
  expect(takeTurns([])).toEqual([]);
});

test("what is split evenly adds up, no part is more than one larger than another, and what is left over goes round", () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.integer({ min: 1, max: 50 }), fc.nat(49), (total, places, first) => {
      const parts = evenly(total, places, first % places);
      expect(parts.reduce((sum, part) => sum + part, 0)).toBe(total);
      expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1);
    }),
  );
  expect(evenly(4, 3, 1)).toEqual([1, 2, 1]);
  expect(evenly(1, 3, 2)).toEqual([0, 0, 1]);
});
