import fc from "fast-check";
import { expect, test } from "vitest";
import { type Cap, NO_SLOTS, nextPlace, type Pace, type Paced, place, type Slots, takePlace, UNUSED } from "./pace.ts";

const T0 = Date.UTC(2026, 0, 15, 10);
const MINUTE = 60_000;
const TEN_A_MINUTE: Cap = { limit: 10, windowMs: MINUTE };

/** The most that begin within any window, of which one end is open. */
function mostWithin(begun: readonly number[], windowMs: number): number {
  return Math.max(0, ...begun.map((from) => begun.filter((at) => at >= from && at < from + windowMs).length));
}

/**
 * Messages that come at these instants and, when told to wait, come again so many milliseconds after they were told. `unsentMs`: one that may
 * begin comes back unsent instead, after so many; null: it begins.
 */
function simulate(
  arrivals: readonly number[],
  lateMs: (n: number) => number,
  caps: { tenant: Cap | null; recipients: readonly Cap[] },
  unsentMs: (n: number) => number | null = () => null,
) {
  let ofTenant: Pace = UNUSED;
  let ofRecipients: readonly Pace[] = caps.recipients.map(() => UNUSED);
  const waiting = arrivals.map((at) => ({ at, slots: NO_SLOTS as Slots, asked: 0 }));
  const begun: number[] = [];
  let asked = 0;
  while (waiting.length > 0) {
    waiting.sort((a, b) => b.at - a.at);
    const next = waiting.pop() as (typeof waiting)[number];
    const paced: Paced[] = caps.recipients.map((cap, n) => ({ cap, pace: ofRecipients[n] as Pace }));
    const byTenant = caps.tenant && { cap: caps.tenant, pace: ofTenant };
    const { until, slots, taken, tenant, recipients } = place(next.slots, byTenant, paced, next.at);
    ofTenant = tenant ?? ofTenant;
    ofRecipients = recipients;
    asked += 1;
    const backMs = until === null ? unsentMs(asked) : null;
    if (backMs !== null) waiting.push({ at: next.at + backMs, slots: taken, asked: next.asked + 1 });
    else if (until === null) begun.push(next.at);
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
        const { begun } = simulate(arrivals, late, { tenant: cap, recipients: [] });
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
  const caps = { tenant: { limit: 5, windowMs: MINUTE }, recipients: [hour, day] };
  fc.assert(
    fc.property(fc.array(fc.nat(10 * MINUTE), { maxLength: 25 }), (offsets) => {
      const { begun } = simulate(
        offsets.map((offset) => T0 + offset),
        () => 20,
        caps,
      );
      expect(begun).toHaveLength(offsets.length);
      expect(mostWithin(begun, caps.tenant.windowMs)).toBeLessThanOrEqual(caps.tenant.limit);
      for (const { limit, windowMs } of caps.recipients) expect(mostWithin(begun, windowMs)).toBeLessThanOrEqual(limit);
    }),
    { numRuns: 200 },
  );
});

test("what comes back unsent has its place again for a while, and then asks anew", () => {
  const three = { limit: 3, windowMs: 60 * MINUTE };
  const all = Array.from({ length: 4 }, () => T0);
  const begunAfter = (backMs: number) =>
    simulate(
      all,
      () => 0,
      { tenant: null, recipients: [three] },
      (n) => (n <= 3 ? backMs : null),
    ).begun.map((at) => at - T0);
  expect(begunAfter(20_000).filter((at) => at === 20_000)).toHaveLength(3);
  expect(begunAfter(2 * MINUTE).filter((at) => at === 2 * MINUTE)).toHaveLength(0);
});

test("so it has under an hour's cap and a day's at once, and while it waits for its tenant's turn", () => {
  const [hour, day] = [60 * MINUTE, 24 * 60 * MINUTE];
  const firstThree = (backMs: number) => (n: number) => (n <= 3 ? backMs : null);
  const both = (perHour: number, perDay: number) => {
    return {
      tenant: null,
      recipients: [
        { limit: perHour, windowMs: hour },
        { limit: perDay, windowMs: day },
      ],
    };
  };
  expect(simulate([T0, T0, T0], () => 0, both(3, 3), firstThree(1_000)).begun).toEqual(Array(3).fill(T0 + 1_000));

  const byTenant = { tenant: { limit: 3, windowMs: MINUTE }, recipients: [{ limit: 4, windowMs: day }] };
  const { begun } = simulate([T0, T0, T0, T0 + hour], () => 0, byTenant, firstThree(1_200));
  expect(Math.max(...begun)).toBe(T0 + hour);

  // The first is put back until it has no place of the hour's any more, when the second was promised the next one of the day's.
  const late = simulate([T0, T0 + 7 * MINUTE], () => 0, both(4, 1), firstThree(3 * MINUTE));
  expect(mostWithin(late.begun, day)).toBe(1);
});

test("what has its recipient's place takes it along to its tenant's turn, however far that is, and doesn't wait for the next", () => {
  const [minute, hour] = [
    { limit: 1, windowMs: MINUTE },
    { limit: 1, windowMs: 60 * MINUTE },
  ];
  let tenant = UNUSED;
  for (let n = 0; n < 10; n += 1) tenant = takePlace(tenant, minute, nextPlace(tenant, minute, T0), T0);
  const turn = nextPlace(tenant, minute, T0);
  const recipient = takePlace(UNUSED, hour, T0, T0 - 60 * MINUTE);
  const asked = place(
    { tenant: null, recipient: T0 },
    { cap: minute, pace: tenant },
    [{ cap: hour, pace: recipient }],
    T0,
  );
  expect(asked).toMatchObject({ until: turn, slots: { tenant: turn, recipient: turn } });

  // Unless somebody was promised the one behind its own.
  const next = takePlace(recipient, hour, nextPlace(recipient, hour, T0), T0);
  const behind = place({ tenant: null, recipient: T0 }, { cap: minute, pace: tenant }, [{ cap: hour, pace: next }], T0);
  expect(behind.until).toBe(nextPlace(next, hour, T0));
});

test("nor has any window more than the cap where some come back unsent, once or again and again, and however late they ask", () => {
  const limit = fc.integer({ min: 1, max: 6 });
  const soon = fc.oneof({ weight: 3, arbitrary: fc.nat(900) }, fc.nat(50_000), fc.nat(40 * MINUTE));
  fc.assert(
    fc.property(
      fc.record({ minute: fc.option(limit), hour: fc.option(limit), day: fc.option(limit) }),
      fc.array(fc.nat(90 * MINUTE), { maxLength: 20 }),
      fc.array(fc.option(soon, { freq: 1 }), { minLength: 1, maxLength: 20 }),
      fc.array(fc.oneof({ weight: 3, arbitrary: fc.nat(50) }, fc.nat(20 * MINUTE)), { minLength: 1, maxLength: 20 }),
      ({ minute, hour, day }, offsets, back, lateness) => {
        const cap = (limit: number | null, windowMs: number) => (limit === null ? [] : [{ limit, windowMs }]);
        const [tenant = null] = cap(minute, MINUTE);
        const recipients = [...cap(hour, 60 * MINUTE), ...cap(day, 24 * 60 * MINUTE)];
        const { begun } = simulate(
          offsets.map((offset) => T0 + offset),
          (n) => (n < 300 ? (lateness[n % lateness.length] as number) : 0),
          { tenant, recipients },
          (n) => (n < 200 ? (back[n % back.length] as number | null) : null),
        );
        expect(begun).toHaveLength(offsets.length);
        for (const { limit, windowMs } of [...(tenant ? [tenant] : []), ...recipients])
          expect(mostWithin(begun, windowMs)).toBeLessThanOrEqual(limit);
      },
    ),
    { numRuns: Number(process.env.PACE_RUNS ?? 1_000) },
  );
});

test("who waits is told once, and a backlog goes at nearly the pace of the cap", () => {
  const cap = { limit: 60, windowMs: MINUTE };
  const { begun, asked } = simulate(
    Array.from({ length: 600 }, () => T0),
    () => 30,
    { tenant: cap, recipients: [] },
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
