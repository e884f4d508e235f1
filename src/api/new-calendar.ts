import type { z } from "zod";
import type { Instant } from "../core/instant.ts";
import { OPENING_DAYS } from "../core/schedule/business.ts";
import { toCalendar } from "../core/schedule/business-calendar.ts";
import { addWorkingMs } from "../core/schedule/business-time.ts";
import { RuleError } from "../core/schedule/rule-error.ts";
import { HOLIDAY_RULES, holidaysOf, UnknownPlace, YEARS_AHEAD } from "../holidays/holidays.ts";
import { type CalendarWish, rulesOf, type WorkedOut } from "../store/calendars.ts";
import { readMoment } from "../store/moment.ts";
import type { TenantDatabase } from "../store/tenant-database.ts";
import { invalidField } from "./problem.ts";
import type { PutCalendar } from "./schemas/calendar.ts";

/**
 * The calendar that a request asks for, with its holidays worked out. Throws a 422 where it can't be as the request says, or would
 * never be open.
 */
export async function toNewCalendar(
  database: TenantDatabase,
  name: string,
  said: z.output<typeof PutCalendar>,
): Promise<{ wish: CalendarWish; worked: WorkedOut }> {
  const wish: CalendarWish = {
    ...{ name, timeZone: said.time_zone, hours: withoutUndefined(said.hours) },
    dates: (said.dates ?? []).map(({ date, hours = [], name: called }) => ({
      date,
      hours,
      ...(called ? { name: called } : {}),
    })),
    ...{ country: said.country ?? null, region: said.region ?? null },
  };
  if (wish.region !== null && wish.country === null) throw invalidField("country", "must be given where region is");
  const { now } = await readMoment(database, [{ entityType: "", entityId: "" }], []);
  const worked = await workOut(wish, now);
  refuseUnfit(wish, worked, now);
  return { wish, worked };
}

async function workOut({ country, region }: CalendarWish, now: Instant): Promise<WorkedOut> {
  if (country === null) return { holidays: [], until: null, rules: null };
  const year = new Date(now).getUTCFullYear();
  try {
    const holidays = await holidaysOf({ country, region }, year - 1, year + YEARS_AHEAD);
    return { holidays, until: year + YEARS_AHEAD, rules: HOLIDAY_RULES };
  } catch (error) {
    if (error instanceof UnknownPlace) throw invalidField(error.field, error.message);
    throw error;
  }
}

function refuseUnfit(wish: CalendarWish, { holidays }: WorkedOut, now: Instant): void {
  try {
    const calendar = toCalendar(rulesOf({ ...wish, holidays }));
    if (addWorkingMs(calendar, now, 0, OPENING_DAYS) !== null) return;
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    throw invalidField(/date/.test(error.message) ? "dates" : "hours", error.message);
  }
  throw invalidField("hours", "must leave some time in which it is open: it never would be");
}

function withoutUndefined(hours: z.output<typeof PutCalendar>["hours"]): CalendarWish["hours"] {
  return Object.fromEntries(Object.entries(hours).filter(([, open]) => open !== undefined && open.length > 0));
}
