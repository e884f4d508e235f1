import type { Logger } from "pino";
import { HOLIDAY_RULES, holidaysOf, YEARS_AHEAD } from "../holidays/holidays.ts";
import { type Outdated, outdatedCalendars, renewHolidays } from "../store/calendars.ts";
import { isDatabaseAway, isHeldElsewhere } from "../store/postgres.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";

const PAGE = 100;

/**
 * Works out the holidays of calendars for another year ahead, and anew where the library knows of newer rules. One that can't be
 * worked out or written keeps what it has, and holds up no other: not even one with more reminders than a statement can change.
 */
export async function renewCalendars(database: WorkerDatabase, log: Logger): Promise<void> {
  const wanted = { years: YEARS_AHEAD, rules: HOLIDAY_RULES };
  let last: Pick<Outdated, "tenantId" | "name"> = { tenantId: "", name: "" };
  for (;;) {
    const page = await outdatedCalendars(database, wanted, last, PAGE);
    for (const calendar of page) await renew(database, calendar, log);
    if (page.length < PAGE) return;
    last = page.at(-1) as Outdated;
  }
}

async function renew(database: WorkerDatabase, calendar: Outdated, log: Logger): Promise<void> {
  const { country, region, year } = calendar;
  try {
    const holidays = await holidaysOf({ country, region }, year - 1, year + YEARS_AHEAD);
    await renewHolidays(database, calendar, { holidays, until: year + YEARS_AHEAD, rules: HOLIDAY_RULES });
  } catch (error) {
    if (isDatabaseAway(error) && !isHeldElsewhere(error)) throw error;
    log.warn({ err: error, calendar: calendar.name, tenant: calendar.tenantId }, "a calendar keeps its old holidays");
  }
}
