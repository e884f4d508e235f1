import type { EntityName } from "./entity-name.ts";
import type { Instant } from "./instant.ts";
import { NO_BOUNDS } from "./schedule/kinds.ts";
import { parseRrule } from "./schedule/rrule.ts";
import { RuleError } from "./schedule/rule-error.ts";
import { nextOccurrence, type Timetable } from "./schedule/schedule.ts";

/** Who is on call: somebody who has a contact, or an address. */
export type OnCall = { contact: EntityName } | { address: string };

/** A shift, as it is kept: once, or again and again by a rule of RFC 5545. Instants and durations in milliseconds. */
export type Shift = { who: OnCall } & ({ from: Instant; until: Instant } | { rrule: string; lastsMs: number });

export type Rota = readonly Shift[];

/** A shift that recurs takes some work each time that it is asked for; one that doesn't takes none. */
export const MOST_RECURRING_SHIFTS = 30;
/** So that no more days are looked at than that for who is on call, however rarely a rule has one. In milliseconds. */
export const LONGEST_RECURRING_MS = 31 * 86_400_000;
export const MOST_SHIFTS = 500;

const NOBODY = { entityType: "", entityId: "", eventType: "" };

/** Who is on call at an instant, each once, in the order of the shifts. */
export function onCallAt(rota: Rota, at: Instant): OnCall[] {
  const found = new Map<string, OnCall>();
  for (const shift of rota) if (isOn(shift, at)) found.set(JSON.stringify(shift.who), shift.who);
  return [...found.values()];
}

function isOn(shift: Shift, at: Instant): boolean {
  if ("from" in shift) return shift.from <= at && at < shift.until;
  // It is on if one begins so late that it hasn't ended, and so early that it has begun.
  return beginsWithin(shift.rrule, at - shift.lastsMs, at);
}

/** Whether a shift begins later than `after` and not later than `until`. */
export function beginsWithin(rrule: string, after: Instant, until: Instant): boolean {
  const bounds = { ...NO_BOUNDS, endAt: until };
  const timetable: Timetable = { schedule: { type: "rrule", rrule }, bounds, zone: "UTC", of: NOBODY };
  return nextOccurrence(timetable, after) !== null;
}

/** The same rota, if it can be read: plain SQL may have written something else. Throws a `RuleError`. */
export function readRota(rota: Rota): Rota {
  if (!Array.isArray(rota) || rota.length > MOST_SHIFTS)
    throw new RuleError(`rota must be at most ${MOST_SHIFTS} shifts`);
  const recurring = rota.filter((shift) => "rrule" in shift);
  if (recurring.length > MOST_RECURRING_SHIFTS)
    throw new RuleError(`rota must have at most ${MOST_RECURRING_SHIFTS} shifts that recur`);
  for (const shift of recurring) {
    if (!("rrule" in shift)) continue;
    parseRrule(shift.rrule);
    if (!(shift.lastsMs <= LONGEST_RECURRING_MS))
      throw new RuleError("rota must have shifts of at most 31 days that recur");
  }
  return rota;
}
