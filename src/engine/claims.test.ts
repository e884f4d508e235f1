import { expect, test } from "vitest";
import { Claims } from "./claims.ts";

const catchUp = { perSecond: 100, doublesEverySeconds: 5 };

test("a batch that takes too long is halved, down to one, and grows again to its full size", () => {
  const claims = new Claims({ batchSize: 500, catchUp });
  claims.tookTooLong();
  expect(claims.limit).toBe(250);
  for (let n = 0; n < 20; n += 1) claims.tookTooLong();
  expect(claims.limit).toBe(1);

  claims.wentWell();
  expect(claims.limit).toBeGreaterThan(1);
  for (let n = 0; n < 20; n += 1) claims.wentWell();
  expect(claims.limit).toBe(500);
});

test("what can't be dealt with is left out for ten minutes, and then tried again", () => {
  let nowMs = 0;
  const claims = new Claims({ batchSize: 500, catchUp }, () => nowMs);
  claims.leaveOut(7);
  nowMs = 9 * 60_000;
  claims.leaveOut(8);
  expect(claims.leftOut()).toEqual([7, 8]);
  nowMs = 11 * 60_000;
  expect(claims.leftOut()).toEqual([8]);
});
