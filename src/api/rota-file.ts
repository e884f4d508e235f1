import ICAL from "ical.js";
import {
  beginsWithin,
  LONGEST_RECURRING_MS,
  MOST_RECURRING_SHIFTS,
  MOST_SHIFTS,
  type OnCall,
  type Rota,
  type Shift,
} from "../core/rota.ts";
import { parseRrule } from "../core/schedule/rrule.ts";
import { toInstant } from "../core/schedule/wall-clock.ts";
import { isZone } from "../core/schedule/zone.ts";

/** What is wrong with a rota's file; the message goes on from "the calendar ...". */
export class BadRota extends Error {
  override name = "BadRota";
}

/** What a shift's rule may say: whether it is on is worked out at each firing. */
const PARTS = ["FREQ", "INTERVAL", "UNTIL", "BYDAY", "BYMONTH", "WKST"];
const FREQUENCIES = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"];
const MAIL = /^[^\s@,;<>()"]+@[^\s@,;<>()"]+$/;

/** A rule that names no day for so long is taken to name none. */
const LONGEST_WAIT_MS = 2 * 366 * 86_400_000;

/** Reads the shifts of a calendar (RFC 5545). Throws a `BadRota`. */
export function readRotaFile(ics: string): Rota {
  try {
    return readShifts(ics);
  } catch (error) {
    // The library reads each value where it is asked for, and throws whatever comes to it.
    throw error instanceof BadRota ? error : new BadRota(`can't be read: ${(error as Error).message.slice(0, 200)}`);
  }
}

function readShifts(ics: string): Rota {
  const events = eventsOf(ics);
  const moved = new Map<string, Set<string>>();
  for (const event of events) {
    const id = event.getFirstPropertyValue("recurrence-id");
    if (id === null) continue;
    const uid = String(event.getFirstPropertyValue("uid") ?? "");
    moved.set(uid, (moved.get(uid) ?? new Set()).add(basic(String(id))));
  }
  const shifts = events.flatMap((event) => toShift(event, moved));
  if (shifts.length === 0) throw new BadRota("must have shifts: VEVENTs with DTSTART and DTEND or DURATION");
  if (shifts.filter((shift) => "rrule" in shift).length > MOST_RECURRING_SHIFTS)
    throw new BadRota(`must have at most ${MOST_RECURRING_SHIFTS} events that recur`);
  return shifts;
}

function eventsOf(ics: string): ICAL.Component[] {
  let root: ICAL.Component;
  try {
    root = new ICAL.Component(ICAL.parse(ics) as unknown as ConstructorParameters<typeof ICAL.Component>[0]);
  } catch (error) {
    throw new BadRota(`must be one of RFC 5545: ${(error as Error).message.slice(0, 200)}`);
  }
  if (root.name !== "vcalendar") throw new BadRota("must begin with BEGIN:VCALENDAR");
  const events = root.getAllSubcomponents("vevent");
  if (events.length > MOST_SHIFTS) throw new BadRota(`must have at most ${MOST_SHIFTS} events`);
  return events;
}

function toShift(event: ICAL.Component, moved: ReadonlyMap<string, ReadonlySet<string>>): Shift[] {
  if (String(event.getFirstPropertyValue("status") ?? "").toUpperCase() === "CANCELLED") return [];
  const name = String(event.getFirstPropertyValue("summary") ?? event.getFirstPropertyValue("uid") ?? "an event");
  const fail = (message: string): BadRota =>
    new BadRota(`has an event ${JSON.stringify(name.slice(0, 60))} that ${message}`);
  try {
    const who = whoIs(event);
    const start = momentOf(event, "dtstart");
    if (start === null) throw fail("has no DTSTART");
    const lastsMs = lengthOf(event, start);
    if (!(lastsMs > 0 && lastsMs <= 366 * 86_400_000)) throw fail("must last longer than nothing and at most a year");
    if (event.getFirstPropertyValue("rrule") === null && event.getFirstProperty("rdate") === null)
      return [{ who, from: start.at, until: start.at + lastsMs }];
    if (lastsMs > LONGEST_RECURRING_MS) throw fail("must last at most 31 days, as it recurs");
    const uid = String(event.getFirstPropertyValue("uid") ?? "");
    return [{ who, rrule: ruleOf(event, start, moved.get(uid) ?? new Set()), lastsMs }];
  } catch (error) {
    if (error instanceof BadRota && error.message.startsWith("has")) throw error;
    throw fail((error as Error).message.slice(0, 200));
  }
}

interface Start {
  at: number;
  zone: string;
  /** As in a DTSTART, without its zone. */
  wall: string;
}

function momentOf(event: ICAL.Component, name: string): Start | null {
  const property = event.getFirstProperty(name);
  const time = property?.getFirstValue();
  if (!property || !(time instanceof ICAL.Time)) return null;
  const tzid = property.getFirstParameter("tzid");
  const zone = tzid || "UTC";
  if (!isZone(zone)) throw new BadRota(`names a time zone that isn't one of the IANA database: ${zone.slice(0, 60)}`);
  const { year, month, day, hour, minute, second } = time;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  if (!Number.isFinite(wall) || year < 1970 || year > 9000)
    throw new BadRota(`has a ${name.toUpperCase()} that can't be read`);
  return { at: toInstant(wall, zone), zone, wall: basic(new Date(wall).toISOString().slice(0, 19)) };
}

function lengthOf(event: ICAL.Component, start: Start): number {
  const end = momentOf(event, "dtend");
  if (end !== null) return end.at - start.at;
  const duration = event.getFirstPropertyValue("duration");
  if (duration instanceof ICAL.Duration) return duration.toSeconds() * 1_000;
  const isDay = (event.getFirstPropertyValue("dtstart") as ICAL.Time).isDate;
  return isDay ? 86_400_000 : 0;
}

/** When the shift begins, for our own rules; instances that were moved are events of their own. */
function ruleOf(event: ICAL.Component, { at: startAt, zone, wall }: Start, moved: ReadonlySet<string>): string {
  const rule = event.getFirstPropertyValue("rrule");
  if (rule === null || event.getFirstProperty("rdate") !== null)
    throw new BadRota("must recur by an RRULE, and have no RDATE");
  if (event.getAllProperties("rrule").length > 1) throw new BadRota("must have one RRULE");
  const said = String(rule);
  for (const part of said.split(";")) {
    const [key = "", value = ""] = part.split("=");
    if (!PARTS.includes(key)) throw new BadRota(`must recur by ${PARTS.join(", ")} alone, not by ${key}`);
    if (key === "FREQ" && !FREQUENCIES.includes(value))
      throw new BadRota(`must recur ${FREQUENCIES.join(", ")}, not ${value}`);
  }
  const removed = [
    ...event.getAllProperties("exdate").flatMap((each) => each.getValues().map((value) => basic(String(value)))),
    ...moved,
  ];
  const at = zone === "UTC" ? "" : `;TZID=${zone}`;
  const mark = zone === "UTC" ? "Z" : "";
  const dates = removed.map((date) => `${date.replace("Z", "").padEnd(9, "T").padEnd(15, "0")}${mark}`);
  const lines = [
    `DTSTART${at}:${wall}${mark}`,
    `RRULE:${said}`,
    ...(dates.length > 0 ? [`EXDATE${at}:${dates.join(",")}`] : []),
  ];
  const text = lines.join("\n");
  parseRrule(text);
  if (!beginsWithin(text, startAt - 1, startAt + LONGEST_WAIT_MS))
    throw new BadRota("must recur by a rule that names a day within two years");
  return text;
}

function whoIs(event: ICAL.Component): OnCall {
  const attendee = String(event.getFirstPropertyValue("attendee") ?? "").replace(/^mailto:/i, "");
  const summary = String(event.getFirstPropertyValue("summary") ?? "").trim();
  const said = attendee !== "" ? attendee : summary;
  if (MAIL.test(said) && said.length <= 254) return { address: said };
  const [, type, id] = /^([^/]{1,200})\/(.{1,200})$/.exec(said) ?? [];
  if (type && id) return { contact: { entity_type: type, entity_id: id } };
  throw new BadRota(
    "must say who is on call: an ATTENDEE, or a SUMMARY that is an e-mail address or entity_type/entity_id",
  );
}

function basic(text: string): string {
  return text.replace(/[-:]/g, "");
}
