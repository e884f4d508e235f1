import { expect } from "vitest";
import { type Cap, type Kind, NO_SLOTS, type Pace, place, type Slots, UNUSED } from "../../src/core/pace.ts";

export const T0 = Date.UTC(2026, 0, 15, 10);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The most that begin within any window, of which one end is open. */
export function mostWithin(begun: readonly number[], windowMs: number): number {
  return Math.max(0, ...begun.map((from) => begun.filter((at) => at >= from && at < from + windowMs).length));
}

/** Under which caps one message stands: for each kind of them the name of whoever it holds for. */
type Under = Partial<Record<Kind, string>>;

interface Simulated {
  /** Of each kind: the cap, for all of that kind. */
  caps: Partial<Record<Kind, Cap | null>>;
  /** How long after it was told to come one comes. */
  lateMs?: (n: number) => number;
  /** One that may begin comes back unsent instead, after so many; null: it begins. */
  unsentMs?: (n: number) => number | null;
  /** Of each message; not set: all of them are for the same. */
  under?: (n: number) => Under;
}

const FOR_ONE: Under = { person: "ann", recipient: "ann@example.org", tenant: "default" };

/** Messages that come at these instants and, when told to wait, come again. */
export function simulate(arrivals: readonly number[], simulated: Simulated) {
  const { caps, lateMs = () => 0, unsentMs = () => null, under = () => FOR_ONE } = simulated;
  const paces = new Map<string, Pace>();
  const waiting = arrivals.map((at, n) => ({ n, at, slots: NO_SLOTS as Slots }));
  const begun: { n: number; at: number }[] = [];
  let asked = 0;
  while (waiting.length > 0) {
    waiting.sort((a, b) => b.at - a.at);
    const next = waiting.pop() as (typeof waiting)[number];
    const mine = (Object.entries(under(next.n)) as [Kind, string][]).flatMap(([kind, name]) => {
      const cap = caps[kind];
      return cap ? [{ kind, name, cap, pace: paces.get(name) ?? UNUSED }] : [];
    });
    const placing = place(next.slots, Object.fromEntries(mine.map((one) => [one.kind, one])), next.at);
    for (const { kind, name, pace } of mine) paces.set(name, placing.paces[kind] ?? pace);
    asked += 1;
    const { until } = placing;
    const backMs = until === null ? unsentMs(asked) : null;
    if (backMs !== null) waiting.push({ ...next, at: next.at + backMs, slots: placing.taken });
    else if (until === null) begun.push(next);
    else {
      expect(until).toBeGreaterThan(next.at);
      waiting.push({ ...next, at: until + lateMs(asked), slots: placing.slots });
    }
  }
  /** When those began that this name of a cap holds for; without one: all. */
  const begunOf = (name?: string): number[] =>
    begun.flatMap(({ n, at }) => (name === undefined || Object.values(under(n)).includes(name) ? [at] : []));
  return { begun: begunOf(), begunOf, byMessage: begun, asked };
}
