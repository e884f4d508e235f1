import { expect, test } from "vitest";
import { Breaker } from "./breaker.ts";

test("a server that fails is passed over, for longer each time, and no longer once it has worked", () => {
  let nowMs = 1_000;
  const breaker = new Breaker(() => nowMs);
  expect(breaker.waitMs).toBe(0);
  const waits = Array.from({ length: 8 }, () => {
    breaker.failed();
    const { waitMs } = breaker;
    nowMs += waitMs;
    return waitMs / 1_000;
  });
  expect(waits).toEqual([30, 60, 120, 240, 480, 600, 600, 600]);

  breaker.worked();
  breaker.failed();
  expect(breaker.waitMs).toBe(30_000);
});

test("those that fail together count once", () => {
  const breaker = new Breaker(() => 1_000);
  for (let n = 0; n < 10; n += 1) breaker.failed();
  expect(breaker.waitMs).toBe(30_000);
});
