import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Cap,
  type Caps,
  type Each,
  keepsPromises,
  NO_SLOTS,
  nextPlace,
  type Pace,
  place,
  promiseAnew,
  type Slots,
  takePlace,
  UNUSED,
} from "./pace.ts";

const T0 = Date.UTC(2026, 0, 15, 10);
const MINUTE = 60_000;
const TEN_A_MINUTE: Cap = { limit: 10, windowMs: MINUTE };

/** The most that begin within any window, of which one end is open. */
function mostWithin(begun: readonly number[], windowMs: number): number {
  return Math.max(0, ...begun.map((from) => begun.filter((at) => at >= from && at < from + windowMs).length));
}

/** Messages that come at these instants and, when told to wait, come again so many milliseconds after they were told. */
function simulate(arrivals: readonly number[], lateMs: (n: number) => number, caps: Partial<Each<Cap>>) {
  const paces: Each<Pace> = { person: UNUSED, recipient: UNUSED, tenant: UNUSED };
  const paced = (whose: keyof Caps) => {
    const cap = caps[whose];
    return cap ? { cap, pace: paces[whose] } : null;
  };
  const waiting = arrivals.map((at) => ({ at, slots: NO_SLOTS as Slots, asked: 0 }));
  const begun: number[] = [];
  let asked = 0;
  while (waiting.length > 0) {
    waiting.sort((a, b) => b.at - a.at);
    const next = waiting.pop() as (typeof waiting)[number];
    const all = { person: paced("person"), recipient: paced("recipient"), tenant: paced("tenant") };
    const { until, slots, paces: changed } = place(next.slots, all, next.at);
    Object.assign(paces, changed);
    asked += 1;
    if (until === null) begun.push(next.at);
    else {
      expect(until).toBeGreaterThan(next.at);
      waiting.push({ at: until + lateMs(asked), slots, asked: next.asked + 1 });
    }
  }
  return { begun, asked };
}

test("up to the cap they begin at once, and the next when a place is free again, one after the other", () => {
  let pace = UNUSED;
  for (let n = 0; n < 10; n += 1) {
    expect(nextPlace(pace, TEN_A_MINUTE, T0)).toBe(T0);
    pace = takePlace(pace, TEN_A_MINUTE, T0, T0);
  }
  const slots: number[] = [];
  for (let n = 0; n < 3; n += 1) {
    const at = nextPlace(pace, TEN_A_MINUTE, T0 + 1_000);
    pace = takePlace(pace, TEN_A_MINUTE, at, T0 + 1_000);
    slots.push(at - T0);
  }
  expect(slots).toEqual([61_000, 67_000, 73_000]);
});

test("no window ever has more than the cap, however they come, and however late they use what was promised", () => {
  const cap = fc.record({ limit: fc.integer({ min: 1, max: 20 }), windowMs: fc.constantFrom(MINUTE, 60 * MINUTE) });
  fc.assert(
    fc.property(
      cap,
      fc.array(fc.integer({ min: 0, max: 10 * MINUTE }), { maxLength: 80 }),
      fc.array(fc.oneof({ weight: 5, arbitrary: fc.nat(50) }, fc.nat(3 * MINUTE)), { minLength: 1, maxLength: 20 }),
      (cap, offsets, lateness) => {
        const arrivals = offsets.map((offset) => T0 + offset);
        const late = (n: number) => (n < 300 ? (lateness[n % lateness.length] as number) : 0);
        const { begun } = simulate(arrivals, late, { tenant: cap });
        expect(begun).toHaveLength(arrivals.length);
        expect(mostWithin(begun, cap.windowMs)).toBeLessThanOrEqual(cap.limit);
      },
    ),
    { numRuns: 300 },
  );
});

test("under several caps none is exceeded, and all get through", () => {
  const hour = { limit: 3, windowMs: 60 * MINUTE };
  const day = { limit: 8, windowMs: 24 * 60 * MINUTE };
  const caps = { tenant: { limit: 5, windowMs: MINUTE }, recipient: hour, person: day };
  fc.assert(
    fc.property(fc.array(fc.nat(10 * MINUTE), { maxLength: 25 }), (offsets) => {
      const { begun } = simulate(
        offsets.map((offset) => T0 + offset),
        () => 20,
        caps,
      );
      expect(begun).toHaveLength(offsets.length);
      expect(mostWithin(begun, caps.tenant.windowMs)).toBeLessThanOrEqual(caps.tenant.limit);
      for (const { limit, windowMs } of [hour, day]) expect(mostWithin(begun, windowMs)).toBeLessThanOrEqual(limit);
    }),
    { numRuns: 200 },
  );
});

test("who waits is told once, and a backlog goes at nearly the pace of the cap", () => {
  const cap = { limit: 60, windowMs: MINUTE };
  const { begun, asked } = simulate(
    Array.from({ length: 600 }, () => T0),
    () => 30,
    { tenant: cap },
  );
  expect(asked).toBe(60 + 2 * 540);
  expect(Math.max(...begun) - T0).toBeLessThan(11 * MINUTE);
});

test("who comes later doesn't overtake those who were promised a place", () => {
  let pace = UNUSED;
  for (let n = 0; n < 10; n += 1) pace = takePlace(pace, TEN_A_MINUTE, T0, T0);
  const promised = nextPlace(pace, TEN_A_MINUTE, T0);
  pace = takePlace(pace, TEN_A_MINUTE, promised, T0);

  expect(nextPlace(pace, TEN_A_MINUTE, T0 + 60_500)).toBeGreaterThan(promised);
});

test("what is kept stays small, whatever was promised", () => {
  const cap = { limit: 6_000, windowMs: MINUTE };
  let pace = UNUSED;
  for (let n = 0; n < 20_000; n += 1) pace = takePlace(pace, cap, nextPlace(pace, cap, T0), T0);
  expect(pace.places.length).toBeLessThan(70);
});

const DAY = 24 * 60 * MINUTE;

/**
 * The same for one person who wants another number of messages a day now and then. `heeds`: whether what waits is promised its places
 * anew right then; else it only shows when it asks.
 */
function simulateChanges(
  arrivals: readonly number[],
  changes: readonly { at: number; limit: number; heeds: boolean }[],
) {
  let pace: Pace = UNUSED;
  let cap: Cap = { limit: changes[0]?.limit ?? 1, windowMs: DAY };
  const waiting = arrivals.map((at, no) => ({ at, no, slots: NO_SLOTS as Slots }));
  const begun: { at: number; no: number; limit: number }[] = [];
  const coming = changes.toSorted((a, b) => b.at - a.at);
  const promiseAll = (now: number) => {
    const queue = waiting.filter(({ slots }) => slots.person !== null);
    queue.sort((a, b) => (a.slots.person as number) - (b.slots.person as number));
    const before = queue.map(({ no }) => no);
    const anew = promiseAnew(pace, cap, queue.length, now);
    for (const [n, one] of queue.entries()) {
      const at = anew.slots[n] as number;
      Object.assign(one, { at: Math.max(at, now), slots: { ...NO_SLOTS, person: at } });
    }
    expect(queue.toSorted((a, b) => a.at - b.at).map(({ no }) => no)).toEqual(before);
    pace = anew.pace;
  };
  while (waiting.length > 0) {
    waiting.sort((a, b) => b.at - a.at || b.no - a.no);
    const change = coming.at(-1);
    if (change && change.at <= (waiting.at(-1)?.at ?? 0)) {
      coming.pop();
      cap = { ...cap, limit: change.limit };
      if (change.heeds) promiseAll(change.at);
      continue;
    }
    const next = waiting.pop() as (typeof waiting)[number];
    if (!keepsPromises(pace, cap, [next.slots.person], next.at)) {
      waiting.push(next);
      promiseAll(next.at);
      continue;
    }
    const placing = place(next.slots, { person: { cap, pace }, recipient: null, tenant: null }, next.at);
    pace = placing.paces.person ?? pace;
    if (placing.until === null) begun.push({ at: next.at, no: next.no, limit: cap.limit });
    else waiting.push({ ...next, at: placing.until, slots: placing.slots });
  }
  return { begun, pace };
}

/** Of those that begin within a day up to and with one, how many more there are than were wanted then. */
function beyond(begun: readonly { at: number; limit: number }[]): number {
  return Math.max(
    0,
    ...begun.map(({ at, limit }, n) => begun.filter((one, m) => m <= n && one.at > at - DAY).length - limit),
  );
}

const WISHES = fc.array(
  fc.record({ at: fc.nat(5 * DAY).map((at) => T0 + at), limit: fc.integer({ min: 1, max: 12 }), heeds: fc.boolean() }),
  { minLength: 1, maxLength: 8 },
);

const COMING = fc.array(fc.record({ at: fc.nat(4 * DAY), count: fc.integer({ min: 1, max: 14 }) }), { maxLength: 6 });

test("whoever changes how many they want a day never gets more than they want then, and all of it, in its order", () => {
  fc.assert(
    fc.property(WISHES, COMING, (changes, crowds) => {
      const offsets = crowds.flatMap(({ at, count }) => Array.from({ length: count }, () => at));
      const arrivals = offsets.toSorted((a, b) => a - b).map((offset) => T0 + offset);
      const { begun, pace } = simulateChanges(arrivals, changes);
      expect(beyond(begun)).toBe(0);
      expect(begun.map(({ no }) => no).toSorted((a, b) => a - b)).toEqual(arrivals.map((_, no) => no));
      expect(pace.used.length).toBeLessThan(70);
    }),
    { numRuns: 300 },
  );
});

test("a lower number holds for the very next message, and a higher one at once", () => {
  const tenThenMore = (limit: number) =>
    simulateChanges(
      Array.from({ length: 30 }, () => T0),
      [
        { at: T0, limit: 10, heeds: true },
        { at: T0 + MINUTE, limit, heeds: true },
      ],
    ).begun.map(({ at }) => (at - T0) / DAY);
  expect(tenThenMore(2).filter((days) => days < 1)).toHaveLength(10);
  expect(tenThenMore(2).filter((days) => days >= 1 && days < 2)).toHaveLength(2);
  expect(tenThenMore(25).filter((days) => days < 0.01)).toHaveLength(25);
});
