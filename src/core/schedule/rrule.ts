import { dateOf, dayOf, dayOfWall, LAST_INSTANT, MS_PER_DAY, weekdayOf } from "./calendar.ts";
import { type ContentLine, readRecurrence } from "./ical-lines.ts";
import { Budget, nextOfRule, type Recurrence } from "./rrule-next.ts";
import { type RuleParts, readParts } from "./rrule-parts.ts";
import { RuleError, remembering } from "./rule-error.ts";
import { toWallClock, type WallClock } from "./wall-clock.ts";
import { isZone } from "./zone.ts";

/** A recurrence of RFC 5545, taken apart. Everything in it is wall clock. */
export interface RecurrenceSet {
  /** The zone that DTSTART names; null where it names none: then the reminder's. */
  zone: string | null;
  rule: Recurrence | null;
  /** Instances besides the rule's, and those that fall out; in order. */
  added: readonly WallClock[];
  removed: ReadonlySet<WallClock>;
}

export const LONGEST_RRULE = 20_000;
const MOST_DATES = 500;
const MOST_TIMES = 1_440;
/** Counting through is done once for a text, and goes by more days than the look for one instance. */
const MOST_COUNTING = 100_000;

/**
 * Reads DTSTART, RRULE, RDATE and EXDATE, or the VEVENT or VTODO that has them. Throws a `RuleError` for what can't be read,
 * isn't allowed, or would take too long to work out.
 */
export const parseRrule = remembering((text: string): RecurrenceSet => {
  if (text.length > LONGEST_RRULE) throw new RuleError(`must have at most ${LONGEST_RRULE} characters`);
  const lines = readRecurrence(text);
  const named = (name: string): ContentLine[] => lines.filter((line) => line.name === name);
  const [start, otherStart] = named("DTSTART");
  const [rule, otherRule] = named("RRULE");
  if (named("EXRULE").length > 0) throw new RuleError("must not have an EXRULE, which RFC 5545 has given up");
  if (otherRule || otherStart) throw new RuleError("must have one DTSTART and one RRULE at most");
  if (!start) throw new RuleError("needs a DTSTART");
  if (!rule && named("RDATE").length === 0) throw new RuleError("needs an RRULE or an RDATE");

  const zone = zoneOf(start);
  const startAt = readTime(start.value, start, zone);
  const added = named("RDATE").flatMap((line) => readTimes(line, zone));
  const removed = named("EXDATE").flatMap((line) => readTimes(line, zone));
  if (added.length > MOST_DATES || removed.length > MOST_DATES) {
    throw new RuleError(`must have at most ${MOST_DATES} dates in RDATE and in EXDATE`);
  }
  return {
    zone,
    rule: rule ? compile(readParts(rule.value), startAt, zone) : null,
    added: [...new Set(added)].sort((a, b) => a - b),
    removed: new Set(removed),
  };
});

/**
 * The text with a DTSTART, as it is kept: one that has none begins with the first full minute at this reading of the
 * reminder's clock, or after it: an instance that COUNT counts is still to come.
 */
export function withStart(text: string, wall: WallClock): string {
  const hasStart = readRecurrence(text).some(({ name }) => name === "DTSTART");
  if (hasStart) return text;
  const start = new Date(Math.ceil(wall / 60_000) * 60_000).toISOString();
  const line = `DTSTART:${start.slice(0, 19).replaceAll(/[-:]/g, "")}\n`;
  if (COMPONENT.test(text)) return text.replace(COMPONENT, (begin) => `${begin}${line}`);
  const lines = text.trim();
  return `${line}${/^FREQ=/i.test(lines) ? `RRULE:${lines}` : lines}`;
}

const COMPONENT = /^[ \t]*BEGIN:(?:VEVENT|VTODO)[ \t]*(?:\r\n?|\n)/im;

/**
 * The first instance strictly after `after`, or null when there is none, or none that could be found within the budget. What the rule
 * has after `until` isn't looked for.
 */
export function nextRrule(
  { rule, added, removed }: RecurrenceSet,
  after: WallClock,
  until = Number.POSITIVE_INFINITY,
): WallClock | null {
  const budget = new Budget();
  const asked = rule && until < rule.untilAt ? { ...rule, untilAt: until } : rule;
  for (let last = after; ; ) {
    const byRule = asked && nextOfRule(asked, last, budget);
    const byDate = added.find((wall) => wall > last) ?? null;
    if (byRule === null && byDate === null) return null;
    const next = Math.min(byRule ?? Number.POSITIVE_INFINITY, byDate ?? Number.POSITIVE_INFINITY);
    if (!removed.has(next)) return next;
    last = next;
  }
}

/** What the rule leaves open is as in DTSTART (§3.3.10); COUNT becomes the last instance that it lets happen. */
function compile(parts: RuleParts, startAt: WallClock, zone: string | null): Recurrence {
  const { freq } = parts;
  const start = dateOf(dayOfWall(startAt));
  const secondOfDay = Math.floor((startAt - dayOfWall(startAt) * MS_PER_DAY) / 1_000);
  const filled = { ...parts };
  const leavesDayOpen =
    parts.weekNumbers.length + parts.yearDays.length + parts.monthDays.length + parts.weekdays.length === 0;
  const startWeekday = { weekday: weekdayOf(dayOfWall(startAt)), nth: 0 };
  if (freq === "WEEKLY" && parts.weekdays.length === 0) filled.weekdays = [startWeekday];
  if (freq === "MONTHLY" && leavesDayOpen) filled.monthDays = [start.dayOfMonth];
  if (freq === "YEARLY" && leavesDayOpen) {
    filled.monthDays = [start.dayOfMonth];
    if (parts.months.length === 0) filled.months = [start.month];
  }
  const onlyWeekNumbers = leavesDayOpen === false && parts.weekNumbers.length > 0;
  if (onlyWeekNumbers && parts.weekdays.length + parts.monthDays.length + parts.yearDays.length === 0) {
    filled.weekdays = [startWeekday];
  }
  const isOf = (...finer: string[]): boolean => finer.includes(freq);
  if (parts.seconds.length === 0) filled.seconds = [secondOfDay % 60];
  if (parts.minutes.length === 0 && !isOf("MINUTELY")) filled.minutes = [Math.floor(secondOfDay / 60) % 60];
  if (parts.hours.length === 0 && !isOf("MINUTELY", "HOURLY")) filled.hours = [Math.floor(secondOfDay / 3_600)];

  const until = parts.until === null ? Number.POSITIVE_INFINITY : readUntil(parts.until, zone);
  const times = isOf("MINUTELY", "HOURLY") ? [] : timesOfDay(filled);
  const rule: Recurrence = { ...filled, times, startAt, untilAt: Math.min(until, LAST_INSTANT) };
  return parts.count === null ? rule : { ...rule, untilAt: lastOf(rule, parts.count) };
}

/** In milliseconds, in order. A rule with more of them than a day has minutes is refused before they are listed. */
function timesOfDay({ hours, minutes, seconds }: RuleParts): number[] {
  const count = hours.length * minutes.length * seconds.length;
  if (count > MOST_TIMES)
    throw new RuleError(`has ${count} times a day: BYHOUR, BYMINUTE and BYSECOND may make ${MOST_TIMES}`);
  return hours.flatMap((hour) =>
    minutes.flatMap((minute) => seconds.map((second) => ((hour * 60 + minute) * 60 + second) * 1_000)),
  );
}

function lastOf(rule: Recurrence, count: number): WallClock {
  const budget = new Budget(MOST_COUNTING);
  let last = rule.startAt - 1;
  for (let n = 0; n < count; n += 1) {
    const next = nextOfRule(rule, last, budget);
    if (next === null) break;
    last = next;
  }
  if (budget.isSpent) throw new RuleError("takes too long to count through: give it an UNTIL, or a smaller COUNT");
  return last;
}

function zoneOf({ parameters, value }: ContentLine): string | null {
  const name = parameters.get("TZID");
  if (/Z$/i.test(value)) return "UTC";
  if (name === undefined) return null;
  // Some programs write a path of their own before the name that everybody knows.
  const zone = [name, name.split("/").slice(-2).join("/"), name.split("/").slice(-3).join("/")].find(isZone);
  if (zone) return zone;
  throw new RuleError(
    `names a time zone that the IANA database doesn't have (${name.slice(0, 60)}): like Europe/Berlin`,
  );
}

function readTimes(line: ContentLine, zone: string | null): WallClock[] {
  const values = line.value.split(",", MOST_DATES + 1);
  // Of a period, the beginning counts.
  return values.map((value) => readTime(value.split("/")[0] as string, line, zone));
}

/** A DATE or DATE-TIME (§3.3.4, §3.3.5) on the clock of the rule's zone; a date is its midnight. */
function readTime(text: string, line: ContentLine, zone: string | null): WallClock {
  const parts = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z)?)?$/i.exec(text.trim());
  const [, year, month, day, hour = "0", minute = "0", second = "0", utc] = parts ?? [];
  const days = dayOf(Number(year), Number(month), Number(day));
  const wall =
    days * MS_PER_DAY + Number(hour) * 3_600_000 + Number(minute) * 60_000 + Math.min(59, Number(second)) * 1_000;
  const isReal = parts && dateOf(days).dayOfMonth === Number(day) && dateOf(days).month === Number(month);
  if (!isReal || Number(year) < 1970 || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) {
    throw new RuleError(
      `has a time in ${line.name} that there isn't, or not in the years 1970 to 9999: ${text.slice(0, 30)}`,
    );
  }
  if (utc) {
    if (zone !== null) return toWallClock(wall, zone);
    throw new RuleError(`has a time in UTC in ${line.name}, but a DTSTART without a zone: give DTSTART a TZID, or a Z`);
  }
  const named = line.name === "DTSTART" ? null : zoneOf(line);
  if (named === null || named === zone) return wall;
  throw new RuleError(`must have ${line.name} in the zone of DTSTART`);
}

/** Inclusive; of a date, the whole day. */
function readUntil(given: string, zone: string | null): WallClock {
  // Many write UNTIL in UTC whatever DTSTART is; where that has no zone, it is a reading of the same clock.
  const text = zone === null ? given.replace(/Z$/i, "") : given;
  const line = { name: "UNTIL", parameters: new Map<string, string>(), value: text };
  const wall = readTime(text, line, zone);
  return text.includes("T") ? wall : wall + MS_PER_DAY - 1;
}
