import { expect, test } from "vitest";
import { Alarm } from "./alarm.ts";

/** Longer than the test may take. */
const LONG_MS = 600_000;

test("a poke ends a sleep", async () => {
  const alarm = new Alarm();
  const sleep = alarm.wait(LONG_MS);
  alarm.poke();
  await sleep;
});

test("a poke between looking and lying down is not missed", async () => {
  const alarm = new Alarm();
  alarm.reset();
  alarm.poke();
  await alarm.wait(LONG_MS);
});

test("a poke from before the look counts for nothing: what it told of is seen", async () => {
  const alarm = new Alarm();
  alarm.poke();
  alarm.reset();
  let isAwake = false;
  const sleep = alarm.wait(LONG_MS).then(() => {
    isAwake = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isAwake).toBe(false);
  alarm.poke();
  await sleep;
});
