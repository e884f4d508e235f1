import type { Instant } from "./instant.ts";

/** At most `limit` messages begin within any `windowMs` milliseconds. */
export interface Cap {
  limit: number;
  windowMs: number;
}

/** Of the places under a cap, those that are taken or promised: when they are free again. */
export interface Pace {
  /** Instants, ascending, and how many places are free again at each. Never more in all than the cap has. */
  places: readonly (readonly [freeAt: Instant, count: number])[];
  /** The last instant for which a place was promised. */
  promisedUntil: Instant | null;
}

export const UNUSED: Pace = { places: [], promisedUntil: null };

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
export function nextPlace({ places, promisedUntil }: Pace, { limit, windowMs }: Cap, now: Instant): Instant {
  const taken = places.filter(([freeAt]) => freeAt > now);
  let tooMany = sum(taken) - limit + 1;
  const next = taken.find(([, count]) => {
    tooMany -= count;
    return tooMany <= 0;
  });
  if (sum(taken) < limit || !next) return now;
  // One after the other, not all at once when the window is over.
  const queue = promisedUntil !== null && promisedUntil > now ? promisedUntil + windowMs / limit : now;
  return Math.ceil(Math.max(next[0], queue));
}

/** Takes the place that `nextPlace` found: for use now, or, where `at` is later, as a promise. */
export function takePlace({ places, promisedUntil }: Pace, cap: Cap, at: Instant, now: Instant): Pace {
  const { limit, windowMs } = cap;
  const isPromise = at > now;
  const grainMs = windowMs * GRAIN;
  const freeAt = (Math.ceil((at + windowMs + (isPromise ? slackMs(cap) : 0)) / grainMs) + 1) * grainMs;
  const taken = new Map(places.filter(([other]) => other > now));
  taken.set(freeAt, (taken.get(freeAt) ?? 0) + 1);
  const ascending = [...taken].sort(([a], [b]) => a - b);
  // Only the latest ones decide when the next is free.
  for (let tooMany = sum(ascending) - limit; tooMany > 0; ) {
    const [first, count] = ascending[0] as [Instant, number];
    if (count > tooMany) ascending[0] = [first, count - tooMany];
    else ascending.shift();
    tooMany -= count;
  }
  return { places: ascending, promisedUntil: isPromise ? Math.max(at, promisedUntil ?? at) : promisedUntil };
}

/** True if a place promised for `slotAt` can be used now. */
export function holdsPlace(slotAt: Instant | null, cap: Cap, now: Instant): boolean {
  return slotAt !== null && slotAt <= now && now - slotAt <= slackMs(cap);
}

/** Under which a message may stand, each with its cap and its promise: what its person wants, what its address may get, what its tenant may send. */
export type Kind = "person" | "recipient" | "tenant";

/** What a message was promised, under each of them. */
export type Slots = Readonly<Record<Kind, Instant | null>>;

export const NO_SLOTS: Slots = { person: null, recipient: null, tenant: null };

/** Over which time each cap counts, in milliseconds: so many a day, an hour, a minute. */
export const WINDOWS_MS: Readonly<Record<Kind, number>> = { person: 86_400_000, recipient: 3_600_000, tenant: 60_000 };

/** Places that a message has taken when it began. */
export interface Taken {
  at: Instant;
  slots: Slots;
}

export const NOTHING_TAKEN: Taken = { at: 0, slots: NO_SLOTS };

/** Of places that were taken, those that can still be used when their message comes back `inMs` milliseconds after it began. */
export function goodAfter({ at, slots }: Taken, inMs: number): Slots {
  const good = (kind: Kind): Instant | null => {
    const cap = { limit: 1, windowMs: WINDOWS_MS[kind] };
    return holdsPlace(slots[kind], cap, at + inMs) ? slots[kind] : null;
  };
  return { person: good("person"), recipient: good("recipient"), tenant: good("tenant") };
}

/** True if it was promised anything. */
export function hasAny({ person, recipient, tenant }: Slots): boolean {
  return (person ?? recipient ?? tenant) !== null;
}

/** A cap with its pace so far. */
export interface Paced {
  cap: Cap;
  pace: Pace;
}

export interface Placing {
  /** Null: it may begin now. */
  until: Instant | null;
  slots: Slots;
  /** Of what may begin: with these it has its places again, if it comes back unsent. */
  taken: Slots;
  /** Those that have changed. */
  paces: Readonly<Partial<Record<Kind, Pace>>>;
}

/**
 * In this order it asks for its places, and has those before where it waits for one: so what waits for its person's day takes nothing from
 * what others get at its address within the hour, nor what waits for its address from the others of the tenant.
 */
const IN_ORDER: readonly Kind[] = ["person", "recipient", "tenant"];

/** What is asked of one cap. */
interface Asked extends Paced {
  kind: Kind;
  slotAt: Instant | null;
}

/** Whether a message may begin now, or until when it waits. It takes places under all caps, or is promised them up to the one that it waits for. */
export function place(slots: Slots, caps: Partial<Record<Kind, Paced | null>>, now: Instant): Placing {
  const asked = IN_ORDER.flatMap((kind): Asked[] => {
    const paced = caps[kind];
    return paced ? [{ ...paced, kind, slotAt: slots[kind] }] : [];
  });
  // Under a cap that is no more it waits for nothing, whenever it asks.
  const promised = Math.max(now, ...asked.map(({ slotAt }) => slotAt ?? now));
  if (promised > now) return meetingNext({ until: promised, slots, taken: NO_SLOTS, paces: {} }, asked, now);

  const full = asked.findIndex((one) => whenFree(one, one.slotAt, now) > now);
  return full < 0 ? begins(asked, now) : meetingNext(waitsForLast(asked.slice(0, full + 1), now), asked, now);
}

function begins(asked: readonly Asked[], now: Instant): Placing {
  const has = ({ slotAt, cap }: Asked): boolean => holdsPlace(slotAt, cap, now);
  return {
    until: null,
    slots: NO_SLOTS,
    taken: { ...NO_SLOTS, ...of(asked, (one) => (has(one) ? one.slotAt : slotOfNow(one.cap, now))) },
    paces: of(asked, (one) => (has(one) ? one.pace : takePlace(one.pace, one.cap, now, now))),
  };
}

interface Waiting extends Placing {
  until: Instant;
}

/**
 * What has its place under one cap asks for the next ahead of that, by as much as that one is away now. If it asked when it is there, it would lose it
 * while it waits for the next, each time anew, where an address always has more to get than it may, or a tenant more to send.
 */
function meetingNext(waits: Waiting, asked: readonly Asked[], now: Instant): Waiting {
  const had = asked.findIndex(({ kind }) => waits.slots[kind] === null);
  if (had < 1) return waits;
  const next = asked.slice(had).map(({ pace, cap }) => nextPlace(pace, cap, now));
  const nextAt = Math.max(...next);
  const last = had + next.lastIndexOf(nextAt);
  const met =
    nextAt <= waits.until ? waits : sinceItsDay(waitsForLast(asked.slice(0, last + 1), now), waits, asked, now);
  // Of what waits longest for its address, its turn may be far away by then: it looks for that as well.
  if (met.slots[(asked[last] as Asked).kind] !== null) return met === waits ? met : meetingNext(met, asked, now);
  // How far away that is may change: it looks again half-way, and at last so that it comes when it may still be late.
  const earlyMs = met.until - nextAt;
  const lateMs = Math.min(...asked.slice(0, had).map(({ cap }) => slackMs(cap)));
  if (earlyMs > lateMs) return { ...met, until: Math.ceil(now + earlyMs / 2) };
  return nextAt - now <= lateMs ? met : { ...met, until: Math.ceil(now + earlyMs + lateMs / 2) };
}

/**
 * What also waits for its person's day keeps an instant of that that is ahead of the others, and from which the place that it was promised is good: when a
 * change of its tenant's caps withdraws the others, that alone tells it from what waits for these only, and might leave at once (0034).
 */
function sinceItsDay(
  met: Waiting,
  { slots: { person: dayAt, recipient, tenant } }: Waiting,
  asked: readonly Asked[],
  now: Instant,
): Waiting {
  const cap = asked.find(({ kind }) => kind === "person")?.cap;
  // What has room in its day since it asked was promised that for the very instant of another place.
  if (!cap || dayAt === null || dayAt <= now || dayAt === recipient || dayAt === tenant) return met;
  const waitsForIt = met.slots.recipient === null && met.slots.tenant === null;
  if (waitsForIt || met.slots.person !== met.until) return met;
  return { ...met, slots: { ...met.slots, person: Math.max(dayAt, met.until - slackMs(cap) / 2) } };
}

/** It waits for the last of these: by then there has to be room under each of those before, since a place that it holds is good for now alone. */
function waitsForLast(asked: readonly Asked[], now: Instant): Waiting {
  const next = asked.map(({ pace, cap }) => nextPlace(pace, cap, now));
  const at = next.at(-1) as Instant;
  const keeps = ({ slotAt, cap }: Asked): boolean => holdsPlace(slotAt, cap, at);
  const before = asked.slice(0, -1);
  const full = before.findLastIndex((one, n) => !keeps(one) && !mayMove(one, now) && (next[n] as Instant) > at);
  if (full >= 0) return waitsForLast(asked.slice(0, full + 1), now);
  return {
    until: at,
    slots: { ...NO_SLOTS, ...of(asked, (one) => (keeps(one) ? one.slotAt : at)) },
    taken: NO_SLOTS,
    paces: of(asked, (one) => (keeps(one) ? one.pace : takePlace(one.pace, one.cap, at, now))),
  };
}

/**
 * True if what holds its place, or will, may use it at any later instant instead, as a promise for then. Whoever asked since then has counted it, so
 * there is room, unless somebody was promised an instant at which it was to be free again. Else it would wait for its own place to end, each time.
 */
function mayMove({ pace: { promisedUntil }, cap, slotAt }: Asked, now: Instant): boolean {
  if (slotAt === null || (slotAt <= now && !holdsPlace(slotAt, cap, now))) return false;
  return promisedUntil === null || promisedUntil < slotAt + slackMs(cap) + cap.windowMs;
}

/** As if it had been promised: with this, a place that is taken now is held for a grain, by which it is kept longer than its window. */
function slotOfNow(cap: Cap, now: Instant): Instant {
  return now - slackMs(cap) + cap.windowMs * GRAIN;
}

/**
 * When a message finds room under a cap, without being promised any: now, or the instant at which the next place is free. What was promised a later
 * one has its place, and needs no other: it asks ahead of that, see `meetingNext`.
 */
export function whenFree(paced: Paced | null, slotAt: Instant | null, now: Instant): Instant {
  const isPromised = slotAt !== null && slotAt > now;
  return !paced || isPromised || holdsPlace(slotAt, paced.cap, now) ? now : nextPlace(paced.pace, paced.cap, now);
}

function of<T>(asked: readonly Asked[], give: (one: Asked) => T): Partial<Record<Kind, T>> {
  return Object.fromEntries(asked.map((one) => [one.kind, give(one)]));
}

function slackMs({ windowMs }: Cap): number {
  return windowMs * SLACK;
}

function sum(places: readonly (readonly [Instant, number])[]): number {
  return places.reduce((total, [, count]) => total + count, 0);
}
