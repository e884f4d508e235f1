import { expect, test } from "vitest";
import { NotYet } from "./channel.ts";
import { Turns } from "./turns.ts";

/** How long it has to wait; 0 when it may go. */
function waitFor(turns: Turns, name: string): number {
  try {
    turns.enter(name);
    return 0;
  } catch (error) {
    if (error instanceof NotYet) return error.waitMs;
    throw error;
  }
}

test("one goes at once, each of the others gets a second of its own, and other places don't notice", () => {
  const turns = new Turns(1_000, "one a second", () => 5_000);
  expect([1, 2, 3, 4].map(() => waitFor(turns, "a"))).toEqual([0, 1_000, 2_000, 3_000]);
  expect(waitFor(turns, "b")).toBe(0);
});

test("who comes back a little early or late keeps its place, and there is never more than one a second on average", () => {
  let nowMs = 0;
  const turns = new Turns(1_000, "one a second", () => nowMs);
  let waiting = Array.from({ length: 50 }, () => waitFor(turns, "a"));
  const sentAt = [0];
  waiting = waiting.slice(1);

  for (const [index, backAtMs] of waiting.entries()) {
    nowMs = backAtMs + (index % 3 === 0 ? 40 : -40);
    if (waitFor(turns, "a") === 0) sentAt.push(nowMs);
  }

  expect(sentAt).toHaveLength(50);
  expect((sentAt.at(-1) as number) / 49).toBeGreaterThan(990);
  for (const [index, at] of sentAt.slice(1).entries()) expect(at - (sentAt[index] as number)).toBeGreaterThan(700);
});

test("where the service itself asks to wait, nobody goes before", () => {
  let nowMs = 0;
  const turns = new Turns(1_000, "one a second", () => nowMs);
  turns.enter("a");
  turns.hold("a", 30_000);
  nowMs = 20_000;
  expect(waitFor(turns, "a")).toBe(10_000);
  expect(waitFor(turns, "a")).toBe(11_000);
  nowMs = 30_000;
  expect(waitFor(turns, "a")).toBe(0);
});

test("who comes last goes only where nobody else is to go, and holds up no more than one", () => {
  let nowMs = 0;
  const turns = new Turns(1_000, "one a second", () => nowMs);
  const waitLast = (): number => {
    try {
      turns.enterLast("a");
      return 0;
    } catch (error) {
      if (error instanceof NotYet) return error.waitMs;
      throw error;
    }
  };
  expect(waitLast()).toBe(0);
  expect([waitLast(), waitLast()]).toEqual([1_000, 1_000]);
  expect([1, 2].map(() => waitFor(turns, "a"))).toEqual([1_000, 2_000]);
  nowMs = 1_500; // the first of these hasn't come back yet
  expect(waitLast()).toBe(1_500);
  nowMs = 3_000;
  expect(waitLast()).toBe(0);
});
