import type { Instant, JsonObject, ReminderRecord, Schedule, StopCondition } from "../core/reminder.ts";
import { type Row, toTimestamptz } from "./postgres.ts";
import { toReminderRecord } from "./reminder-row.ts";
import type { TenantSql } from "./tenant-database.ts";

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
  scheduleType: Schedule["type"];
  /** Null unless recurring. */
  intervalMinutes: number | null;
  /** First due instant; null: one interval from now, or now where there is none. */
  runAt: Instant | null;
  stopCondition: StopCondition | null;
}

// One parameter carries all rows. The bucket, the first due instant and the anchor are given here, so that the trigger that
// fills them in for plain SQL has nothing to do. The limit to waiting for locks ends with the statement.
const INSERT = `
  with patience as materialized (select set_config('lock_timeout', $3, true))
  insert into reminder_jobs (tenant_id, bucket, entity_type, entity_id, event_type, channel, recipient, subject, message,
                             data, time_zone, schedule_type, interval_minutes, run_at, next_run_at, anchor_at,
                             stop_condition_type, stop_condition_value)
  select $1, reminder_bucket($1, entity_type, entity_id, event_type), entity_type, entity_id, event_type, channel,
         recipient, subject, message, data, time_zone, schedule_type, interval_minutes, run_at, first_at,
         case schedule_type when 'recurring' then first_at end, stop_condition_type, stop_condition_value
    from patience,
         jsonb_to_recordset($2) as wanted (
           entity_type text, entity_id text, event_type text, channel text, recipient text, subject text, message text,
           data jsonb, time_zone text, schedule_type text, interval_minutes integer, run_at timestamptz,
           stop_condition_type text, stop_condition_value text),
         lateral (
           select coalesce(run_at, reminder_now() + coalesce(interval_minutes, 0) * interval '1 minute')::timestamptz(3)
         ) as first (first_at)
  on conflict (tenant_id, entity_type, entity_id, event_type, bucket) where status = 'ACTIVE' and deleted_at is null
  do nothing
  returning id, entity_type, entity_id, event_type, next_run_at, created_at`;

/**
 * Creates those reminders whose key no ACTIVE one holds, and returns them in no particular order. They must have different
 * keys. Where another transaction is about to take or free one of the keys, its end is waited for, at most so long; then,
 * as with every other error, nothing is created.
 */
export async function insertReminders(
  sql: TenantSql,
  reminders: readonly NewReminder[],
  { lockTimeoutMs }: { lockTimeoutMs: number },
): Promise<ReminderRecord[]> {
  // Whoever inserts several keys does so in the same order, so that no two wait for each other.
  const byKey = new Map(reminders.map((reminder) => [keyOf(reminder), reminder]));
  const rows = [...byKey.keys()].sort().map((key) => toRow(byKey.get(key) as NewReminder));
  const inserted = await sql.query(INSERT, [sql.tenant, JSON.stringify(rows), `${lockTimeoutMs}ms`]);
  return inserted.map((row) => asInserted(byKey.get(keyOf(toKey(row))) as NewReminder, sql.tenant, row));
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
      reminder.scheduleType === "recurring"
        ? { type: "recurring", intervalMinutes: reminder.intervalMinutes as number, anchorAt: firstAt }
        : { type: "one_time" },
    stopCondition: reminder.stopCondition,
    status: "ACTIVE",
    completionReason: null,
    nextRunAt: firstAt,
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
    schedule_type: reminder.scheduleType,
    interval_minutes: reminder.intervalMinutes,
    run_at: orNull(reminder.runAt),
    stop_condition_type: reminder.stopCondition?.type,
    stop_condition_value: reminder.stopCondition?.value,
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

// `data` that nobody changed stays as it is: plain SQL may have put numbers there that are finer or larger than ours.
const WRITE = `
  update reminder_jobs
     set channel = $3, recipient = $4, subject = $5, message = $6, data = coalesce($7, data), time_zone = $8,
         schedule_type = $9, interval_minutes = $10, anchor_at = $11, run_at = $12, next_run_at = $13,
         stop_condition_type = $14, stop_condition_value = $15,
         status = $16, completion_reason = $17, completed_at = $18, deleted_at = $19, updated_at = reminder_now()
   where tenant_id = $1 and id = $2
  returning *`;

/**
 * Writes what became of a locked reminder, all but its key and its history; its `data` only when that is another object
 * than it was. Throws `KeyIsTaken` if it would be a second ACTIVE one.
 */
export async function writeReminder(
  sql: TenantSql,
  former: ReminderRecord,
  reminder: ReminderRecord,
): Promise<ReminderRecord> {
  const { schedule, stopCondition } = reminder;
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
      schedule.type,
      schedule.type === "recurring" ? schedule.intervalMinutes : null,
      schedule.type === "recurring" ? toTimestamptz(schedule.anchorAt) : null,
      orNull(reminder.runAt),
      orNull(reminder.nextRunAt),
      stopCondition?.type ?? null,
      stopCondition?.value ?? null,
      reminder.status,
      reminder.completionReason,
      orNull(reminder.completedAt),
      orNull(reminder.deletedAt),
    ])
    .catch((error: unknown) => {
      throw isKeyConflict(error) ? new KeyIsTaken() : error;
    });
  return toReminderRecord(row as NonNullable<typeof row>);
}

function isKeyConflict(error: unknown): boolean {
  return error instanceof Error && "constraint" in error && error.constraint === "reminder_jobs_one_active";
}

function orNull(instant: Instant | null): string | null {
  return instant === null ? null : toTimestamptz(instant);
}
