import { isAlwaysQuiet, MOST_QUIET_WINDOWS, type QuietHours, type QuietWindow } from "../core/quiet-hours.ts";
import { WEEKDAYS, type Weekday } from "../core/schedule/clock-time.ts";
import { CannotRun } from "./say.ts";

const WINDOW = /^(?:([a-z]+(?:,[a-z]+)*) )?((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d|24:00)$/;
const HINT = '--quiet-hours must be like "22:00-07:00" or "22:00-07:00; sat,sun 00:00-24:00", or none';

/** Reads `22:00-07:00; sat,sun 00:00-24:00`; null for `none`. */
export function quietHoursOf(text: string): QuietHours | null {
  if (text === "none") return null;
  const hours = text.split(";").map((part) => windowOf(part.trim().toLowerCase(), text));
  if (hours.length > MOST_QUIET_WINDOWS)
    throw new CannotRun(`--quiet-hours takes at most ${MOST_QUIET_WINDOWS} windows`);
  if (isAlwaysQuiet(hours))
    throw new CannotRun("--quiet-hours must leave some time of the week in which a message may come");
  return hours;
}

/** The same the other way round. */
export function writeQuietHours(hours: QuietHours): string {
  return hours
    .map(({ days, from, to }) => `${days ? `${days.map((day) => day.slice(0, 3)).join(",")} ` : ""}${from}-${to}`)
    .join("; ");
}

function windowOf(part: string, text: string): QuietWindow {
  const [, names, from, to] = WINDOW.exec(part) ?? [];
  if (from === undefined || to === undefined) throw new CannotRun(`${HINT}, not ${text}`);
  if (names === undefined) return { from, to };
  return { days: names.split(",").map((name) => dayOf(name, text)), from, to };
}

function dayOf(name: string, text: string): Weekday {
  const day = name.length >= 3 ? WEEKDAYS.find((weekday) => weekday.startsWith(name)) : undefined;
  if (day === undefined) throw new CannotRun(`${HINT}, not ${text}`);
  return day;
}
