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

/** Takes the place that `nextPlace` found: for use now, and then it may be used for so long, or, where `at` is later, as a promise. */
export function takePlace({ places, promisedUntil }: Pace, cap: Cap, at: Instant, now: Instant, heldMs = 0): Pace {
  const { limit, windowMs } = cap;
  const isPromise = at > now;
  const grainMs = windowMs * GRAIN;
  const freeAt =
    (Math.ceil((at + windowMs + (isPromise ? slackMs(cap) : Math.max(0, heldMs - grainMs))) / grainMs) + 1) * grainMs;
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

/**
 * True if what holds its place now may use it at any later instant instead, as a promise for then. Whoever asked since then has counted it, so
 * there is room, unless somebody was promised an instant at which it was to be free again. Else it would wait for its own place to end, each time.
 */
function mayMove({ pace: { promisedUntil }, cap }: Paced, slotAt: Instant | null, now: Instant): boolean {
  if (slotAt === null || !holdsPlace(slotAt, cap, now)) return false;
  return promisedUntil === null || promisedUntil < slotAt + slackMs(cap) + cap.windowMs;
}

/** As if it had been promised: with this, a place that is taken now is held for a grain, by which it is kept longer than its window. */
function slotOfNow(cap: Cap, now: Instant): Instant {
  return now - slackMs(cap) + cap.windowMs * GRAIN;
}

/** What a message was promised, under the cap of its tenant and under those of its recipient. */
export interface Slots {
  tenant: Instant | null;
  recipient: Instant | null;
}

export const NO_SLOTS: Slots = { tenant: null, recipient: null };

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
  tenant: Pace | null;
  /** In the order of the question. */
  recipients: readonly Pace[];
}

/**
 * Whether a message may begin now, or until when it waits. It takes places under all caps or is promised them: first
 * under its recipient's, and only with a place there under its tenant's, so that what waits for a recipient takes nothing
 * from the others of the tenant.
 */
export function place(slots: Slots, tenant: Paced | null, recipients: readonly Paced[], now: Instant): Placing {
  const same = { tenant: tenant?.pace ?? null, recipients: recipients.map(({ pace }) => pace), taken: NO_SLOTS };
  const promised = Math.max(slots.tenant ?? now, slots.recipient ?? now);
  if (promised > now) return { until: promised, slots, ...same };

  // A place that it holds is good for now alone: where it waits for another cap, there has to be room under each of them by then.
  const anew = Math.max(
    now,
    ...recipients.map((paced) => (mayMove(paced, slots.recipient, now) ? now : nextPlace(paced.pace, paced.cap, now))),
  );
  const waitsForRecipient = (): Placing => {
    const paces = recipients.map(({ pace, cap }) => takePlace(pace, cap, anew, now));
    return { until: anew, slots: { tenant: null, recipient: anew }, ...same, recipients: paces };
  };
  if (recipients.some((paced) => whenFree(paced, slots.recipient, now) > now)) return waitsForRecipient();
  const at = whenFree(tenant, slots.tenant, now);
  // Save where it still holds all of them when its tenant's turn comes.
  const keeps =
    at > now && recipients.length > 0 && recipients.every(({ cap }) => holdsPlace(slots.recipient, cap, at));
  if (at > now && !keeps && anew > now) return waitsForRecipient();
  const take = (paced: Paced, slotAt: Instant | null): Pace => {
    const hasOne = at === now && holdsPlace(slotAt, paced.cap, now);
    const heldMs = paced !== tenant && ofRecipient !== null ? ofRecipient + slackMs(paced.cap) - now : 0;
    return hasOne ? paced.pace : takePlace(paced.pace, paced.cap, at, now, heldMs);
  };
  const again = (paced: Paced, slotAt: Instant | null): Instant =>
    slotAt !== null && holdsPlace(slotAt, paced.cap, now) ? slotAt : slotOfNow(paced.cap, now);
  // One instant for all caps of its recipient: where it takes a place under each of them, that of the shortest window, and the others are kept for as long.
  const has = recipients.filter((paced) => holdsPlace(slots.recipient, paced.cap, now));
  const ofAll = recipients.map((paced) => again(paced, slots.recipient));
  const ofRecipient = ofAll.length === 0 ? null : has.length === 0 ? Math.max(...ofAll) : Math.min(...ofAll);
  return {
    until: at > now ? at : null,
    taken: {
      tenant: at > now || tenant === null ? null : again(tenant, slots.tenant),
      recipient: at > now ? null : ofRecipient,
    },
    slots: at > now ? { tenant: at, recipient: keeps ? slots.recipient : recipients.length > 0 ? at : null } : NO_SLOTS,
    tenant: tenant && take(tenant, slots.tenant),
    recipients: recipients.map((paced) => (keeps ? paced.pace : take(paced, slots.recipient))),
  };
}

/** When a message finds room under a cap, without being promised any: now, or the instant at which the next place is free. */
export function whenFree(paced: Paced | null, slotAt: Instant | null, now: Instant): Instant {
  return !paced || holdsPlace(slotAt, paced.cap, now) ? now : nextPlace(paced.pace, paced.cap, now);
}

function slackMs({ windowMs }: Cap): number {
  return windowMs * SLACK;
}

function sum(places: readonly (readonly [Instant, number])[]): number {
  return places.reduce((total, [, count]) => total + count, 0);
}
