import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Early } from "./early.ts";
import type { Held } from "./held.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

const held = (reminderId: number, inMs: number): Held =>
  ({ reminderId, notBeforeMs: performance.now() + inMs }) as unknown as Held;

function early(): { early: Early; due: number[] } {
  const due: number[] = [];
  return { early: new Early((released) => due.push(released.reminderId)), due };
}

test("each is let go at its instant, never before, in whatever order they came", () => {
  const { early: waiting, due } = early();
  for (const [id, inMs] of [
    [1, 5],
    [2, 2.5],
    [3, 9],
    [4, 2.5],
  ] as const)
    waiting.add(held(id, inMs));

  vi.advanceTimersByTime(2);
  expect(due).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(due.toSorted()).toEqual([2, 4]);
  vi.advanceTimersByTime(2);
  expect(due.at(-1)).toBe(1);
  vi.advanceTimersByTime(4);
  expect(due.at(-1)).toBe(3);
  expect(waiting.size).toBe(0);
});

test("what is cleared is returned and never let go", () => {
  const { early: waiting, due } = early();
  waiting.add(held(1, 5));
  waiting.add(held(2, 7));

  expect(waiting.clear().map((one) => one.reminderId)).toEqual([2, 1]);
  vi.advanceTimersByTime(20);
  expect(due).toEqual([]);
  expect(waiting.size).toBe(0);
});
