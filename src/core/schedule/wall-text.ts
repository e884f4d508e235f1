import type { Instant } from "../instant.ts";
import { offsetAt, toWallClock, type WallClock } from "./wall-clock.ts";

const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June", "July"],
  ...["August", "September", "October", "November", "December"],
];

/** A reading of the clock in ISO 8601, without a zone: `2026-03-29T03:00:00`; with milliseconds where there are any. */
export function isoWall(wall: WallClock): string {
  return new Date(wall)
    .toISOString()
    .slice(0, -1)
    .replace(/\.000$/, "");
}

/** How far the clocks of a zone are ahead of UTC, as ISO 8601 writes it: `+01:00`, and `-00:44:30` before there were zones. */
export function isoOffset(instant: Instant, zone: string): string {
  const offset = Math.round(offsetAt(instant, zone) / 1_000);
  const seconds = Math.abs(offset);
  const parts = [seconds / 3_600, (seconds / 60) % 60, ...(seconds % 60 === 0 ? [] : [seconds % 60])];
  return (offset < 0 ? "-" : "+") + parts.map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
}

/** A reading of the clock for people: `Sunday, 29 March 2026, 03:00`; with seconds where there are any. */
export function saidWall(wall: WallClock): string {
  const date = new Date(wall);
  const day = `${WEEKDAYS[date.getUTCDay()]}, ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  return `${day}, ${timeOf(wall)}`;
}

/** The time of day alone. */
export function timeOf(wall: WallClock): string {
  const time = new Date(wall).toISOString().slice(11, 19);
  return time.endsWith(":00") ? time.slice(0, 5) : time;
}

/** An instant for people, by the clocks of a zone: `Sunday, 29 March 2026, 03:00 (Europe/Berlin, UTC+02:00)`. */
export function saidInstant(instant: Instant, zone: string): string {
  const where = zone === "UTC" ? "UTC" : `${zone}, UTC${isoOffset(instant, zone)}`;
  return `${saidWall(toWallClock(instant, zone))} (${where})`;
}

/** A length of time for people, in the two largest units that it has: `2 hours 5 minutes`. */
export function saidDuration(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const units: [number, string][] = [
    [Math.floor(seconds / 86_400), "day"],
    [Math.floor(seconds / 3_600) % 24, "hour"],
    [Math.floor(seconds / 60) % 60, "minute"],
    [seconds % 60, "second"],
  ];
  const first = units.findIndex(([count]) => count > 0);
  if (first === -1) return "less than a second";
  const said = units.slice(first, first + 2).filter(([count]) => count > 0);
  return said.map(([count, unit]) => `${count} ${unit}${count === 1 ? "" : "s"}`).join(" ");
}
