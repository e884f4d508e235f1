import { expect, test } from "vitest";
import { DAY, HOUR, MINUTE, mostWithin, simulate, T0 } from "../../test/support/pacing.ts";
import { type Cap, NO_SLOTS, nextPlace, type Pace, place, takePlace, UNUSED, whenFree } from "./pace.ts";

const TEN_A_MINUTE: Cap = { limit: 10, windowMs: MINUTE };

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

test("what comes back unsent has its place again for a while, and then asks anew", () => {
  const recipient = { limit: 3, windowMs: HOUR };
  const all = Array.from({ length: 4 }, () => T0);
  const begunAfter = (backMs: number) =>
    simulate(all, { caps: { recipient }, unsentMs: (n) => (n <= 3 ? backMs : null) }).begun.map((at) => at - T0);
  expect(begunAfter(20_000).filter((at) => at === 20_000)).toHaveLength(3);
  expect(begunAfter(2 * MINUTE).filter((at) => at === 2 * MINUTE)).toHaveLength(0);
});

test("so it has under an hour's cap and a day's at once, and while it waits for its tenant's turn", () => {
  const firstThree = (backMs: number) => (n: number) => (n <= 3 ? backMs : null);
  const both = (perHour: number, perDay: number) => {
    return { recipient: { limit: perHour, windowMs: HOUR }, person: { limit: perDay, windowMs: DAY } };
  };
  const unsent = simulate([T0, T0, T0], { caps: both(3, 3), unsentMs: firstThree(1_000) });
  expect(unsent.begun).toEqual(Array(3).fill(T0 + 1_000));
  // Of the day for longer than of the hour, which has room for others.
  const longer = simulate([T0, T0, T0], { caps: both(6, 3), unsentMs: firstThree(20 * MINUTE) });
  expect(longer.begun).toEqual(Array(3).fill(T0 + 20 * MINUTE));

  const caps = { tenant: { limit: 3, windowMs: MINUTE }, person: { limit: 4, windowMs: DAY } };
  const { begun } = simulate([T0, T0, T0, T0 + HOUR], { caps, unsentMs: firstThree(1_200) });
  expect(Math.max(...begun)).toBe(T0 + HOUR);

  // The first is put back until it has no place of the hour's any more, when the second was promised the next one of the day's.
  const late = simulate([T0, T0 + 7 * MINUTE], { caps: both(4, 1), unsentMs: firstThree(3 * MINUTE) });
  expect(mostWithin(late.begun, DAY)).toBe(1);
});

test("what has its recipient's place takes it along to its tenant's turn, however far that is, and doesn't wait for the next", () => {
  const [minute, hour] = [
    { limit: 1, windowMs: MINUTE },
    { limit: 1, windowMs: HOUR },
  ];
  const slots = { ...NO_SLOTS, recipient: T0 };
  let tenant = UNUSED;
  for (let n = 0; n < 10; n += 1) tenant = takePlace(tenant, minute, nextPlace(tenant, minute, T0), T0);
  const turn = nextPlace(tenant, minute, T0);
  const recipient = takePlace(UNUSED, hour, T0, T0 - HOUR);
  const caps = { tenant: { cap: minute, pace: tenant }, recipient: { cap: hour, pace: recipient } };
  expect(place(slots, caps, T0)).toMatchObject({ until: turn, slots: { tenant: turn, recipient: turn } });

  // Unless somebody was promised the one behind its own.
  const next = takePlace(recipient, hour, nextPlace(recipient, hour, T0), T0);
  const behind = place(slots, { ...caps, recipient: { cap: hour, pace: next } }, T0);
  expect(behind.slots).toEqual({ ...NO_SLOTS, recipient: nextPlace(next, hour, T0) });
});

test("what asks ahead of its place needs no other of its person's day: else it would lose that, and go along with those of another day", () => {
  const [minute, hour, day] = [
    { limit: 1, windowMs: MINUTE },
    { limit: 1, windowMs: HOUR },
    { limit: 1, windowMs: DAY },
  ];
  let tenant = UNUSED;
  for (let n = 0; n < 10; n += 1) tenant = takePlace(tenant, minute, nextPlace(tenant, minute, T0), T0);
  const recipient = takePlace(UNUSED, hour, T0 - 5 * MINUTE, T0 - 5 * MINUTE);
  const caps = {
    person: { cap: day, pace: UNUSED },
    recipient: { cap: hour, pace: recipient },
    tenant: { cap: minute, pace: tenant },
  };
  const { until, slots, paces } = place(NO_SLOTS, caps, T0);
  const ahead = until as number;
  expect(ahead).toBeLessThan(slots.person as number);
  expect(whenFree({ cap: day, pace: paces.person as Pace }, slots.person, ahead)).toBe(ahead);
});

test("what waits for its day, and asks ahead for its tenant's turn, keeps for its day an instant that is ahead of that", () => {
  const [minute, day] = [
    { limit: 1, windowMs: MINUTE },
    { limit: 1, windowMs: DAY },
  ];
  const person = takePlace(UNUSED, day, T0 - 24 * HOUR, T0 - 24 * HOUR);
  const dayAt = nextPlace(person, day, T0);
  for (const others of [60, 150, 600]) {
    let tenant = UNUSED;
    for (let n = 0; n < others; n += 1) tenant = takePlace(tenant, minute, nextPlace(tenant, minute, T0), T0);
    const { slots } = place(
      NO_SLOTS,
      { person: { cap: day, pace: person }, tenant: { cap: minute, pace: tenant } },
      T0,
    );
    expect(slots.tenant).toBe(nextPlace(tenant, minute, T0));
    expect(slots.person).toBeGreaterThanOrEqual(dayAt);
    expect(slots.person).toBeLessThan(slots.tenant as number);
  }
});

test("what has room in its day, and waits for the others, keeps for that their instant: it is free to go when these are withdrawn", () => {
  const [minute, hour, day] = [
    { limit: 1, windowMs: MINUTE },
    { limit: 1, windowMs: HOUR },
    { limit: 9, windowMs: DAY },
  ];
  let tenant = UNUSED;
  for (let n = 0; n < 150; n += 1) tenant = takePlace(tenant, minute, nextPlace(tenant, minute, T0), T0);
  const { slots } = place(
    NO_SLOTS,
    {
      person: { cap: day, pace: UNUSED },
      recipient: { cap: hour, pace: takePlace(UNUSED, hour, T0, T0) },
      tenant: { cap: minute, pace: tenant },
    },
    T0,
  );
  expect(slots).toEqual({ person: slots.tenant, recipient: slots.tenant, tenant: nextPlace(tenant, minute, T0) });
});

test("what waits longer for its address than for its turn looks for that again, and its day stays ahead also where it loses its place there", () => {
  const [minute, hour, day] = [
    { limit: 1, windowMs: MINUTE },
    { limit: 1, windowMs: HOUR },
    { limit: 1, windowMs: DAY },
  ];
  const queue = (cap: Cap, count: number, from: Pace): Pace => {
    let pace = from;
    for (let n = 0; n < count; n += 1) pace = takePlace(pace, cap, nextPlace(pace, cap, T0), T0);
    return pace;
  };
  const person = takePlace(UNUSED, day, T0 - 20 * HOUR, T0 - 20 * HOUR);
  const first = place(
    NO_SLOTS,
    {
      person: { cap: day, pace: person },
      recipient: { cap: hour, pace: queue(hour, 8, UNUSED) },
      tenant: { cap: minute, pace: queue(minute, 1, UNUSED) },
    },
    T0,
  );
  expect(first.slots.tenant).toBeNull();
  expect(first.until).toBeLessThan(((first.slots.recipient as number) + T0) / 2 + MINUTE);

  const { slots } = place(
    first.slots,
    {
      person: { cap: day, pace: first.paces.person as Pace },
      recipient: { cap: hour, pace: queue(hour, 5, first.paces.recipient as Pace) },
      tenant: { cap: minute, pace: queue(minute, 500, UNUSED) },
    },
    T0 + MINUTE,
  );
  expect(slots.recipient).toBeGreaterThan(first.slots.recipient as number);
  expect(slots.person).toBeGreaterThan(nextPlace(person, day, T0));
  expect(slots.person).toBeLessThan(slots.recipient as number);
});

test("at an address they come as fast as its cap lets them also while the tenant always has more to send than it may", () => {
  const caps = { tenant: { limit: 1, windowMs: MINUTE }, recipient: { limit: 1, windowMs: HOUR } };
  const forAnn = Array.from({ length: 6 }, () => T0);
  const forOthers = Array.from({ length: 400 }, (_, n) => T0 + Math.max(0, n - 10) * MINUTE);
  const { begun, begunOf } = simulate([...forAnn, ...forOthers], {
    caps,
    under: (n) => ({ tenant: "default", recipient: n < forAnn.length ? "ann@example.org" : `${n}@example.org` }),
    lateMs: () => 30,
  });
  const last = Math.max(...begunOf("ann@example.org"));
  expect(last - T0).toBeLessThan(7 * HOUR);
  expect(begun.filter((at) => at > last).length).toBeGreaterThan(10);
});

test("also where it has only since they were promised their places", () => {
  const caps = { tenant: { limit: 1, windowMs: MINUTE }, recipient: { limit: 1, windowMs: HOUR } };
  const forAnn = Array.from({ length: 6 }, () => T0);
  const forOthers = Array.from({ length: 800 }, (_, n) => T0 + 30 * MINUTE + Math.max(0, n - 10) * 64_500);
  const { begunOf } = simulate([...forAnn, ...forOthers], {
    caps,
    under: (n) => ({ tenant: "default", recipient: n < forAnn.length ? "ann@example.org" : `${n}@example.org` }),
    lateMs: () => 30,
  });
  expect(Math.max(...begunOf("ann@example.org")) - T0).toBeLessThan(7 * HOUR);
});

test.each([
  ["its address always has more to get than it may", { recipient: { limit: 3, windowMs: HOUR } }, 20 * MINUTE, 12],
  [
    "their tenant always has more to send than it may",
    { recipient: { limit: 9, windowMs: HOUR }, tenant: { limit: 1, windowMs: 10 * MINUTE } },
    11 * MINUTE,
    15,
  ],
])("who wants one a day gets one a day also while %s", (_, caps, everyMs, backlog) => {
  const ofAnn = Array.from({ length: 3 }, () => T0);
  const ofOthers = Array.from({ length: 600 }, (_, n) => T0 + Math.max(0, n - backlog) * everyMs);
  const { begun, begunOf } = simulate([...ofAnn, ...ofOthers], {
    caps: { ...caps, person: { limit: 1, windowMs: DAY } },
    under: (n) => ({
      ...(n < ofAnn.length ? { person: "ann" } : {}),
      recipient: "tenant" in caps ? `${n}@example.org` : "office@example.org",
      tenant: "default",
    }),
    lateMs: () => 30,
  });
  const last = Math.max(...begunOf("ann"));
  expect(last - T0).toBeLessThan(2.5 * DAY);
  expect(begun.filter((at) => at > last).length).toBeGreaterThan(100);
});

test("who wants one a day gets one a day also while both have more than they may, their address longer than their tenant", () => {
  const ofAnn = Array.from({ length: 3 }, () => T0);
  const atOffice = Array.from({ length: 250 }, (_, n) => T0 + Math.max(0, n - 12) * 20 * MINUTE);
  const ofOthers = Array.from({ length: 2_300 }, (_, n) => T0 + Math.max(0, n - 10) * 2.2 * MINUTE);
  const { begunOf } = simulate([...ofAnn, ...atOffice, ...ofOthers], {
    caps: {
      person: { limit: 1, windowMs: DAY },
      recipient: { limit: 3, windowMs: HOUR },
      tenant: { limit: 1, windowMs: 2 * MINUTE },
    },
    under: (n) => ({
      ...(n < ofAnn.length ? { person: "ann" } : {}),
      recipient: n < ofAnn.length + atOffice.length ? "office@example.org" : `${n}@example.org`,
      tenant: "default",
    }),
    lateMs: () => 30,
  });
  expect(Math.max(...begunOf("ann")) - T0).toBeLessThan(2.5 * DAY);
});

test("who waits is told once, and a backlog goes at nearly the pace of the cap", () => {
  const cap = { limit: 60, windowMs: MINUTE };
  const { begun, asked } = simulate(
    Array.from({ length: 600 }, () => T0),
    { caps: { tenant: cap }, lateMs: () => 30 },
  );
  expect(asked).toBe(60 + 2 * 540);
  expect(Math.max(...begun) - T0).toBeLessThan(11 * MINUTE);
});

test("what asks again before a place that it was promised under a cap that is no more waits for it no longer", () => {
  const slots = { ...NO_SLOTS, person: T0 + 5 * HOUR };
  expect(place(slots, { recipient: { cap: TEN_A_MINUTE, pace: UNUSED } }, T0).until).toBeNull();
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
