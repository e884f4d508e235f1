import { expect, test } from "vitest";
import { Breaker } from "./breaker.ts";

const SECOND = 1_000;

test("after a rest one may try, and where that one couldn't ask, the next", () => {
  const breaker = new Breaker();
  for (let n = 0; n < 3; n += 1) breaker.failed("billing", "it did not answer", 20 * SECOND, 0);
  expect(breaker.refusal("billing", 14 * SECOND)).toBe("it did not answer (14 s ago, and 3 times in a row)");

  expect(breaker.refusal("billing", 15 * SECOND)).toBeNull();
  expect(breaker.refusal("billing", 16 * SECOND)).not.toBeNull();
  breaker.untried("billing", 16 * SECOND);
  expect(breaker.refusal("billing", 16 * SECOND)).toBeNull();
  breaker.answered("billing");
  expect(breaker.refusal("billing", 17 * SECOND)).toBeNull();
});
