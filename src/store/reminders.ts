import type { Instant, JsonObject, ReminderRecord, Schedule, StopCondition } from "../core/reminder.ts";
import { type Sql, toTimestamptz } from "./postgres.ts";
import { toReminderRecord } from "./reminder-row.ts";

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

// The bucket, the first due instant and the anchor are given here, so that the trigger that fills them in for plain SQL
// has nothing to do.
const INSERT = `
  insert into reminder_jobs (tenant_id, bucket, entity_type, entity_id, event_type, channel, recipient, subject, message,
                             data, time_zone, schedule_type, interval_minutes, run_at, next_run_at, anchor_at,
                             stop_condition_type, stop_condition_value)
  select $1, reminder_bucket($1, $2, $3, $4), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, first.run_at,
         case $11 when 'recurring' then first.run_at end, $14, $15
    from (select coalesce($13, reminder_now() + coalesce($12, 0) * interval '1 minute')::timestamptz(3) as run_at) as first
  on conflict (tenant_id, entity_type, entity_id, event_type, bucket) where status = 'ACTIVE' and deleted_at is null
  do nothing
  returning *`;

/** Creates a reminder; null when an ACTIVE one holds its key already. */
export async function insertReminder(
  sql: Sql,
  tenantId: string,
  reminder: NewReminder,
): Promise<ReminderRecord | null> {
  const [row] = await sql.query(INSERT, [
    tenantId,
    reminder.entityType,
    reminder.entityId,
    reminder.eventType,
    reminder.channel,
    reminder.recipient,
    reminder.subject,
    reminder.message,
    JSON.stringify(reminder.data),
    reminder.timeZone,
    reminder.scheduleType,
    reminder.intervalMinutes,
    orNull(reminder.runAt),
    reminder.stopCondition?.type ?? null,
    reminder.stopCondition?.value ?? null,
  ]);
  return row ? toReminderRecord(row) : null;
}

/** What only one ACTIVE reminder may have. */
export interface ReminderKey {
  entityType: string;
  entityId: string;
  eventType: string;
}

const FIND_ACTIVE = `
  select *
    from reminder_jobs
   where tenant_id = $1 and entity_type = $2 and entity_id = $3 and event_type = $4
     and bucket = reminder_bucket($1, $2, $3, $4)
     and status = 'ACTIVE' and deleted_at is null`;

/** The ACTIVE reminder that holds this key. */
export async function findActive(sql: Sql, tenantId: string, key: ReminderKey): Promise<ReminderRecord | null> {
  const [row] = await sql.query(FIND_ACTIVE, [tenantId, key.entityType, key.entityId, key.eventType]);
  return row ? toReminderRecord(row) : null;
}

const READ = "select * from reminder_jobs where tenant_id = $1 and id = $2";

/** A reminder by its id, deleted ones included. */
export async function readReminder(sql: Sql, tenantId: string, id: number): Promise<ReminderRecord | null> {
  const [row] = await sql.query(READ, [tenantId, id]);
  return row ? toReminderRecord(row) : null;
}

const LOCK = `
  select *, reminder_now()::timestamptz(3) as now
    from reminder_jobs
   where tenant_id = $1 and id = $2
     for update`;

/** A reminder under this transaction's row lock, and the database's instant. */
export async function lockReminder(
  sql: Sql,
  tenantId: string,
  id: number,
): Promise<{ reminder: ReminderRecord; now: Instant } | null> {
  const [row] = await sql.query(LOCK, [tenantId, id]);
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
  sql: Sql,
  former: ReminderRecord,
  reminder: ReminderRecord,
): Promise<ReminderRecord> {
  const { schedule, stopCondition } = reminder;
  const [row] = await sql
    .query(WRITE, [
      reminder.tenantId,
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
