import { expect, test } from "vitest";
import { leftSince, type Sight, type Unfinished } from "./observe.ts";

const CALM_FROM = 10_000;

function sightOf(...unfinished: Unfinished[]): Sight {
  return { tables: { reminders: [], deliveries: [], events: [] }, readAt: 30_000, unfinished };
}

test("what was due when the last fault ended, and isn't dealt with, is left", () => {
  const stuck = { what: "stuck", dueAt: CALM_FROM, isWaiting: false };
  expect(leftSince(CALM_FROM, sightOf(stuck))).toEqual([stuck]);
});

test("what fell due since then, or waits for an instant to come, says nothing of how long that takes", () => {
  const fresh = { what: "fresh", dueAt: CALM_FROM + 1, isWaiting: false };
  const held = { what: "held", dueAt: CALM_FROM - 60_000, isWaiting: true };
  expect(leftSince(CALM_FROM, sightOf(fresh, held))).toEqual([]);
});
