import type { Instant } from "../instant.ts";
import type { Reminder } from "../reminder.ts";
import { MS_PER_DAY } from "./calendar.ts";
import { nextCron } from "./cron.ts";
import { parseCron } from "./cron-fields.ts";
import { addDate, parseDuration } from "./duration.ts";
import { nextRrule, parseRrule } from "./rrule.ts";
import { RuleError } from "./rule-error.ts";
import { askedOccurrence, nextOccurrence, type Occurrence, type Timetable } from "./schedule.ts";
import { toInstant, toWallClock, type WallClock } from "./wall-clock.ts";
import { firstZone } from "./zone.ts";

/** What has put an occurrence where it is, though its rule names another reading of the clock or another instant. */
export type Move =
  /** The clocks skip the reading that the rule names, so it is right after the gap. */
  | { by: "clocks_skip"; from: null; fromWall: WallClock }
  /** The reading comes twice; the first counts, and `from` is the second. */
  | { by: "clocks_repeat"; from: Instant; fromWall: WallClock }
  /** Its calendar has moved it to working time; `because` says why it wasn't. */
  | { by: "calendar"; from: Instant; fromWall: WallClock; because: string }
  | { by: "jitter"; from: Instant; fromWall: WallClock };

/** Where an occurrence comes from. */
export interface Origin {
  /** False for one that the schedule doesn't name: somebody asked for it, or plain SQL did. */
  isRegular: boolean;
  /** In the order in which they count, the rule's own reading first. */
  moves: Move[];
}

/** The zone whose clocks the schedule goes by: an RRULE's own outranks the reminder's. */
export function zoneOf({ schedule, zone }: Pick<Timetable, "schedule" | "zone">): string {
  return schedule.type === "rrule" ? (parseRrule(schedule.rrule).zone ?? zone) : zone;
}

/** The same for a reminder, whatever is written in its rule. `otherZone`: its contact's or its tenant's. */
export function clockOf(
  { schedule, timeZone }: Pick<Reminder, "schedule" | "timeZone">,
  otherZone: string | null,
): string {
  const zone = firstZone(timeZone, otherZone);
  try {
    return zoneOf({ schedule, zone });
  } catch (error) {
    if (error instanceof RuleError) return zone;
    throw error;
  }
}

/**
 * Why a schedule is due at this instant and not at another. `runAt`: the first instant that somebody asked for. Throws a
 * `RuleError` for a rule that can't be read.
 */
export function originOf(timetable: Timetable, occurrenceAt: Instant, runAt: Instant | null): Origin {
  const found = occurrenceAtOf(timetable, occurrenceAt, runAt);
  if (found === null) return { isRegular: timetable.schedule.type === "one_time", moves: [] };
  const zone = zoneOf(timetable);
  const moves = byClocks(timetable, zone, found);
  const { movedFrom, because = "" } = found;
  if (movedFrom !== undefined) {
    moves.push({ by: "calendar", from: movedFrom, fromWall: toWallClock(movedFrom, zone), because });
  }
  if (found.meantAt !== found.at) {
    moves.push({ by: "jitter", from: found.meantAt, fromWall: toWallClock(found.meantAt, zone) });
  }
  return { isRegular: true, moves };
}

function occurrenceAtOf(timetable: Timetable, at: Instant, runAt: Instant | null): Occurrence | null {
  const regular = timetable.schedule.type === "one_time" ? null : nextOccurrence(timetable, at - 1);
  if (regular?.at === at) return regular;
  const asked = runAt === null ? null : askedOccurrence(timetable, runAt);
  return asked?.at === at && asked.movedFrom !== undefined ? asked : null;
}

function byClocks({ schedule }: Timetable, zone: string, { meantAt, movedFrom = meantAt, wallAt }: Occurrence): Move[] {
  if (wallAt === null) return [];
  const named = schedule.type === "offsets" ? namedByOffset(schedule, zone, movedFrom) : wallAt;
  if (named === null) return [];
  const shown = toWallClock(movedFrom, zone);
  if (shown !== named) return names(schedule, shown) ? [] : [{ by: "clocks_skip", from: null, fromWall: named }];
  const again = named - Math.min(offset(named - MS_PER_DAY, zone), offset(named + MS_PER_DAY, zone));
  if (again === movedFrom || toWallClock(again, zone) !== named) return [];
  return [{ by: "clocks_repeat", from: again, fromWall: named }];
}

/** True where the rule names this reading itself, beside one that the clocks skip and that comes to the same instant. */
function names(schedule: Timetable["schedule"], wall: WallClock): boolean {
  switch (schedule.type) {
    case "cron":
      return nextCron(parseCron(schedule.cron), wall - 1) === wall;
    case "rrule":
      return nextRrule(parseRrule(schedule.rrule), wall - 1) === wall;
    default:
      return false;
  }
}

function offset(instant: Instant, zone: string): number {
  return toWallClock(instant, zone) - instant;
}

/** The reading that the offset means which leads to this instant; null for one that counts elapsed time alone. */
function namedByOffset(
  { offsets, anchorAt }: Extract<Timetable["schedule"], { type: "offsets" }>,
  zone: string,
  instant: Instant,
): WallClock | null {
  for (const text of offsets) {
    const { months, days, ms } = parseDuration(text);
    if (months === 0 && days === 0) continue;
    const wall = addDate(toWallClock(anchorAt, zone), { months, days, ms });
    if (toInstant(wall, zone) + ms === instant) return ms === 0 ? wall : null;
  }
  return null;
}
