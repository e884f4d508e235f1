import { expect, onTestFinished, test, vi } from "vitest";
import { NotYet } from "./channel.ts";
import { SlowReceivers, type Where } from "./slow-receivers.ts";

const SLOWLY = { tookMs: 20_000, isAnswered: true };

const at = (host: string, path = "/"): Where => {
  return { tenantId: "acme", url: `https://${host}${path}`, origin: `https://${host}`, host };
};
const A = at("a.example");

test("a receiver that isn't known to be slow gets all that there is for it", () => {
  const slow = new SlowReceivers("webhooks");
  const leaves = Array.from({ length: 50 }, () => slow.enter(A));
  expect(leaves).toHaveLength(50);
});

test("a slow one gets two at once and others none of its places, until it is quick again", () => {
  const slow = new SlowReceivers("webhooks");
  slow.enter(A)(SLOWLY);

  const first = slow.enter(A);
  slow.enter(A);
  expect(() => slow.enter(A)).toThrow(NotYet);
  expect(() => slow.enter(at("b.example"))).not.toThrow();

  first({ tookMs: 10, isAnswered: true });
  expect(() => [slow.enter(A), slow.enter(A)]).not.toThrow();
});

test("who hasn't answered lately gets so many at once until it does, and is looked after soon, unless it doesn't", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const slow = new SlowReceivers("webhooks", 3);
  const waitMs = (): number => {
    try {
      slow.enter(A)(null);
      return 0;
    } catch (error) {
      expect(error).toBeInstanceOf(NotYet);
      return (error as NotYet).waitMs;
    }
  };
  const leaves = [1, 2, 3].map(() => slow.enter(A));
  expect(waitMs()).toBeLessThan(1_000);
  expect(() => slow.enter(at("b.example"))).not.toThrow();
  vi.advanceTimersByTime(3_000);
  expect(waitMs()).toBeGreaterThan(1_000);

  leaves[0]?.({ tookMs: 3_000, isAnswered: true });
  for (let n = 0; n < 20; n += 1) slow.enter(A);
  expect(waitMs()).toBe(0);
  vi.advanceTimersByTime(61_000);
  slow.enter(A);
  expect(waitMs()).toBeGreaterThan(1_000);
});

test("nobody answers by refusing, nor by a connection that doesn't come: that one is slow", () => {
  const slow = new SlowReceivers("webhooks", 3);
  const [one, other] = [1, 2, 3].map(() => slow.enter(A));
  one?.({ tookMs: 5, isAnswered: false });
  slow.enter(A);
  expect(() => slow.enter(A)).toThrow("until a.example has answered there, only 3 webhooks go there at once");
  other?.({ tookMs: 3_000, isAnswered: false });
  expect(() => slow.enter(A)).toThrow("a.example is slow, so only 2 webhooks go there at once");
});

test("of a receiver's addresses each answers for itself; all that haven't share in what it gets at first", () => {
  const slow = new SlowReceivers("webhooks", 3);
  const [quick, hung] = [at("a.example", "/quick"), at("a.example", "/hung")];
  slow.enter(quick)({ tookMs: 5, isAnswered: true });
  for (let n = 0; n < 20; n += 1) slow.enter(quick);
  for (let n = 0; n < 3; n += 1) slow.enter(n === 0 ? hung : at("a.example", `/hung/${n}`));
  expect(() => slow.enter(hung)).toThrow(NotYet);
  expect(() => slow.check(hung)).toThrow(NotYet);
  expect(() => slow.check(quick)).not.toThrow();
});

test("that another address of it answers doesn't make one that hangs worth looking after soon", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const slow = new SlowReceivers("webhooks", 1);
  const [quick, hung] = [at("a.example", "/quick"), at("a.example", "/hung")];
  slow.enter(quick)({ tookMs: 5, isAnswered: true });
  slow.enter(hung);
  vi.advanceTimersByTime(3_000);
  slow.enter(quick)({ tookMs: 5, isAnswered: true });
  let waitMs = 0;
  try {
    slow.check(hung);
  } catch (error) {
    waitMs = (error as NotYet).waitMs;
  }
  expect(waitMs).toBeGreaterThan(1_000);
});

test("an address that was quick an hour ago is looked after soon again, and one that was never asked isn't for ever", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const slow = new SlowReceivers("webhooks", 2);
  const waitMs = (where: Where): number => {
    try {
      slow.check(where);
      return 0;
    } catch (error) {
      return (error as NotYet).waitMs;
    }
  };
  const before = at("a.example", "/before");
  slow.enter(before)({ tookMs: 5, isAnswered: true });
  vi.advanceTimersByTime(3_600_000);
  for (const path of ["/1", "/2"]) slow.enter(at("a.example", path));
  expect(waitMs(before)).toBeGreaterThan(0);
  expect(waitMs(before)).toBeLessThan(1_000);
  vi.advanceTimersByTime(3_000);
  expect(waitMs(at("a.example", "/never-asked"))).toBeGreaterThan(1_000);
});

test("what wasn't asked after all tells nothing about how slow it is", () => {
  const slow = new SlowReceivers("webhooks");
  slow.enter(A)(SLOWLY);
  const [first] = [slow.enter(A), slow.enter(A)];
  first?.(null);
  slow.enter(A);
  expect(() => slow.enter(A)).toThrow(NotYet);
});
