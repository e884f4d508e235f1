// The year that is simulated, and what its clocks show: by others than the core.

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const YEAR = 365 * DAY;
/** A year with both changes of the clocks in it. */
export const START = Date.UTC(2026, 0, 15, 10, 30);
export const END = START + YEAR;

/** The clocks of the people and of the office. */
export const ZONE = "Europe/Berlin";
export const NIGHT = [{ from: "22:00", to: "07:00" }];
const DAY_HOURS = [{ from: "09:00", to: "17:00" }];
export const CALENDAR = [
  ZONE,
  JSON.stringify({
    monday: DAY_HOURS,
    tuesday: DAY_HOURS,
    wednesday: DAY_HOURS,
    thursday: DAY_HOURS,
    friday: DAY_HOURS,
  }),
  JSON.stringify([{ date: "2026-05-04", hours: [] }]),
  JSON.stringify(["2026-05-01"]),
].join("\n");

const onTheWall = new Intl.DateTimeFormat("en-GB", {
  ...{ timeZone: ZONE, hourCycle: "h23", weekday: "short", hour: "2-digit", minute: "2-digit" },
  ...{ year: "numeric", month: "2-digit", day: "2-digit" },
});

export interface Wall {
  /** Since midnight. */
  minute: number;
  weekday: string;
  date: string;
}

/** What the clocks of the people show. */
export function wall(at: number): Wall {
  const parts = new Map(onTheWall.formatToParts(at).map(({ type, value }) => [type, value]));
  const date = `${parts.get("year")}-${parts.get("month")}-${parts.get("day")}`;
  const minute = Number(parts.get("hour")) * 60 + Number(parts.get("minute"));
  return { minute, weekday: parts.get("weekday") ?? "", date };
}

export function isNight(at: number): boolean {
  const { minute } = wall(at);
  return minute >= 22 * 60 || minute < 7 * 60;
}

export function isOffice(at: number): boolean {
  const { minute, weekday, date } = wall(at);
  const isOpen = !["Sat", "Sun"].includes(weekday) && date !== "2026-05-01" && date !== "2026-05-04";
  return isOpen && minute >= 9 * 60 && minute < 17 * 60;
}

export interface Span {
  from: number;
  until: number;
}

/** In order, none touching another. */
export function apart(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && span.from <= last.until) last.until = Math.max(last.until, span.until);
    else merged.push({ ...span });
  }
  return merged;
}

export function isWithin(spans: readonly Span[], at: number): boolean {
  return spans.some(({ from, until }) => from <= at && at < until);
}
