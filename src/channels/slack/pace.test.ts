import { expect, test } from "vitest";
import { NotYet } from "../channel.ts";
import { SlackPace } from "./pace.ts";

/** How long it has to wait; 0 when it may go. */
function waitFor(pace: SlackPace, name: string): number {
  try {
    pace.enter(name);
    return 0;
  } catch (error) {
    if (error instanceof NotYet) return error.waitMs;
    throw error;
  }
}

test("one goes at once, each of the others gets a second of its own, and other channels don't notice", () => {
  const pace = new SlackPace(() => 5_000);
  expect([1, 2, 3, 4].map(() => waitFor(pace, "a"))).toEqual([0, 1_000, 2_000, 3_000]);
  expect(waitFor(pace, "b")).toBe(0);
});

test("who comes back a little early or late keeps its place, and there is never more than one a second on average", () => {
  let nowMs = 0;
  const pace = new SlackPace(() => nowMs);
  let waiting = Array.from({ length: 50 }, () => waitFor(pace, "a"));
  const sentAt = [0];
  waiting = waiting.slice(1);

  for (const [index, backAtMs] of waiting.entries()) {
    nowMs = backAtMs + (index % 3 === 0 ? 40 : -40);
    if (waitFor(pace, "a") === 0) sentAt.push(nowMs);
  }

  expect(sentAt).toHaveLength(50);
  expect((sentAt.at(-1) as number) / 49).toBeGreaterThan(990);
  for (const [index, at] of sentAt.slice(1).entries()) expect(at - (sentAt[index] as number)).toBeGreaterThan(700);
});

test("where Slack itself asks to wait, nobody goes before", () => {
  let nowMs = 0;
  const pace = new SlackPace(() => nowMs);
  pace.enter("a");
  pace.hold("a", 30_000);
  nowMs = 20_000;
  expect(waitFor(pace, "a")).toBe(10_000);
  expect(waitFor(pace, "a")).toBe(11_000);
  nowMs = 30_000;
  expect(waitFor(pace, "a")).toBe(0);
});
