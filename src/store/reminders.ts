import { setImmediate } from "node:timers/promises";
import type { NextRun } from "../core/decide.ts";
import { MS_PER_MINUTE } from "../core/instant.ts";
import type { QuietHours } from "../core/quiet-hours.ts";
import {
  type Bounds,
  type Instant,
  type JsonObject,
  NO_BOUNDS,
  type OnUnknown,
  type ReminderRecord,
  type Schedule,
  type StopCondition,
} from "../core/reminder.ts";
import type { ByCalendar } from "../core/schedule/by-calendar.ts";
import { fieldsOf } from "../core/schedule/fields.ts";
import { toTimestamp } from "./instants.ts";
import { type Row, toTimestamptz } from "./postgres.ts";
import { orQuotaReached } from "./quota.ts";
import { toReminderRecord } from "./reminder-row.ts";
import type { TenantDatabase, TenantSql } from "./tenant-database.ts";
import { ZONE_RULES } from "./zone-rules.ts";

export interface NewReminder {
  entityType: string;
  entityId: string;
  eventType: string;
  channel: string;
  recipient: string | null;
  subject: string | null;
  message: string | null;
  data: JsonObject;
  timeZone: string | null;
  schedule: NewSchedule;
  bounds: Bounds;
  business: ByCalendar | null;
  quietHours: QuietHours | null;
  ignoreQuietHours: boolean;
  /** First due instant that was asked for. */
  runAt: Instant | null;
  /** When it is due first; null: as `runAt` says, else one interval from now, or now where there is none. */
  firstRun: NextRun | null;
  stopCondition: StopCondition | null;
  onUnknown: OnUnknown;
}

/** A series of intervals may have its anchor from the database, as its first due instant. */
export type NewSchedule =
  | Exclude<Schedule, { type: "recurring" }>
  | { type: "recurring"; intervalMinutes: number; anchorAt: Instant | null };

// One parameter carries all rows. The bucket, the first due instant and the anchor are given here, so that the trigger that
// fills them in for plain SQL has nothing to do. The limit to waiting for locks ends with the statement.
const INSERT = `
  with patience as materialized (select set_config('lock_timeout', $3, true))
  insert into reminder_jobs (tenant_id, bucket, entity_type, entity_id, event_type, channel, recipient, subject, message,
                             data, time_zone, schedule_type, interval_minutes, interval_factor, max_interval_minutes, cron,
                             rrule, offsets, start_at, end_at, max_occurrences, jitter_seconds, misfire_policy,
                             run_at, next_run_at, next_wall_at, zone_rules, anchor_at,
                             stop_condition_type, stop_condition_value, stop_condition_settings, on_unknown,
                             calendar, counts_in, outside_working_time, quiet_hours, ignore_quiet_hours)
  select $1, reminder_bucket($1, entity_type, entity_id, event_type), entity_type, entity_id, event_type, channel,
         recipient, subject, message, data, time_zone, schedule_type, interval_minutes, interval_factor,
         max_interval_minutes, cron, rrule, offsets, start_at, end_at, max_occurrences, jitter_seconds, misfire_policy,
         run_at, first_at, next_wall_at, case when next_wall_at is null and calendar is null and start_at is null then '' else $4 end,
         coalesce(anchor_at, case schedule_type when 'recurring' then first_at end), stop_condition_type, stop_condition_value,
         stop_condition_settings, on_unknown, calendar, counts_in, outside_working_time, quiet_hours, ignore_quiet_hours
    from patience,
         jsonb_to_recordset($2) as wanted (
           entity_type text, entity_id text, event_type text, channel text, recipient text, subject text, message text,
           data jsonb, time_zone text, schedule_type text, interval_minutes integer, interval_factor float8,
           max_interval_minutes integer, cron text, rrule text, offsets text[], anchor_at timestamptz, start_at timestamptz,
           end_at timestamptz, max_occurrences integer, jitter_seconds integer, misfire_policy text, run_at timestamptz,
           next_run_at timestamptz, next_wall_at timestamp,
           stop_condition_type text, stop_condition_value text, stop_condition_settings jsonb, on_unknown text,
           calendar text, counts_in text, outside_working_time text, quiet_hours jsonb, ignore_quiet_hours boolean),
         lateral (
           select coalesce(next_run_at, run_at, reminder_now() + coalesce(interval_minutes, 0) * interval '1 minute')::timestamptz(3)
         ) as first (first_at)
  on conflict (tenant_id, entity_type, entity_id, event_type, bucket) where status = 'ACTIVE' and deleted_at is null
  do nothing
  returning id, entity_type, entity_id, event_type, next_run_at, created_at`;

/** Of many, so many travel at a time: while the database stores these, the next are written out, and the last ones' answers read. */
const TOGETHER = 250;

/**
 * Creates those reminders whose key no ACTIVE one holds, and returns them in no particular order. They must have different
 * keys. Where another transaction is about to take or free one of the keys, its end is waited for, at most so long; then,
 * as with every other error, nothing is created. Throws `QuotaReached` where they would be more than the tenant may have.
 */
export async function insertReminders(
  database: TenantDatabase,
  reminders: readonly NewReminder[],
  { lockTimeoutMs }: { lockTimeoutMs: number },
): Promise<ReminderRecord[]> {
  // Whoever inserts several keys does so in the same order, so that no two wait for each other.
  const byKey = new Map(reminders.map((reminder) => [keyOf(reminder), reminder]));
  const keys = [...byKey.keys()].sort();
  const insert = async (sql: TenantSql, some: readonly string[]): Promise<ReminderRecord[]> => {
    const rows = some.map((key) => toRow(byKey.get(key) as NewReminder));
    const inserted = await sql
      .query(INSERT, [sql.tenant, JSON.stringify(rows), `${lockTimeoutMs}ms`, ZONE_RULES])
      .catch((error: unknown) => {
        throw orQuotaReached(error);
      });
    return inserted.map((row) => asInserted(byKey.get(keyOf(toKey(row))) as NewReminder, sql.tenant, row));
  };
  // Within somebody's transaction several are a step of their own: if they are too many, fewer are tried.
  const isStep = database.isOneTransaction && keys.length > 1;
  if (keys.length <= TOGETHER && !isStep) return insert(database, keys);
  return database.transaction(async (sql) => {
    const parts: Promise<ReminderRecord[]>[] = [];
    for (let from = 0; from < keys.length; from += TOGETHER) {
      const part = insert(sql, keys.slice(from, from + TOGETHER));
      part.catch(() => {});
      parts.push(part);
      // It leaves before the next is written out.
      await setImmediate();
    }
    return (await Promise.all(parts)).flat();
  });
}

/** A new reminder as it would be if it were inserted at this instant: the same, save that it has no id. */
export function asIfInserted(reminder: NewReminder, tenantId: string, now: Instant): ReminderRecord {
  const { firstRun, runAt, schedule } = reminder;
  const waitMinutes = schedule.type === "recurring" ? schedule.intervalMinutes : 0;
  const firstAt = firstRun?.nextRunAt ?? runAt ?? now + waitMinutes * MS_PER_MINUTE;
  return asInserted(reminder, tenantId, { id: 0, next_run_at: firstAt, created_at: now });
}

/** What was written, and what the database added to it: to fetch all of it back would cost a third of the time. */
function asInserted(reminder: NewReminder, tenantId: string, row: Row): ReminderRecord {
  const firstAt = row.next_run_at as Instant;
  const createdAt = row.created_at as Instant;
  return {
    id: row.id as number,
    tenantId,
    entityType: reminder.entityType,
    entityId: reminder.entityId,
    eventType: reminder.eventType,
    channel: reminder.channel,
    recipient: reminder.recipient,
    subject: reminder.subject,
    message: reminder.message,
    data: reminder.data,
    timeZone: reminder.timeZone,
    schedule:
      reminder.schedule.type === "recurring"
        ? { ...reminder.schedule, anchorAt: reminder.schedule.anchorAt ?? firstAt }
        : reminder.schedule,
    bounds: reminder.bounds,
    business: reminder.business,
    quietHours: reminder.quietHours,
    ignoreQuietHours: reminder.ignoreQuietHours,
    stopCondition: reminder.stopCondition,
    onUnknown: reminder.onUnknown,
    status: "ACTIVE",
    completionReason: null,
    needsAttention: null,
    nextRunAt: firstAt,
    nextWallAt: reminder.firstRun?.nextWallAt ?? null,
    lastRunAt: null,
    occurrenceCount: 0,
    createdAt,
    updatedAt: createdAt,
    completedAt: null,
    deletedAt: null,
    runAt: reminder.runAt,
    lastOccurrenceAt: null,
  };
}

/** What is as usual is null. */
function unusual(onUnknown: OnUnknown): OnUnknown | null {
  return onUnknown === "hold" ? null : onUnknown;
}

function toKey(row: Row): ReminderKey {
  return {
    entityType: row.entity_type as string,
    entityId: row.entity_id as string,
    eventType: row.event_type as string,
  };
}

function toRow(reminder: NewReminder): Row {
  return {
    entity_type: reminder.entityType,
    entity_id: reminder.entityId,
    event_type: reminder.eventType,
    channel: reminder.channel,
    recipient: reminder.recipient,
    subject: reminder.subject,
    message: reminder.message,
    data: reminder.data,
    time_zone: reminder.timeZone,
    ...toScheduleRow(reminder.schedule, reminder.bounds),
    ...toTimingRow(reminder),
    run_at: orNull(reminder.runAt),
    next_run_at: orNull(reminder.firstRun?.nextRunAt ?? null),
    next_wall_at: wallOrNull(reminder.firstRun?.nextWallAt ?? null),
    stop_condition_type: reminder.stopCondition?.type,
    stop_condition_value: reminder.stopCondition?.value,
    stop_condition_settings: reminder.stopCondition?.settings,
    on_unknown: unusual(reminder.onUnknown),
  };
}

/** A schedule and its bounds as columns; what is as usual is null. */
function toScheduleRow(schedule: NewSchedule | Schedule, bounds: Bounds): Row {
  const row: Row = {
    schedule_type: schedule.type,
    ...("anchorAt" in schedule ? { anchor_at: orNull(schedule.anchorAt) } : {}),
    ...(schedule.type === "recurring" ? { interval_minutes: schedule.intervalMinutes } : toRuleRow(schedule)),
  };
  if (bounds === NO_BOUNDS) return row;
  const { startAt, endAt, maxOccurrences, jitterSeconds, misfirePolicy } = bounds;
  return {
    ...row,
    start_at: orNull(startAt),
    end_at: orNull(endAt),
    max_occurrences: maxOccurrences,
    jitter_seconds: jitterSeconds === NO_BOUNDS.jitterSeconds ? null : jitterSeconds,
    misfire_policy: misfirePolicy === NO_BOUNDS.misfirePolicy ? null : misfirePolicy,
  };
}

/** A calendar and quiet hours as columns; what is as usual is null. */
function toTimingRow({
  business,
  quietHours,
  ignoreQuietHours,
}: Pick<ReminderRecord, "business" | "quietHours" | "ignoreQuietHours">): Row {
  return {
    calendar: business?.calendar,
    counts_in: business?.countsIn === "all_time" ? undefined : business?.countsIn,
    outside_working_time: business?.outside === "next" ? undefined : business?.outside,
    quiet_hours: quietHours,
    ignore_quiet_hours: ignoreQuietHours || undefined,
  };
}

function toRuleRow(schedule: Schedule): Row {
  const { intervalMinutes, intervalFactor, maxIntervalMinutes, cron, rrule, offsets } = fieldsOf(schedule);
  return {
    interval_minutes: intervalMinutes,
    interval_factor: intervalFactor,
    max_interval_minutes: maxIntervalMinutes,
    cron,
    rrule,
    offsets,
  };
}

/** What only one ACTIVE reminder may have. */
export interface ReminderKey {
  entityType: string;
  entityId: string;
  eventType: string;
}

/** The same as one text. PostgreSQL keeps no U+0000, so no two keys make the same. */
export function keyOf({ entityType, entityId, eventType }: ReminderKey): string {
  return `${entityType}\0${entityId}\0${eventType}`;
}

function toKeyRow({ entityType, entityId, eventType }: ReminderKey): Row {
  return { entity_type: entityType, entity_id: entityId, event_type: eventType };
}

const FIND_ACTIVE = `
  select r.*
    from jsonb_to_recordset($2) as wanted (entity_type text, entity_id text, event_type text)
    join reminder_jobs r using (entity_type, entity_id, event_type)
   where r.tenant_id = $1 and r.bucket = reminder_bucket($1, entity_type, entity_id, event_type)
     and r.status = 'ACTIVE' and r.deleted_at is null`;

/** The ACTIVE reminders that hold these keys, in no particular order. */
export async function findActive(sql: TenantSql, keys: readonly ReminderKey[]): Promise<ReminderRecord[]> {
  const found = await sql.query(FIND_ACTIVE, [sql.tenant, JSON.stringify(keys.map(toKeyRow))]);
  return found.map(toReminderRecord);
}

const READ = "select * from reminder_jobs where tenant_id = $1 and id = $2";

/** A reminder by its id, deleted ones included. */
export async function readReminder(sql: TenantSql, id: number): Promise<ReminderRecord | null> {
  const [row] = await sql.query(READ, [sql.tenant, id]);
  return row ? toReminderRecord(row) : null;
}

const LOCK = `
  select *, reminder_now()::timestamptz(3) as now
    from reminder_jobs
   where tenant_id = $1 and id = $2
     for update`;

// Whoever asks waits for the answer: better to say soon that it can't be done now.
const DONT_WAIT_LONG = "set local lock_timeout = '3s'";

/**
 * A reminder under this transaction's row lock, and the database's instant. What somebody else holds for longer than 3 s,
 * now or later in this transaction, fails (`isHeldElsewhere`).
 */
export async function lockReminder(
  sql: TenantSql,
  id: number,
): Promise<{ reminder: ReminderRecord; now: Instant } | null> {
  const [, [row]] = await Promise.all([sql.query(DONT_WAIT_LONG), sql.query(LOCK, [sql.tenant, id])]);
  return row ? { reminder: toReminderRecord(row), now: row.now as Instant } : null;
}

/** Another ACTIVE reminder holds the key that this one needs. */
export class KeyIsTaken extends Error {
  override name = "KeyIsTaken";
}

// `data` that nobody changed stays as it is: plain SQL may have put numbers there that are finer or larger than ours. Which
// rules of its zone it goes by changes with the due instant alone. A condition is asked anew, by whoever comes first: a worker
// that is asking it has lost it. Towards the ceilings of the installation, one that is resumed counts from now.
const WRITE = `
  update reminder_jobs r
     set channel = $3, recipient = $4, subject = $5, message = $6, data = coalesce($7, r.data), time_zone = $8,
         schedule_type = s.schedule_type, interval_minutes = s.interval_minutes, interval_factor = s.interval_factor,
         max_interval_minutes = s.max_interval_minutes, cron = s.cron, rrule = s.rrule, offsets = s.offsets,
         anchor_at = s.anchor_at, start_at = s.start_at, end_at = s.end_at, max_occurrences = s.max_occurrences,
         jitter_seconds = s.jitter_seconds, misfire_policy = s.misfire_policy,
         calendar = s.calendar, counts_in = s.counts_in, outside_working_time = s.outside_working_time,
         quiet_hours = s.quiet_hours, ignore_quiet_hours = s.ignore_quiet_hours,
         run_at = $10, next_run_at = $11, next_wall_at = $12,
         zone_rules = case when $11::reminder_instant is distinct from r.next_run_at then $13 else r.zone_rules end,
         stop_condition_type = $14, stop_condition_value = $15, stop_condition_settings = $20, on_unknown = $21,
         ask_at = null, ask_token = null, needs_attention = $22,
         ceiling_from = case when r.status = 'PAUSED' and $16 = 'ACTIVE' then reminder_now() else r.ceiling_from end,
         ceiling_from_count = case when r.status = 'PAUSED' and $16 = 'ACTIVE' then r.occurrence_count
                                   else r.ceiling_from_count end,
         status = $16, completion_reason = $17, completed_at = $18, deleted_at = $19, updated_at = reminder_now()
    from jsonb_to_record($9) as s (
           schedule_type text, interval_minutes integer, interval_factor float8, max_interval_minutes integer, cron text,
           rrule text, offsets text[], anchor_at timestamptz, start_at timestamptz, end_at timestamptz,
           max_occurrences integer, jitter_seconds integer, misfire_policy text,
           calendar text, counts_in text, outside_working_time text, quiet_hours jsonb, ignore_quiet_hours boolean)
   where r.tenant_id = $1 and r.id = $2
  returning r.*`;

/**
 * Writes what became of a locked reminder, all but its key and its history; its `data` only when that is another object
 * than it was. Throws `KeyIsTaken` if it would be a second ACTIVE one, and `QuotaReached` if it would be one too many.
 */
export async function writeReminder(
  sql: TenantSql,
  former: ReminderRecord,
  reminder: ReminderRecord,
): Promise<ReminderRecord> {
  const { stopCondition } = reminder;
  const [row] = await sql
    .query(WRITE, [
      sql.tenant,
      reminder.id,
      reminder.channel,
      reminder.recipient,
      reminder.subject,
      reminder.message,
      reminder.data === former.data ? null : JSON.stringify(reminder.data),
      reminder.timeZone,
      JSON.stringify({ ...toScheduleRow(reminder.schedule, reminder.bounds), ...toTimingRow(reminder) }),
      orNull(reminder.runAt),
      orNull(reminder.nextRunAt),
      wallOrNull(reminder.nextWallAt),
      ZONE_RULES,
      stopCondition?.type ?? null,
      stopCondition?.value ?? null,
      reminder.status,
      reminder.completionReason,
      orNull(reminder.completedAt),
      orNull(reminder.deletedAt),
      stopCondition?.settings == null ? null : JSON.stringify(stopCondition.settings),
      unusual(reminder.onUnknown),
      reminder.needsAttention,
    ])
    .catch((error: unknown) => {
      throw isKeyConflict(error) ? new KeyIsTaken() : orQuotaReached(error);
    });
  return toReminderRecord(row as NonNullable<typeof row>);
}

/** True when a calendar was named that isn't there: somebody has just deleted it. */
export function isWithoutCalendar(error: unknown): boolean {
  return error instanceof Error && "constraint" in error && error.constraint === "reminder_jobs_calendar";
}

function isKeyConflict(error: unknown): boolean {
  return error instanceof Error && "constraint" in error && error.constraint === "reminder_jobs_one_active";
}

function orNull(instant: Instant | null): string | null {
  return instant === null ? null : toTimestamptz(instant);
}

function wallOrNull(wall: number | null): string | null {
  return wall === null ? null : toTimestamp(wall);
}
