import type { Instant } from "../instant.ts";

/**
 * What the clocks on the wall show somewhere: the milliseconds since the epoch that the same reading would be in UTC. It says
 * when only together with a zone.
 */
export type WallClock = number;

const MS_PER_DAY = 86_400_000;
/** A zone's offset is looked up at the ends of spans this long. No zone of 1970 to now changed it twice within one. */
const SPAN_MS = 4 * MS_PER_DAY;
/** About ten years of each of a hundred zones; then all is looked up anew. */
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
  let [low, high] = [from, to];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle, zone) === offset) low = middle;
    else high = middle;
  }
  return high;
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
  let [low, high] = [start, start + SPAN_MS];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (readOffset(middle, format) === before) low = middle;
    else high = middle;
  }
  return { before, after, changesAt: high };
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

/** How runtimes write it so far. Taking the text apart is three times as fast as having it taken apart. */
const WRITTEN = /^(\d{4})-(\d\d)-(\d\d), (\d\d):(\d\d):(\d\d)$/;

/** What the runtime's own time zone data says. */
function readOffset(instant: Instant, format: Intl.DateTimeFormat): number {
  const [, ...written] = (WRITTEN.exec(format.format(instant)) ?? []).map(Number);
  if (written.length === 6) {
    const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = written;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000;
  }
  const read: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of format.formatToParts(instant)) read[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = read;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  return wall - Math.floor(instant / 1000) * 1000;
}
