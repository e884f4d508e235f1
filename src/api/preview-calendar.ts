import { hash } from "node:crypto";
import ical, { ICalCalendarMethod, ICalEventTransparency } from "ical-generator";
import type { Instant } from "../core/instant.ts";
import type { ReminderRecord } from "../core/reminder.ts";
import { humanise } from "../templates/words.ts";
import type { Preview } from "./preview.ts";

export const CALENDAR_MEDIA_TYPE = "text/calendar";

/** A calendar has to have something in it (RFC 5545 §3.6), though nothing is sent: what time it goes by. */
const NO_EVENTS = [
  "BEGIN:VTIMEZONE",
  "TZID:UTC",
  "BEGIN:STANDARD",
  "DTSTART:19700101T000000",
  "TZOFFSETFROM:+0000",
  "TZOFFSETTO:+0000",
  "END:STANDARD",
  "END:VTIMEZONE",
  "",
].join("\r\n");

/**
 * The messages of a preview as a calendar (RFC 5545): an event each, at the instant at which it leaves. An occurrence keeps its
 * UID, before its reminder is there and after, so that a calendar that is read again shows it once.
 */
export function toCalendar({ now, reminder, occurrences }: Preview): string {
  const { entityType, entityId, eventType } = reminder;
  const calendar = ical({
    prodId: { company: "Reminder Engine", product: "Preview" },
    method: ICalCalendarMethod.PUBLISH,
  });
  for (const { outcome, occurrenceAt, at, sentence } of occurrences) {
    if (outcome !== "sent") continue;
    calendar.createEvent({
      id: uidOf(reminder, occurrenceAt),
      stamp: new Date(now),
      start: new Date(at),
      summary: plain(`${humanise(eventType)} (${entityType} ${entityId})`),
      description: plain(sentence),
      // A message takes nobody's time.
      transparency: ICalEventTransparency.TRANSPARENT,
    });
  }
  const text = `${calendar.toString()}\r\n`;
  return calendar.length() > 0 ? text : text.replace("END:VCALENDAR", `${NO_EVENTS}END:VCALENDAR`);
}

function uidOf({ tenantId, entityType, entityId, eventType }: ReminderRecord, occurrenceAt: Instant): string {
  const key = hash("sha256", [tenantId, entityType, entityId, eventType].join("\0"), "hex").slice(0, 32);
  return `${key}-${occurrenceAt}@reminder-engine`;
}

/** Plain SQL may have written characters that no calendar may hold. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, " ").toWellFormed();
}

/** Whether a request asks for a calendar rather than for JSON. */
export function wantsCalendar(accept: string | undefined): boolean {
  const ranges = (accept ?? "").split(",").map((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const quality = Number(parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? 1);
    return { type, quality };
  });
  const qualityOf = (name: string): number =>
    Math.max(0, ...ranges.filter(({ type }) => type === name).map((r) => r.quality));
  const calendar = qualityOf(CALENDAR_MEDIA_TYPE);
  return calendar > 0 && calendar >= qualityOf("application/json");
}
