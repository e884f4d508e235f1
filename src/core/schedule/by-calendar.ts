import type { BusinessTime, CountsIn, OutsideWorkingTime } from "./business.ts";
import { readCalendar } from "./business-calendar.ts";
import { MINUTES_PER_DAY } from "./clock-time.ts";
import type { Refusal } from "./fields.ts";
import type { Schedule } from "./kinds.ts";
import { RuleError } from "./rule-error.ts";

/** How a reminder goes by one of its tenant's calendars, as it is written. */
export interface ByCalendar {
  /** The calendar's name. */
  calendar: string;
  countsIn: CountsIn;
  outside: OutsideWorkingTime;
}

/** What somebody says about it. Undefined: not said; null: as usual, or no calendar. */
export interface ByCalendarFields {
  calendar?: string | null | undefined;
  countsIn?: CountsIn | null | undefined;
  outside?: OutsideWorkingTime | null | undefined;
}

/** Calendars as the store keeps them, by name: see `readCalendar`. */
export type Calendars = ReadonlyMap<string, string>;
export const NO_CALENDARS: Calendars = new Map();

/** What these fields make of it: the same object where they change nothing; null: it goes by none. */
export function editedByCalendar(former: ByCalendar | null, said: ByCalendarFields): ByCalendar | null | Refusal {
  const calendar = said.calendar === undefined ? (former?.calendar ?? null) : said.calendar;
  if (calendar === null) {
    const field = said.countsIn ? "counts_in" : said.outside ? "outside_working_time" : null;
    return field && { kind: "invalid", field, message: "must be left out where no calendar is named" };
  }
  const countsIn = said.countsIn === undefined ? (former?.countsIn ?? "all_time") : (said.countsIn ?? "all_time");
  const outside = said.outside === undefined ? (former?.outside ?? "next") : (said.outside ?? "next");
  const isSame = former?.calendar === calendar && former.countsIn === countsIn && former.outside === outside;
  return isSame ? former : { calendar, countsIn, outside };
}

/** Why a schedule can't be counted like that; null: it can. */
export function misplacedCount(
  schedule: Schedule | { type: "recurring"; intervalMinutes: number },
  by: ByCalendar | null,
): Refusal | null {
  const refuse = (field: string, message: string): Refusal => ({ kind: "invalid", field, message });
  if (by === null || by.countsIn === "all_time") return null;
  switch (schedule.type) {
    case "recurring":
      if (by.countsIn === "working_time" || schedule.intervalMinutes % MINUTES_PER_DAY === 0) return null;
      return refuse("interval_minutes", "must be whole days, multiples of 1440, where counts_in is working_days");
    case "backoff":
      if (by.countsIn === "working_time") return null;
      return refuse("counts_in", 'must be "working_time" or "all_time" where schedule_type is "backoff"');
    case "offsets":
      return null;
    default:
      return refuse("counts_in", 'must be left out, or schedule_type must be "recurring", "offsets" or "backoff"');
  }
}

/** That there is no such calendar, if there isn't. */
export function missingCalendar(by: ByCalendar | null, calendars: Calendars): Refusal | null {
  if (by === null || calendars.has(by.calendar)) return null;
  return { kind: "invalid", field: "calendar", message: `must be the name of a calendar: there is no ${by.calendar}` };
}

/** To calculate with. Throws a `RuleError` where there is no such calendar, or none that can be read. */
export function toBusinessTime(by: ByCalendar, text: string | null | undefined): BusinessTime {
  if (text == null) throw new RuleError(`calendar isn't there: ${by.calendar}`);
  return { name: by.calendar, calendar: readCalendar(text), countsIn: by.countsIn, outside: by.outside };
}
