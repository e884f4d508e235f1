import { expect, onTestFinished, test, vi } from "vitest";
import { NotYet } from "./channel.ts";
import { SlowReceivers } from "./slow-receivers.ts";

const SLOWLY_MS = 20_000;

test("a receiver that isn't known to be slow gets all that there is for it", () => {
  const slow = new SlowReceivers("webhooks");
  const leaves = Array.from({ length: 50 }, () => slow.enter("a", "a.example"));
  expect(leaves).toHaveLength(50);
});

test("a slow one gets two at once and others none of its places, until it is quick again", () => {
  const slow = new SlowReceivers("webhooks");
  slow.enter("a", "a.example")(SLOWLY_MS);

  const first = slow.enter("a", "a.example");
  slow.enter("a", "a.example");
  expect(() => slow.enter("a", "a.example")).toThrow(NotYet);
  expect(() => slow.enter("b", "b.example")).not.toThrow();

  first(10);
  expect(() => [slow.enter("a", "a.example"), slow.enter("a", "a.example")]).not.toThrow();
});

test("who hasn't answered lately gets so many at once until it does, and is looked after soon, unless it doesn't", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const slow = new SlowReceivers("webhooks", 3);
  const waitMs = (): number => {
    try {
      slow.enter("a", "a.example")(null);
      return 0;
    } catch (error) {
      expect(error).toBeInstanceOf(NotYet);
      return (error as NotYet).waitMs;
    }
  };
  const leaves = [1, 2, 3].map(() => slow.enter("a", "a.example"));
  expect(waitMs()).toBeLessThan(1_000);
  expect(() => slow.enter("b", "b.example")).not.toThrow();
  vi.advanceTimersByTime(3_000);
  expect(waitMs()).toBeGreaterThan(1_000);

  leaves[0]?.(3_000);
  for (let n = 0; n < 20; n += 1) slow.enter("a", "a.example");
  expect(waitMs()).toBe(0);
  vi.advanceTimersByTime(61_000);
  expect(waitMs()).toBeGreaterThan(1_000);
});

test("what wasn't asked after all tells nothing about how slow it is", () => {
  const slow = new SlowReceivers("webhooks");
  slow.enter("a", "a.example")(SLOWLY_MS);
  const [first] = [slow.enter("a", "a.example"), slow.enter("a", "a.example")];
  first?.(null);
  slow.enter("a", "a.example");
  expect(() => slow.enter("a", "a.example")).toThrow(NotYet);
});
