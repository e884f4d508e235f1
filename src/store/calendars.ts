import type { Instant } from "../core/instant.ts";
import type { CalendarRules, OwnDate, WeeklyHours } from "../core/schedule/business-calendar.ts";
import type { Row, Sql } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** A date that a person has named. */
export interface NamedDate extends OwnDate {
  name?: string | undefined;
}

/** What a person says about a calendar. */
export interface CalendarWish {
  name: string;
  timeZone: string;
  hours: WeeklyHours;
  dates: readonly NamedDate[];
  country: string | null;
  region: string | null;
}

/** Holidays as they were worked out, for up to the end of a year, by a version of their rules. */
export interface WorkedOut {
  holidays: readonly { date: string; name: string }[];
  until: number | null;
  rules: string | null;
}

/** One row of `calendars`. */
export interface CalendarRow extends CalendarWish {
  holidays: WorkedOut["holidays"];
  holidaysUntil: number | null;
  createdAt: Instant;
  updatedAt: Instant;
}

export function rulesOf({
  timeZone,
  hours,
  dates,
  holidays,
}: Omit<CalendarRow, "createdAt" | "updatedAt" | "holidaysUntil">): CalendarRules {
  return { timeZone, hours, dates, holidays: holidays.map(({ date }) => date) };
}

/** A calendar `cal` as `readCalendar` in the core reads it. */
export const CALENDAR_TEXT = `concat_ws(chr(10), cal.time_zone, cal.hours, cal.dates, cal.holiday_dates)`;

const READ = "select * from calendars where tenant_id = $1 and name = $2";

export async function readCalendarRow(sql: TenantSql, name: string): Promise<CalendarRow | null> {
  const [row] = await sql.query(READ, [sql.tenant, name]);
  return row ? toCalendarRow(row) : null;
}

/**
 * The same, locked until this transaction ends, to be changed but not deleted: who is just creating a reminder that goes by it
 * holds off the change (`reminder_lock_plans`), and must not be held off by it in turn.
 */
export async function lockCalendarToChange(sql: TenantSql, name: string): Promise<CalendarRow | null> {
  const [row] = await sql.query(`${READ} for no key update`, [sql.tenant, name]);
  return row ? toCalendarRow(row) : null;
}

/** The same, locked so that no reminder comes to go by it either. */
export async function lockCalendarToDelete(sql: TenantSql, name: string): Promise<CalendarRow | null> {
  const [row] = await sql.query(`${READ} for update`, [sql.tenant, name]);
  return row ? toCalendarRow(row) : null;
}

const LIST = `
  select *
    from calendars
   where tenant_id = $1 and ($2::text is null or name collate "C" > $2)
   order by name collate "C"
   limit $3`;

/** Up to `limit` calendars by name, beginning after the name `after`. */
export async function listCalendars(
  sql: TenantSql,
  { after, limit }: { after: string | null; limit: number },
): Promise<CalendarRow[]> {
  return (await sql.query(LIST, [sql.tenant, after, limit])).map(toCalendarRow);
}

const VALUES = `
  insert into calendars (tenant_id, name, time_zone, hours, dates, country, region, holidays, holidays_until, holidays_rules)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`;

const CREATE = `${VALUES} on conflict do nothing returning *`;

/** Creates a calendar; null where there is one of this name. */
export async function createCalendar(
  sql: TenantSql,
  wish: CalendarWish,
  worked: WorkedOut,
): Promise<CalendarRow | null> {
  const [row] = await sql.query(CREATE, [sql.tenant, ...columns(wish, worked)]);
  return row ? toCalendarRow(row) : null;
}

// A row that this statement has inserted carries no xmax; one that it has updated does.
const PUT = `${VALUES}
  on conflict (tenant_id, name)
  do update set time_zone = excluded.time_zone, hours = excluded.hours, dates = excluded.dates, country = excluded.country,
                region = excluded.region, holidays = excluded.holidays, holidays_until = excluded.holidays_until,
                holidays_rules = excluded.holidays_rules, updated_at = reminder_now()
  returning *, xmax = 0 as is_new`;

/** Makes a calendar, or puts this in the place of what it was. */
export async function putCalendar(
  sql: TenantSql,
  wish: CalendarWish,
  worked: WorkedOut,
): Promise<{ calendar: CalendarRow; isNew: boolean }> {
  const [row] = await sql.query(PUT, [sql.tenant, ...columns(wish, worked)]);
  return { calendar: toCalendarRow(row as Row), isNew: row?.is_new as boolean };
}

// What has ended or was deleted needs it no more; whoever restores such a reminder finds it without a calendar.
const FREE = `
  update reminder_jobs
     set calendar = null, counts_in = null, outside_working_time = null
   where tenant_id = $1 and calendar = $2 and (status = 'COMPLETED' or deleted_at is not null)`;
const USED = "select count(*)::int as count from reminder_jobs where tenant_id = $1 and calendar = $2";
const DELETE = "delete from calendars where tenant_id = $1 and name = $2";

/** Deletes a calendar that is locked, unless reminders go by it: returns how many do. */
export async function deleteCalendar(sql: TenantSql, name: string): Promise<number> {
  await sql.query(FREE, [sql.tenant, name]);
  const [used] = await sql.query<{ count: number }>(USED, [sql.tenant, name]);
  if (used && used.count > 0) return used.count;
  await sql.query(DELETE, [sql.tenant, name]);
  return 0;
}

const TEXTS = `
  select name, ${CALENDAR_TEXT} as text
    from calendars cal
   where tenant_id = $1 and name = any($2::text[])`;

/** Calendars as `readCalendar` in the core reads them, by name. */
export async function readCalendarTexts(sql: TenantSql, names: readonly string[]): Promise<Map<string, string>> {
  if (names.length === 0) return new Map();
  const rows = await sql.query<{ name: string; text: string }>(TEXTS, [sql.tenant, names]);
  return new Map(rows.map(({ name, text }) => [name, text]));
}

/** A calendar whose holidays are to be worked out: not far enough ahead, or by older rules. */
export interface Outdated {
  tenantId: string;
  name: string;
  country: string;
  region: string | null;
  /** The present year. */
  year: number;
}

const OUTDATED = `
  select tenant_id as "tenantId", name, country, region, extract(year from reminder_now() at time zone 'UTC')::int as year
    from calendars
   where country is not null
     and (coalesce(holidays_until, 0) < extract(year from reminder_now() at time zone 'UTC') + $1
          or string_to_array(coalesce(holidays_rules, '0'), '.')::int[] < string_to_array($2, '.')::int[])
     and (tenant_id, name) > ($3, $4)
   order by tenant_id, name
   limit $5`;

/**
 * Up to `limit` calendars after this one whose holidays reach less than `years` years ahead, or were worked out by rules older than
 * `rules`.
 */
export async function outdatedCalendars(
  sql: Sql,
  { years, rules }: { years: number; rules: string },
  after: Pick<Outdated, "tenantId" | "name">,
  limit: number,
): Promise<Outdated[]> {
  return sql.query<Outdated & Row>(OUTDATED, [years, rules, after.tenantId, after.name, limit]);
}

// Unless somebody has said something else meanwhile.
const RENEW = `
  update calendars
     set holidays = $5, holidays_until = $6, holidays_rules = $7
   where tenant_id = $1 and name = $2 and country = $3 and region is not distinct from $4`;

export async function renewHolidays(
  sql: Sql,
  { tenantId, name, country, region }: Outdated,
  worked: WorkedOut,
): Promise<void> {
  await sql.query(RENEW, [
    tenantId,
    name,
    country,
    region,
    JSON.stringify(worked.holidays),
    worked.until,
    worked.rules,
  ]);
}

function columns(
  { name, timeZone, hours, dates, country, region }: CalendarWish,
  { holidays, until, rules }: WorkedOut,
): unknown[] {
  return [
    name,
    timeZone,
    JSON.stringify(hours),
    JSON.stringify(dates),
    country,
    region,
    JSON.stringify(holidays),
    until,
    rules,
  ];
}

function toCalendarRow(row: Row): CalendarRow {
  return {
    name: row.name as string,
    timeZone: row.time_zone as string,
    hours: row.hours as WeeklyHours,
    dates: row.dates as NamedDate[],
    country: row.country as string | null,
    region: row.region as string | null,
    holidays: row.holidays as CalendarRow["holidays"],
    holidaysUntil: row.holidays_until as number | null,
    createdAt: row.created_at as number,
    updatedAt: row.updated_at as number,
  };
}
