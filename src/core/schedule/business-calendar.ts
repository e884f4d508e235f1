import { type Day, dateOf, dayOf, weekdayOf } from "./calendar.ts";
import { minuteOf, WEEKDAYS, type Weekday } from "./clock-time.ts";
import { RuleError, remembering } from "./rule-error.ts";
import { isZone } from "./zone.ts";

/** Working hours as they are written: from and to within one day, `to` not included. */
export interface Hours {
  from: string;
  to: string;
}

/** The working hours of each day of the week; a day that isn't named is closed. */
export type WeeklyHours = { readonly [Name in Weekday]?: readonly Hours[] | undefined };

/** A date that is unlike its day of the week; without hours it is closed. */
export interface OwnDate {
  /** `YYYY-MM-DD` */
  date: string;
  hours: readonly Hours[];
}

/** A calendar as it is kept: everything that decides when is working time. */
export interface CalendarRules {
  /** IANA name; whose clocks the hours are read on. */
  timeZone: string;
  hours: WeeklyHours;
  dates: readonly OwnDate[];
  /** Dates of public holidays, worked out beforehand; an own date outranks them. */
  holidays: readonly string[];
}

/** A stretch of a day, in minutes of its wall clock; `to` isn't part of it. */
export interface Stretch {
  from: number;
  to: number;
}

/** The same as a plain value to calculate with. */
export interface BusinessCalendar {
  zone: string;
  /** By the day of the week, 0 is Sunday; in order, none touching another. */
  week: readonly (readonly Stretch[])[];
  /** Dates that are unlike their day of the week. */
  dates: ReadonlyMap<Day, readonly Stretch[]>;
}

export const MOST_OWN_DATES = 500;
export const MOST_HOURS_A_DAY = 10;
const CLOSED: readonly Stretch[] = [];

/** Throws a `RuleError` that says what is wrong. */
export function toCalendar({ timeZone, hours, dates, holidays }: CalendarRules): BusinessCalendar {
  if (!isZone(timeZone)) throw new RuleError(`names a time zone that the IANA database doesn't have (${timeZone})`);
  if (dates.length > MOST_OWN_DATES) throw new RuleError(`must have at most ${MOST_OWN_DATES} dates of its own`);
  const own = dates.map(({ date, hours: open }) => [readDate(date), toStretches(open, date)] as const);
  const closed = holidays.map((date) => [readDate(date), CLOSED] as const);
  return {
    zone: timeZone,
    week: WEEKDAYS.map((weekday) => toStretches(hours[weekday] ?? [], weekday)),
    dates: new Map([...closed, ...own]),
  };
}

/** What `toCalendar` makes of the texts that the store keeps, each only once: it is asked at every firing. */
export const readCalendar: (text: string) => BusinessCalendar = remembering((text) => {
  const [timeZone = "", hours = "", dates = "", holidays = ""] = text.split("\n");
  try {
    return toCalendar({
      timeZone,
      hours: JSON.parse(hours),
      dates: JSON.parse(dates),
      holidays: JSON.parse(holidays),
    });
  } catch (error) {
    if (error instanceof RuleError) throw new RuleError(`calendar ${error.message}`);
    throw new RuleError(`calendar can't be read: ${(error as Error).message}`);
  }
}, 500);

/** The stretches in which a day is open, by its wall clock; none when it is closed. */
export function stretchesOf({ week, dates }: BusinessCalendar, day: Day): readonly Stretch[] {
  return dates.get(day) ?? week[weekdayOf(day)] ?? CLOSED;
}

/** A date of the years 1970 to 9999. Throws a `RuleError`. */
export function readDate(date: string): Day {
  const [, year, month, dayOfMonth] = (/^(\d{4})-(\d\d)-(\d\d)$/.exec(date) ?? []).map(Number);
  const day = dayOf(year ?? 0, month ?? 0, dayOfMonth ?? 0);
  const real = dateOf(day);
  if (!year || year < 1970 || real.month !== month || real.dayOfMonth !== dayOfMonth) {
    throw new RuleError(`has a date that there isn't, or not in the years 1970 to 9999: ${date.slice(0, 30)}`);
  }
  return day;
}

function toStretches(hours: readonly Hours[], whose: string): Stretch[] {
  if (hours.length > MOST_HOURS_A_DAY)
    throw new RuleError(`must open at most ${MOST_HOURS_A_DAY} times a day (${whose})`);
  const stretches = hours.map(({ from, to }) => ({ from: minuteOf(from), to: minuteOf(to) }));
  stretches.sort((a, b) => a.from - b.from);
  for (const [index, { from, to }] of stretches.entries()) {
    if (!(from < to)) {
      throw new RuleError(
        `must have hours like 09:00 to 17:00, which end on the day they begin, at 24:00 at the latest (${whose})`,
      );
    }
    if (index > 0 && from < (stretches[index - 1] as Stretch).to) {
      throw new RuleError(`has hours that overlap (${whose})`);
    }
  }
  return stretches;
}
