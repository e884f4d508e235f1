import { type Instant, MS_PER_MINUTE } from "./instant.ts";
import { MS_PER_DAY, weekdayOf } from "./schedule/calendar.ts";
import { MINUTES_PER_DAY, minuteOf, WEEKDAYS, type Weekday } from "./schedule/clock-time.ts";
import { toInstant, toWallClock } from "./schedule/wall-clock.ts";
import { firstZone } from "./schedule/zone.ts";

/** A stretch in which nobody wants to be disturbed, by the clocks on the wall. */
export interface QuietWindow {
  /** On which days of the week it begins; not set: on each. */
  days?: readonly Weekday[] | undefined;
  from: string;
  /** Not included. Not later than `from`: on the next day. */
  to: string;
}
export type QuietHours = readonly QuietWindow[];

export const MOST_QUIET_WINDOWS = 20;
/** A week repeats itself; what has been quiet for longer never ends. */
const MOST_DAYS = 8;

/**
 * When the quiet that reigns at `at` ends, on the clocks of `zone`; null where it isn't quiet, or where it would never end.
 * One window may follow upon another.
 */
export function quietUntil(at: Instant, hours: QuietHours, zone: string): Instant | null {
  let end = at;
  for (;;) {
    const later = endOfWindow(end, hours, zone);
    if (later === null) return end === at ? null : end;
    if (later - at > MOST_DAYS * MS_PER_DAY) return null;
    end = later;
  }
}

/** The latest end of the windows that hold this instant. */
function endOfWindow(at: Instant, hours: QuietHours, zone: string): Instant | null {
  const today = Math.floor(toWallClock(at, zone) / MS_PER_DAY);
  let latest: Instant | null = null;
  // One of the day after may have begun where the clocks are set back over midnight.
  for (let day = today - 1; day <= today + 1; day += 1) {
    for (const window of hours) {
      if (!beginsOn(window, weekdayOf(day))) continue;
      const [from, to] = minutesOf(window);
      const begin = toInstant(day * MS_PER_DAY + from * MS_PER_MINUTE, zone);
      const end = toInstant(day * MS_PER_DAY + to * MS_PER_MINUTE, zone);
      if (begin <= at && at < end) latest = Math.max(latest ?? end, end);
    }
  }
  return latest;
}

/** On whose clocks a person's quiet hours are read: the person's own, else the reminder's, else the tenant's. */
export function quietZone(of: { contact: string | null; reminder: string | null; tenant: string | null }): string {
  return firstZone(of.contact, of.reminder, of.tenant);
}

/** True when every minute of the week is quiet: then nothing would ever be sent. */
export function isAlwaysQuiet(hours: QuietHours): boolean {
  const week = 7 * MINUTES_PER_DAY;
  const stretches = WEEKDAYS.flatMap((_, weekday) =>
    hours
      .filter((window) => beginsOn(window, weekday))
      .map((window) => minutesOf(window).map((minute) => weekday * MINUTES_PER_DAY + minute) as [number, number]),
  ).flatMap(([from, to]): [number, number][] =>
    to <= week
      ? [[from, to]]
      : [
          [from, week],
          [0, to - week],
        ],
  );
  stretches.sort(([a], [b]) => a - b);
  let covered = 0;
  for (const [from, to] of stretches) {
    if (from > covered) return false;
    covered = Math.max(covered, to);
  }
  return covered >= week;
}

/**
 * Which quiet hours hold for a message: the person's, which are the contact's or, where it names none, the tenant's, and
 * the reminder's besides. Where the two together would leave no minute of a week, the person's alone.
 */
export function quietHoursFor(of: {
  contact: QuietHours | null;
  reminder: QuietHours | null;
  tenant: QuietHours | null;
}): QuietHours {
  const persons = of.contact ?? of.tenant ?? [];
  if (of.reminder === null || of.reminder.length === 0) return persons;
  const both = [...persons, ...of.reminder];
  return isAlwaysQuiet(both) ? persons : both;
}

function beginsOn({ days }: QuietWindow, weekday: number): boolean {
  return days === undefined || days.includes(WEEKDAYS[weekday] as Weekday);
}

/** In minutes since the midnight of the day on which it begins. What is no time makes a window of no length. */
function minutesOf({ from, to }: QuietWindow): [from: number, to: number] {
  const [begin, end] = [minuteOf(from), minuteOf(to)];
  if (Number.isNaN(begin + end)) return [0, 0];
  return [begin, end > begin ? end : end + MINUTES_PER_DAY];
}
