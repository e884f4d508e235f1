import pg from "pg";
import type { Instant } from "../core/instant.ts";
import type { WallClock } from "../core/schedule/wall-clock.ts";

const INT8 = 20;
const TIMESTAMPTZ = 1184;
const TIMESTAMP = 1114;

/** What a clock on a wall shows comes as if it were UTC. Instants come as milliseconds since the epoch, 64-bit ids as numbers (exact below 2^53, which the tables hold to). */
export function getTypeParser(oid: number, format?: "text" | "binary"): (text: string) => unknown {
  if (oid === INT8) return Number;
  if (oid === TIMESTAMPTZ) return parseInstant;
  if (oid === TIMESTAMP) return (text) => Date.parse(`${text.replace(" ", "T")}Z`);
  return pg.types.getTypeParser(oid, format as "text");
}

const parseTimestamptz = pg.types.getTypeParser(TIMESTAMPTZ, "text") as (text: string) => Date | number | null;
const LONGEST_UTC = "2026-01-01 00:00:00.000000+00".length;

/** Never throws: what is no instant that a number can hold becomes an infinity or NaN, and is dealt with as a value. */
function parseInstant(text: string): Instant {
  // The usual case, a session in UTC, is ISO 8601 but for two characters, and `Date.parse` reads that much faster.
  if (text.endsWith("+00") && text.length <= LONGEST_UTC)
    return Date.parse(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`);
  return Number(parseTimestamptz(text) ?? Number.NaN);
}

/** An instant as a query parameter. */
export function toTimestamptz(instant: Instant): string {
  return new Date(instant).toISOString();
}

/** What a clock on a wall shows as a query parameter. */
export function toTimestamp(wall: WallClock): string {
  return new Date(wall).toISOString().slice(0, -1);
}
