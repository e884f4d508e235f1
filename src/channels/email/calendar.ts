import ical, { ICalCalendarMethod, ICalEventTransparency } from "ical-generator";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import type { Message } from "../channel.ts";
import { domainOf } from "./address.ts";
import type { Sender } from "./compose.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;
const LONGEST_PLACE = 300;

interface Dates {
  start: Date;
  end: Date;
  isWholeDay: boolean;
}

/**
 * The event of a reminder that has a date, as a calendar (RFC 5545): its `data.starts_at`, until `data.ends_at` if there is
 * one, at `data.location`. Null where there is none, or it can't be read: the message says what it has to all the same. Each
 * message of a reminder updates the same event. Who publishes one says who they are (RFC 5546 §3.2.1), and is `from`.
 */
export function calendarOf(message: Message, subject: string, from: Sender): string | null {
  const { id, data } = message.reminder;
  const dates = datesOf(data);
  if (dates === null) return null;
  const calendar = ical({
    prodId: { company: "Reminder Engine", product: "E-mail" },
    method: ICalCalendarMethod.PUBLISH,
  });
  calendar.createEvent({
    id: `reminder-${id}@${domainOf(from.address)}`,
    sequence: message.occurrenceNumber,
    stamp: new Date(message.occurrenceAt),
    start: dates.start,
    end: dates.end,
    allDay: dates.isWholeDay,
    summary: subject,
    organizer: { name: nameOf(from), email: from.address },
    ...(typeof data.location === "string" ? { location: plain(data.location).slice(0, LONGEST_PLACE) } : {}),
    // To be reminded of it takes nobody's time.
    transparency: ICalEventTransparency.TRANSPARENT,
  });
  return `${calendar.toString()}\r\n`;
}

function datesOf({ starts_at, ends_at }: JsonObject): Dates | null {
  const start = read(starts_at);
  if (start === null) return null;
  const given = read(ends_at);
  const isWholeDay = DATE.test(String(starts_at));
  const isRight = given !== null && given > start && DATE.test(String(ends_at)) === isWholeDay;
  const end = isRight ? given + (isWholeDay ? DAY_MS : 0) : start + (isWholeDay ? DAY_MS : HOUR_MS);
  return { start: new Date(start), end: new Date(end), isWholeDay };
}

/** A date, or an instant that says its offset; null for what is neither. */
function read(value: JsonValue | undefined): number | null {
  if (typeof value !== "string" || (!DATE.test(value) && !INSTANT.test(value))) return null;
  const instant = Date.parse(value);
  return Number.isNaN(instant) ? null : instant;
}

/** Between quotes, where nothing can be escaped (RFC 5545 §3.2). */
function nameOf({ name, address }: Sender): string {
  return plain(name).replace(/["\\]/g, "").trim() || address;
}

function plain(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, " ").toWellFormed();
}
