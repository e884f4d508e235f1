import { expect, test } from "vitest";
import { Recent } from "./recent.ts";

test("what fell due last is looked for as far back as the claims are apart, and no further than to what is overdue", () => {
  let nowMs = 0;
  const recent = new Recent(() => nowMs);
  expect(recent.withinMs(), "nothing is known of what came before").toBe(60_000);
  expect(recent.withinMs(), "at the same time").toBe(5_000);
  nowMs += 30;
  expect(recent.withinMs()).toBe(5_060);
  nowMs += 20_000;
  expect(recent.withinMs(), "a lane that is at one message for 20 s").toBe(45_000);
  nowMs += 40_000;
  expect(recent.withinMs()).toBe(60_000);
});
