import fc from "fast-check";
import { expect, test } from "vitest";
import { DAY, HOUR, MINUTE, mostWithin, simulate, T0 } from "../../test/support/pacing.ts";
import { type Cap, goodAfter, holdsPlace, type Kind, NO_SLOTS, place, UNUSED, WINDOWS_MS } from "./pace.ts";

const RUNS = Number(process.env.PACE_RUNS ?? 1_000);

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
        const { begun } = simulate(arrivals, { caps: { tenant: cap }, lateMs: late });
        expect(begun).toHaveLength(arrivals.length);
        expect(mostWithin(begun, cap.windowMs)).toBeLessThanOrEqual(cap.limit);
      },
    ),
    { numRuns: 300 },
  );
});

test("under several caps none is exceeded, and all get through", () => {
  const caps = {
    tenant: { limit: 5, windowMs: MINUTE },
    recipient: { limit: 3, windowMs: HOUR },
    person: { limit: 8, windowMs: DAY },
  };
  fc.assert(
    fc.property(fc.array(fc.nat(10 * MINUTE), { maxLength: 25 }), (offsets) => {
      const { begun } = simulate(
        offsets.map((offset) => T0 + offset),
        { caps, lateMs: () => 20 },
      );
      expect(begun).toHaveLength(offsets.length);
      for (const { limit, windowMs } of Object.values(caps))
        expect(mostWithin(begun, windowMs)).toBeLessThanOrEqual(limit);
    }),
    { numRuns: 200 },
  );
});

/** Messages of one tenant to one of two addresses each; most for one of two people, for whom there are days, the others for nobody known. */
const MESSAGES = fc.array(
  fc.record({
    offset: fc.oneof(fc.nat(10), fc.nat(5 * MINUTE), fc.nat(6 * HOUR)),
    under: fc.record(
      {
        person: fc.constantFrom("ann", "bob"),
        recipient: fc.constantFrom("office@example.org", "home@example.org"),
        tenant: fc.constant("default"),
      },
      { requiredKeys: ["recipient", "tenant"] },
    ),
  }),
  { maxLength: 20 },
);

/** What a tenant may send a minute, an address get an hour, and a person a day. */

function capsOf(limits: Record<"minute" | "hour" | "day", number | null>): Partial<Record<Kind, Cap | null>> {
  const cap = (limit: number | null, windowMs: number): Cap | null => (limit === null ? null : { limit, windowMs });
  return { tenant: cap(limits.minute, MINUTE), recipient: cap(limits.hour, HOUR), person: cap(limits.day, DAY) };
}

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
        const caps = capsOf({ minute, hour, day });
        const { begun } = simulate(
          offsets.map((offset) => T0 + offset),
          {
            caps,
            lateMs: (n) => (n < 300 ? (lateness[n % lateness.length] as number) : 0),
            unsentMs: (n) => (n < 200 ? (back[n % back.length] as number | null) : null),
          },
        );
        expect(begun).toHaveLength(offsets.length);
        for (const cap of Object.values(caps))
          if (cap) expect(mostWithin(begun, cap.windowMs)).toBeLessThanOrEqual(cap.limit);
      },
    ),
    { numRuns: RUNS },
  );
});

test("nor where several people share addresses, and each of them has several", () => {
  const limit = fc.integer({ min: 1, max: 4 });
  const late = fc.oneof({ weight: 3, arbitrary: fc.nat(50) }, fc.nat(5_000), fc.nat(20 * MINUTE), fc.nat(3 * HOUR));
  const back = fc.option(fc.oneof(fc.nat(900), fc.nat(50_000), fc.nat(40 * MINUTE)), { freq: 1 });
  fc.assert(
    fc.property(
      fc.record({ minute: fc.option(limit), hour: fc.option(limit), day: fc.option(limit) }),
      MESSAGES,
      fc.array(late, { minLength: 1, maxLength: 20 }),
      fc.array(back, { minLength: 1, maxLength: 20 }),
      (limits, messages, lateness, backs) => {
        const caps = capsOf(limits);
        const { begun, begunOf } = simulate(
          messages.map(({ offset }) => T0 + offset),
          {
            caps,
            under: (n) => (messages[n] as (typeof messages)[number]).under,
            lateMs: (n) => (n < 300 ? (lateness[n % lateness.length] as number) : 0),
            unsentMs: (n) => (n < 200 ? (backs[n % backs.length] as number | null) : null),
          },
        );
        expect(begun).toHaveLength(messages.length);
        for (const [kind, name] of messages.flatMap(({ under }) => Object.entries(under) as [Kind, string][])) {
          const cap = caps[kind];
          if (cap) expect(mostWithin(begunOf(name), cap.windowMs)).toBeLessThanOrEqual(cap.limit);
        }
      },
    ),
    { numRuns: RUNS },
  );
});

test("who comes when told waits no longer than all that stand under the same caps take, whatever others under other caps wait for", () => {
  const limit = fc.integer({ min: 1, max: 4 });
  fc.assert(
    fc.property(
      fc.record({ minute: fc.option(limit), hour: fc.option(limit), day: fc.option(limit) }),
      MESSAGES,
      (limits, messages) => {
        const caps = capsOf(limits);
        const { byMessage } = simulate(
          messages.map(({ offset }) => T0 + offset),
          { caps, under: (n) => (messages[n] as (typeof messages)[number]).under },
        );
        for (const { n, at } of byMessage) {
          const { offset, under } = messages[n] as (typeof messages)[number];
          // A twentieth for who is late, and a sixtieth or two by which a place is kept longer, and to which it is rounded.
          const longest = (Object.entries(under) as [Kind, string][]).map(([kind, name]) => {
            const all = messages.filter((other) => other.under[kind] === name).length;
            const cap = caps[kind];
            return cap ? Math.ceil(all / cap.limit) * cap.windowMs * (1 + 1 / 20 + 2 / 60) : 0;
          });
          expect(at - T0 - offset).toBeLessThanOrEqual(longest.reduce((sum, ms) => sum + ms, 0));
        }
      },
    ),
    { numRuns: RUNS },
  );
});

test("what is kept of a place that was taken is good when its message comes back, and what isn't kept is no good then", () => {
  const kinds = Object.keys(WINDOWS_MS) as Kind[];
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds),
      fc.nat(DAY / 24),
      fc.integer({ min: 1, max: 9 }),
      fc.option(fc.nat(DAY / 24)),
      (kind, backMs, limit, promisedAgoMs) => {
        const cap = { limit, windowMs: WINDOWS_MS[kind] };
        const had = { ...NO_SLOTS, [kind]: promisedAgoMs === null ? null : T0 - promisedAgoMs };
        const { taken } = place(had, { [kind]: { cap, pace: UNUSED } }, T0);
        const kept = goodAfter({ at: T0, slots: taken }, backMs)[kind];
        expect(kept !== null).toBe(holdsPlace(taken[kind], cap, T0 + backMs));
        expect([null, taken[kind]]).toContain(kept);
      },
    ),
  );
});
