import type { Instant } from "../instant.ts";

/**
 * What the clocks on the wall show somewhere: the milliseconds since the epoch that the same reading would be in UTC. It says
 * when only together with a zone.
 */
export type WallClock = number;

const MS_PER_DAY = 86_400_000;
/** A zone's offset is looked up at the ends of spans this long. No zone since 1970 changed it twice within one: 6.96 days is the least. */
const SPAN_MS = 6 * MS_PER_DAY;
/** Nearly all changes since 1970 are at a full quarter of an hour of UTC, so they are looked for there first. */
const QUARTER_MS = 900_000;
/** About fifteen years of each of a hundred zones; then all is looked up anew. */
const MOST_SPANS = 100_000;

/** A stretch of time in which a zone's offset from UTC changes at most once. */
interface Span {
  /** Milliseconds ahead of UTC, before and from the change on. */
  before: number;
  after: number;
  /** When it changes; where it doesn't, never. */
  changesAt: Instant;
}

const spans = new Map<string, Map<number, Span>>();
let spanCount = 0;

/** Milliseconds that the clocks of an IANA zone are ahead of UTC at an instant. Throws a RangeError for an unknown zone. */
export function offsetAt(instant: Instant, zone: string): number {
  if (zone === "UTC") return 0;
  const span = spanOf(Math.floor(instant / SPAN_MS), zone);
  return instant < span.changesAt ? span.before : span.after;
}

/** What the clocks of the zone show at an instant. */
export function toWallClock(instant: Instant, zone: string): WallClock {
  return instant + offsetAt(instant, zone);
}

/**
 * When the clocks of the zone show this. A reading that comes twice is the first time; one that the clocks skip is right
 * after the gap. So later readings are never earlier instants.
 */
export function toInstant(wall: WallClock, zone: string): Instant {
  if (zone === "UTC") return wall;
  // The greater offset is the earlier instant; both are those in force about a day around.
  const before = offsetAt(wall - MS_PER_DAY, zone);
  const after = offsetAt(wall + MS_PER_DAY, zone);
  const first = wall - Math.max(before, after);
  if (before === after || offsetAt(first, zone) === Math.max(before, after)) return first;
  const second = wall - Math.min(before, after);
  if (offsetAt(second, zone) === Math.min(before, after)) return second;
  return changeBetween(first, second, zone);
}

/** The first instant of `(from, to]` with another offset than `from` has. */
function changeBetween(from: Instant, to: Instant, zone: string): Instant {
  const offset = offsetAt(from, zone);
  return firstOther(from, to, 1, (instant) => offsetAt(instant, zone) === offset);
}

function spanOf(index: number, zone: string): Span {
  let ofZone = spans.get(zone);
  if (!ofZone) {
    ofZone = new Map();
    spans.set(zone, ofZone);
  }
  const known = ofZone.get(index);
  if (known) return known;
  const span = lookUp(index * SPAN_MS, zone, ofZone.get(index - 1)?.after);
  if (spanCount >= MOST_SPANS) {
    spans.clear();
    spanCount = 0;
  }
  spanCount += 1;
  ofZone.set(index, span);
  return span;
}

/** `known`: the offset at its start, where the span before has been looked up. */
function lookUp(start: Instant, zone: string, known: number | undefined): Span {
  const format = formatOf(zone);
  const before = known ?? readOffset(start, format);
  const after = readOffset(start + SPAN_MS, format);
  if (before === after) return { before, after, changesAt: Number.POSITIVE_INFINITY };
  const isBefore = (instant: Instant): boolean => readOffset(instant, format) === before;
  const quarter = firstOther(start, start + SPAN_MS, QUARTER_MS, isBefore);
  const isThere = isBefore(quarter - 1);
  return { before, after, changesAt: isThere ? quarter : firstOther(quarter - QUARTER_MS, quarter - 1, 1, isBefore) };
}

/** Of the instants of `(from, to]` in steps of so many milliseconds, the first at which it isn't as before; `to` is such a one. */
function firstOther(from: Instant, to: Instant, stepMs: number, isBefore: (instant: Instant) => boolean): Instant {
  let [low, high] = [from, to];
  while (high - low > stepMs) {
    const middle = low + Math.floor((high - low) / (2 * stepMs)) * stepMs;
    if (isBefore(middle)) low = middle;
    else high = middle;
  }
  return high;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    calendar: "iso8601",
    numberingSystem: "latn",
    hourCycle: "h23",
    ...{ year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" },
  });
  formats.set(zone, format);
  return format;
}

/** What the runtime's own time zone data says. */
function readOffset(instant: Instant, format: Intl.DateTimeFormat): number {
  const second = Math.floor(instant / 1000) * 1000;
  const text = format.format(instant);
  // How runtimes write it so far, `2026-03-29, 03:00:00`. Having it taken apart would take four times as long.
  const written =
    text.length === 20 && text.startsWith(", ", 10)
      ? Date.parse(`${text.slice(0, 10)}T${text.slice(12)}Z`)
      : Number.NaN;
  if (!Number.isNaN(written)) return written - second;
  const read: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of format.formatToParts(instant)) read[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = read;
  return Date.UTC(year, month - 1, day, hour, minute, read.second ?? 0) - second;
}
