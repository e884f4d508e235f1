import type { Instant } from "./reminder.ts";

/** At most `limit` messages begin within any `windowMs` milliseconds. */
export interface Cap {
  limit: number;
  windowMs: number;
}

/** Instants, ascending, and how many places are free again at each. */
export type Places = readonly (readonly [freeAt: Instant, count: number])[];

/** Of the places under a cap, those that are taken or promised. */
export interface Pace {
  /** Never more in all than the cap has, but for a while after it was lowered. */
  places: Places;
  /** The last instant for which a place was promised. */
  promisedUntil: Instant | null;
  /** Those that were really used, whatever the cap was then: what a promise is held to when the cap is another by now. */
  used: Places;
}

export const UNUSED: Pace = { places: [], promisedUntil: null, used: [] };

/** A promised place may be used this share of the window late: whoever comes later has lost it. */
const SLACK = 1 / 20;
/**
 * Places are kept to this share of the window, so that there are few numbers to keep, and longer than the window by at least
 * as much: from its place to its receiver a message takes a moment, and not each the same.
 */
const GRAIN = 1 / 60;

/**
 * When the next place is free: now, if there are fewer taken and promised than there may be, or the instant for which one
 * can be promised, behind those for which others were.
 */
export function nextPlace({ places, promisedUntil, used }: Pace, { limit, windowMs }: Cap, now: Instant): Instant {
  const next = Math.max(whenFewer(places, limit, now), whenFewer(used, limit, now));
  if (next <= now) return now;
  // One after the other, not all at once when the window is over.
  const queue = promisedUntil !== null && promisedUntil > now ? promisedUntil + windowMs / limit : now;
  return Math.ceil(Math.max(next, queue));
}

/** When fewer than `limit` of these are taken: now, or later. */
function whenFewer(places: Places, limit: number, now: Instant): Instant {
  const taken = stillTaken(places, now);
  let tooMany = sum(taken) - limit + 1;
  if (tooMany <= 0) return now;
  const next = taken.find(([, count]) => {
    tooMany -= count;
    return tooMany <= 0;
  });
  return next?.[0] ?? now;
}

/** Takes the place that `nextPlace` found: for use now, or, where `at` is later, as a promise. */
export function takePlace(pace: Pace, cap: Cap, at: Instant, now: Instant): Pace {
  return at > now
    ? promisePlace(pace, cap, at, now)
    : usePlace({ ...pace, places: taking(pace, cap, at, now) }, cap, now);
}

function promisePlace(pace: Pace, cap: Cap, at: Instant, now: Instant): Pace {
  const promisedUntil = Math.max(at, pace.promisedUntil ?? at);
  return { ...pace, places: taking(pace, cap, at + slackMs(cap), now), promisedUntil };
}

/** Notes that a place which is taken already is used. */
function usePlace(pace: Pace, cap: Cap, now: Instant): Pace {
  return { ...pace, used: and(stillTaken(pace.used, now), freeAgainAt(now, cap)) };
}

/** The places, with one more that is used at that instant at the latest. */
function taking({ places }: Pace, cap: Cap, usedAt: Instant, now: Instant): Places {
  const ascending = [...and(stillTaken(places, now), freeAgainAt(usedAt, cap))];
  // Only the latest ones decide when the next is free.
  for (let tooMany = sum(ascending) - cap.limit; tooMany > 0; ) {
    const [first, count] = ascending[0] as Places[number];
    if (count > tooMany) ascending[0] = [first, count - tooMany];
    else ascending.shift();
    tooMany -= count;
  }
  return ascending;
}

function freeAgainAt(usedAt: Instant, { windowMs }: Cap): Instant {
  const grainMs = windowMs * GRAIN;
  return (Math.ceil((usedAt + windowMs) / grainMs) + 1) * grainMs;
}

function stillTaken(places: Places, now: Instant): Places {
  return places.filter(([freeAt]) => freeAt > now);
}

function and(places: Places, freeAt: Instant): Places {
  const counts = new Map(places).set(freeAt, (new Map(places).get(freeAt) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a - b);
}

/**
 * Promises places anew to so many that wait, the first of them first, under a cap that may be another than when they were promised
 * theirs: nothing counts of what was promised before, and all that was used.
 */
export function promiseAnew({ used }: Pace, cap: Cap, waiting: number, now: Instant): { pace: Pace; slots: Instant[] } {
  let pace: Pace = { places: used, promisedUntil: null, used };
  const slots = Array.from({ length: waiting }, () => {
    const at = nextPlace(pace, cap, now);
    pace = promisePlace(pace, cap, at, now);
    return at;
  });
  return { pace, slots };
}

/** How many messages a day somebody wants at most, by what their preferences say; null: as many as there are. */
export function wantedPerDay(wish: unknown): number | null {
  return typeof wish === "number" && wish >= 1 ? wish : null;
}

/** False where some of these can't have what they were promised for now: the cap is lower than it was, or others were before them. */
export function keepsPromises({ used }: Pace, cap: Cap, slots: readonly (Instant | null)[], now: Instant): boolean {
  const due = slots.filter((slotAt) => holdsPlace(slotAt, cap, now)).length;
  return due === 0 || sum(stillTaken(used, now)) + due <= cap.limit;
}

/** True if a place promised for `slotAt` can be used now. */
export function holdsPlace(slotAt: Instant | null, cap: Cap, now: Instant): boolean {
  return slotAt !== null && slotAt <= now && now - slotAt <= slackMs(cap);
}

/** Whose caps they are, who is asked for a place first in front: what waits for one takes nothing from those after it. */
const ORDER = ["person", "recipient", "tenant"] as const;

/** One for each that has a cap. */
export type Each<T> = Record<(typeof ORDER)[number], T>;

/** What a message was promised under each cap. */
export type Slots = Each<Instant | null>;

export const NO_SLOTS: Slots = { person: null, recipient: null, tenant: null };

/** A cap with its pace so far. */
export interface Paced {
  cap: Cap;
  pace: Pace;
}

export type Caps = Each<Paced | null>;

export interface Placing {
  /** Null: it may begin now. */
  until: Instant | null;
  /** Under whose cap it waits; null: it doesn't. */
  waitsFor: keyof Slots | null;
  slots: Slots;
  /** Those that are others now. */
  paces: Partial<Each<Pace>>;
}

/**
 * Whether a message may begin now, or until when it waits. It takes places under all caps or is promised one: first under the cap of
 * its person and under its recipient's, and only with places there under its tenant's, so that what waits for a recipient takes
 * nothing from the others of the tenant.
 */
export function place(slots: Slots, caps: Caps, now: Instant): Placing {
  const promised = Math.max(...ORDER.map((whose) => slots[whose] ?? now));
  if (promised > now) {
    const waitsFor = ORDER.findLast((whose) => slots[whose] === promised) ?? null;
    return { until: promised, waitsFor, slots, paces: {} };
  }
  const waitsFor = ORDER.find((whose) => whenFree(caps[whose], slots[whose], now) > now) ?? null;
  const at = waitsFor === null ? now : whenFree(caps[waitsFor], slots[waitsFor], now);
  const given: Slots = { ...NO_SLOTS };
  const paces: Placing["paces"] = {};
  for (const whose of waitsFor === null ? ORDER : ORDER.slice(0, ORDER.indexOf(waitsFor) + 1)) {
    const paced = caps[whose];
    if (!paced) continue;
    const hasOne = at === now && holdsPlace(slots[whose], paced.cap, now);
    paces[whose] = hasOne ? usePlace(paced.pace, paced.cap, now) : takePlace(paced.pace, paced.cap, at, now);
    if (at > now) given[whose] = at;
  }
  return { until: at > now ? at : null, waitsFor, slots: given, paces };
}

/** When a message finds room under a cap, without being promised any: now, or the instant at which the next place is free. */
export function whenFree(paced: Paced | null, slotAt: Instant | null, now: Instant): Instant {
  if (!paced) return now;
  const { pace, cap } = paced;
  return holdsPlace(slotAt, cap, now) && keepsPromises(pace, cap, [slotAt], now) ? now : nextPlace(pace, cap, now);
}

function slackMs({ windowMs }: Cap): number {
  return windowMs * SLACK;
}

function sum(places: Places): number {
  return places.reduce((total, [, count]) => total + count, 0);
}
