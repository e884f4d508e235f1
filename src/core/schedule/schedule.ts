import type { Instant } from "../instant.ts";
import { nextBackoff } from "./backoff.ts";
import { type BusinessTime, meantAfter, meantUntil, nextCounted, place } from "./business.ts";
import { type ByCalendar, toBusinessTime } from "./by-calendar.ts";
import { LAST_INSTANT, MS_PER_DAY } from "./calendar.ts";
import { nextCron } from "./cron.ts";
import { parseCron } from "./cron-fields.ts";
import { jitterMs } from "./jitter.ts";
import type { ReminderName } from "./kinds.ts";
import { type Bounds, goesByWallClock, type Schedule } from "./kinds.ts";
import { nextOffset, workingOffsetInstants } from "./offsets.ts";
import { nextRecurring } from "./recurring.ts";
import { nextRrule, parseRrule } from "./rrule.ts";
import { RuleError } from "./rule-error.ts";
import { toInstant, toWallClock, type WallClock } from "./wall-clock.ts";
import { firstZone, isZone } from "./zone.ts";

/** Everything that decides when a reminder is due. */
export interface Timetable {
  schedule: Schedule;
  bounds: Bounds;
  /** IANA name of the zone whose clocks the schedule goes by. */
  zone: string;
  /**
   * Whose occurrences these are: jitter is drawn from it. What is meant for the very instant that somebody asked for (`runAt`) is due
   * then, without jitter.
   */
  of: ReminderName & { runAt?: Instant | null };
  /** Where it goes by a calendar. */
  business?: BusinessTime | undefined;
  /** With a calendar: what was meant up to here has been, or was before its time, and doesn't come to be moved. */
  since?: Instant | undefined;
}

export interface Occurrence {
  at: Instant;
  /** When it would be without jitter. */
  meantAt: Instant;
  /**
   * What the clocks on the wall show then, or showed where it was moved from; jitter apart. Null for schedules that don't go
   * by them.
   */
  wallAt: WallClock | null;
  /** When it was meant, where its calendar has moved it, and why. */
  movedFrom?: Instant;
  because?: string;
}

interface Timed extends ReminderName {
  runAt: Instant | null;
  schedule: Schedule;
  bounds: Bounds;
  timeZone: string | null;
  business: ByCalendar | null;
  createdAt: Instant;
}

/**
 * The timetable of a reminder. Its own time zone counts, else `otherZone`, which is its contact's or its tenant's, else UTC.
 * `calendar`: the calendar that it goes by, as the store keeps it. Throws a `RuleError` where that is needed and can't be read, and where
 * plain SQL wrote a zone that nobody knows: by UTC it would be due at times that nobody meant.
 */
export function timetableOf(
  reminder: Timed,
  otherZone: string | null,
  calendar: string | null | undefined = null,
): Timetable {
  const { schedule, bounds, timeZone, business, createdAt } = reminder;
  mustKnowZone(schedule, timeZone);
  const timetable = { schedule, bounds, zone: firstZone(timeZone, otherZone), of: reminder };
  return business === null
    ? timetable
    : { ...timetable, business: toBusinessTime(business, calendar), since: createdAt };
}

function mustKnowZone(schedule: Schedule, timeZone: string | null): void {
  if (timeZone === null || isZone(timeZone) || !goesByWallClock(schedule)) return;
  if (schedule.type === "rrule" && parseRrule(schedule.rrule).zone !== null) return;
  throw new RuleError(`goes by a time zone that isn't known here: ${JSON.stringify(timeZone.slice(0, 50))}`);
}

/** An occurrence that somebody asks for at an instant, where the calendar lets it be. */
export function askedOccurrence({ business }: Timetable, at: Instant): Occurrence {
  const { at: placedAt, ...moved } = place(at, business);
  return { ...moved, at: placedAt, meantAt: placedAt, wallAt: null };
}

/** Later by its jitter, though not after its end. */
function withJitter({ bounds, of }: Timetable, placedAt: Instant): Instant {
  const { jitterSeconds, endAt } = bounds;
  if (jitterSeconds === 0) return placedAt;
  const latest = Math.max(placedAt, endAt ?? LAST_INSTANT);
  return Math.min(placedAt + jitterMs(of, placedAt, jitterSeconds), latest, LAST_INSTANT);
}

/**
 * The first occurrence strictly later than `after`, or null when there is none. Every kind of schedule answers this one
 * question; firing, preview and simulation ask nothing else. `beyond`: nor is it one of those that the clocks on the wall
 * showed up to then, wherever a change of the zone's rules has moved it. Throws a `RuleError` for a rule that can't be read.
 */
export function nextOccurrence(
  timetable: Timetable,
  after: Instant,
  beyond: WallClock | null = null,
): Occurrence | null {
  const { bounds, business } = timetable;
  const { startAt, endAt, jitterSeconds } = bounds;
  // Jitter only makes later, so what is due after `after` may have been meant a little before.
  const placedAfter = after - jitterSeconds * 1_000;
  let from = business ? meantAfter(placedAfter, business) : placedAfter;
  if (business && timetable.since !== undefined) from = Math.max(from, timetable.since);
  if (startAt !== null) from = Math.max(from, startAt - 1);
  for (;;) {
    const meant = nextRegular(timetable, from, beyond);
    if (meant === null) return null;
    const { at: placedAt, ...moved } = place(meant.at, business);
    if (endAt !== null && placedAt > endAt) return null;
    // Away from UTC, an instant of the last year may have a reading of the next one, or a reading an instant: neither can be kept.
    if (Math.max(placedAt, meant.wallAt ?? placedAt) > LAST_INSTANT) return null;
    const at = meant.at === timetable.of.runAt ? placedAt : withJitter(timetable, placedAt);
    if (at > after) return { ...moved, at, meantAt: placedAt, wallAt: meant.wallAt };
    from = business ? meantUntil(meant.at, placedAt, business) : meant.at;
  }
}

/** What the rule itself names. */
type Regular = Pick<Occurrence, "at" | "wallAt">;

/** The same without what narrows the schedule: one line a kind. */
function nextRegular(
  { schedule, zone, business, bounds }: Timetable,
  after: Instant,
  beyond: WallClock | null,
): Regular | null {
  const counted = business && business.countsIn !== "all_time" ? business : null;
  switch (schedule.type) {
    case "one_time":
      return null; // its single due instant is its first
    case "recurring":
    case "backoff":
      if (counted) return elapsed(nextCounted(schedule, counted, after));
      // A series begins with its anchor, which may be a first due instant far ahead.
      return elapsed(nextInSeries(schedule, Math.max(after, schedule.anchorAt - 1)));
    case "cron":
      return nextOnWall((wall) => nextCron(parseCron(schedule.cron), wall), zone, after, beyond);
    case "rrule": {
      const set = parseRrule(schedule.rrule);
      const itsZone = set.zone ?? zone;
      // A calendar may move what is meant after it to before it; and the clocks differ by a day at most.
      const until = bounds.endAt === null || business ? undefined : toWallClock(bounds.endAt, itsZone) + MS_PER_DAY;
      return nextOnWall((wall) => nextRrule(set, wall, until), itsZone, after, beyond);
    }
    case "offsets": {
      if (counted) return elapsed(workingOffsetInstants(schedule, counted).find((instant) => instant > after) ?? null);
      const at = nextOffset(schedule, zone, after, beyond);
      return at === null ? null : { at, wallAt: toWallClock(at, zone) };
    }
  }
}

function nextInSeries(schedule: Extract<Schedule, { type: "recurring" | "backoff" }>, after: Instant): Instant {
  return schedule.type === "recurring" ? nextRecurring(schedule, after) : nextBackoff(schedule, after);
}

function elapsed(at: Instant | null): Regular | null {
  return at === null ? null : { at, wallAt: null };
}

/** Later readings of the clock are never earlier instants, so the first reading whose instant fits is the one. */
function nextOnWall(
  next: (after: WallClock) => WallClock | null,
  zone: string,
  after: Instant,
  beyond: WallClock | null,
): Regular | null {
  let wall: WallClock | null = Math.max(toWallClock(after, zone), beyond ?? Number.NEGATIVE_INFINITY);
  for (;;) {
    wall = next(wall);
    if (wall === null) return null;
    // Not so in an hour that comes twice: its readings were due the first time.
    const at = toInstant(wall, zone);
    if (at > after) return { at, wallAt: wall };
  }
}
