import fc from "fast-check";
import { expect, test } from "vitest";
import { attemptsIn, DEFAULT_RETRY, retryDelayMs } from "./retry.ts";

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("there are exactly maxAttempts tries", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), random, (maxAttempts, drawn) => {
      const policy = { ...DEFAULT_RETRY, maxAttempts };
      let tries = 1;
      while (retryDelayMs(policy, tries, drawn) !== null) tries += 1;
      expect(tries).toBe(maxAttempts);
    }),
  );
});

test("waits grow, stay within a fifth of their plan, and never pass the cap", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), random, (attempt, drawn) => {
      const policy = { maxAttempts: 99, baseSeconds: 10, factor: 3, capSeconds: 3_600 };
      const planned = Math.min(3_600_000, 10_000 * 3 ** (attempt - 1));
      const delay = retryDelayMs(policy, attempt, drawn) as number;
      expect(delay).toBeGreaterThanOrEqual(planned * 0.8 - 1);
      expect(delay).toBeLessThanOrEqual(planned * 1.2 + 1);
    }),
  );
});

test("a receiver may ask for a longer wait, up to the cap, and never for a shorter one", () => {
  const policy = { maxAttempts: 5, baseSeconds: 10, factor: 2, capSeconds: 100 };
  expect(retryDelayMs(policy, 1, 0.5, 60_000)).toBe(60_000);
  expect(retryDelayMs(policy, 1, 0.5, 1)).toBe(10_000);
  expect(retryDelayMs(policy, 1, 0.5, 9_999_999)).toBe(100_000);
});

test("waits that are written out are kept to, and there is one attempt more than waits", () => {
  const retries = { waitsSeconds: [5, 300, 1_800], capSeconds: 3_600 };
  expect(attemptsIn(retries)).toBe(4);
  expect([1, 2, 3, 4].map((attempt) => retryDelayMs(retries, attempt, 0.5))).toEqual([5_000, 300_000, 1_800_000, null]);
  expect(retryDelayMs(retries, 1, 0.5, 60_000)).toBe(60_000);
  expect(retryDelayMs(retries, 3, 0.5, 9_999_999)).toBe(3_600_000);
});
