import type { Bounds, Instant, Reminder, Schedule } from "../reminder.ts";
import { nextBackoff } from "./backoff.ts";
import { LAST_INSTANT } from "./calendar.ts";
import { nextCron } from "./cron.ts";
import { parseCron } from "./cron-fields.ts";
import { jitterMs } from "./jitter.ts";
import { nextOffset } from "./offsets.ts";
import { nextRecurring } from "./recurring.ts";
import { nextRrule, parseRrule } from "./rrule.ts";
import { toInstant, toWallClock, type WallClock } from "./wall-clock.ts";
import { firstZone } from "./zone.ts";

/** Everything that decides when a reminder is due. */
export interface Timetable {
  schedule: Schedule;
  bounds: Bounds;
  /** IANA name of the zone whose clocks the schedule goes by. */
  zone: string;
  /** Whose occurrences these are: jitter is drawn from it. */
  of: Pick<Reminder, "entityType" | "entityId" | "eventType">;
}

export interface Occurrence {
  at: Instant;
  /** What the clocks on the wall show then, jitter apart; null for schedules that don't go by them. */
  wallAt: WallClock | null;
}

/** The timetable of a reminder. Its own time zone counts, else its contact's, else UTC. */
export function timetableOf(
  reminder: Pick<Reminder, "schedule" | "bounds" | "timeZone" | "entityType" | "entityId" | "eventType">,
  contactZone: string | null,
): Timetable {
  const { schedule, bounds, timeZone } = reminder;
  return { schedule, bounds, zone: firstZone(timeZone, contactZone), of: reminder };
}

/**
 * The first occurrence strictly later than `after`, or null when there is none. Every kind of schedule answers this one
 * question; firing, preview and simulation ask nothing else. `beyond`: nor is it one of those that the clocks on the wall
 * showed up to then, wherever a change of the zone's rules has moved it. Throws a `RuleError` for a rule that can't be read.
 */
export function nextOccurrence(
  { schedule, bounds, zone, of }: Timetable,
  after: Instant,
  beyond: WallClock | null = null,
): Occurrence | null {
  const { startAt, endAt, jitterSeconds } = bounds;
  // Jitter only makes later, so what is due after `after` may have been meant a little before.
  let from = after - jitterSeconds * 1_000;
  if (startAt !== null) from = Math.max(from, startAt - 1);
  for (;;) {
    const next = nextRegular(schedule, zone, from, beyond);
    if (next === null || (endAt !== null && next.at > endAt)) return null;
    // Away from UTC, an instant of the last year may have a reading of the next one, or a reading an instant: neither can be kept.
    if (Math.max(next.at, next.wallAt ?? next.at) > LAST_INSTANT) return null;
    const late = jitterSeconds === 0 ? 0 : jitterMs(of, next.at, jitterSeconds);
    const at = Math.min(next.at + late, LAST_INSTANT);
    if (at > after) return { at, wallAt: next.wallAt };
    from = next.at;
  }
}

/** The same without what narrows the schedule: one line a kind. */
function nextRegular(schedule: Schedule, zone: string, after: Instant, beyond: WallClock | null): Occurrence | null {
  switch (schedule.type) {
    case "one_time":
      return null; // its single due instant is its first
    case "recurring":
      return elapsed(nextRecurring(schedule, after));
    case "backoff":
      return elapsed(nextBackoff(schedule, after));
    case "cron":
      return nextOnWall((wall) => nextCron(parseCron(schedule.cron), wall), zone, after, beyond);
    case "rrule": {
      const set = parseRrule(schedule.rrule);
      return nextOnWall((wall) => nextRrule(set, wall), set.zone ?? zone, after, beyond);
    }
    case "offsets": {
      const at = nextOffset(schedule, zone, after, beyond);
      return at === null ? null : { at, wallAt: toWallClock(at, zone) };
    }
  }
}

function elapsed(at: Instant): Occurrence {
  return { at, wallAt: null };
}

/** Later readings of the clock are never earlier instants, so the first reading whose instant fits is the one. */
function nextOnWall(
  next: (after: WallClock) => WallClock | null,
  zone: string,
  after: Instant,
  beyond: WallClock | null,
): Occurrence | null {
  let wall: WallClock | null = Math.max(toWallClock(after, zone), beyond ?? Number.NEGATIVE_INFINITY);
  for (;;) {
    wall = next(wall);
    if (wall === null) return null;
    // Not so in an hour that comes twice: its readings were due the first time.
    const at = toInstant(wall, zone);
    if (at > after) return { at, wallAt: wall };
  }
}
