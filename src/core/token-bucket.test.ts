import fc from "fast-check";
import { expect, test } from "vitest";
import { fullBucket, take } from "./token-bucket.ts";

test("whatever the pauses between them, no more are granted than a full bucket and what flowed in since", () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 600 }), pauses, (perMinute, waits) => {
      let nowMs = 0;
      let bucket = fullBucket({ perMinute }, nowMs);
      let granted = 0;
      for (const wait of waits) {
        nowMs += wait;
        const taken = take(bucket, { perMinute }, nowMs);
        bucket = taken.bucket;
        if (taken.isGranted) granted += 1;
      }
      expect(granted).toBeLessThanOrEqual(perMinute + (nowMs * perMinute) / 60_000 + 1e-6);
    }),
  );
});

test("who waits as long as he is told gets the next one, and a moment sooner does not", () => {
  const rate = { perMinute: 7 };
  let bucket = fullBucket(rate, 0);
  for (let n = 0; n < 7; n += 1) bucket = take(bucket, rate, 0).bucket;
  const refused = take(bucket, rate, 0);
  expect(refused).toMatchObject({ isGranted: false, remaining: 0 });
  expect(take(refused.bucket, rate, refused.waitMs - 1).isGranted).toBe(false);
  expect(take(refused.bucket, rate, refused.waitMs + 1e-6).isGranted).toBe(true);
  expect(take(refused.bucket, rate, refused.fullMs + 1e-6).remaining).toBe(6);
});

test("asking in vain costs nothing, and a clock that stands or steps back gives nothing", () => {
  const rate = { perMinute: 60 };
  let bucket = fullBucket(rate, 1_000);
  for (let n = 0; n < 60; n += 1) bucket = take(bucket, rate, 1_000).bucket;
  for (let n = 0; n < 1_000; n += 1) bucket = take(bucket, rate, n).bucket;
  expect(take(bucket, rate, 1_000).isGranted).toBe(false);
  expect(take(bucket, rate, 2_001).isGranted).toBe(true);
});

test("a rate that is lowered counts at once", () => {
  expect(take(fullBucket({ perMinute: 600 }, 0), { perMinute: 3 }, 0).remaining).toBe(2);
});
