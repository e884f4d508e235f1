import type { Instant } from "../core/instant.ts";
import type { ReminderRecord } from "../core/reminder.ts";
import type { Row } from "./postgres.ts";
import { orQuotaReached } from "./quota.ts";
import {
  orNull,
  toAnswersRow,
  toPeopleRow,
  toScheduleRow,
  toTimingRow,
  unusual,
  wallOrNull,
} from "./reminder-columns.ts";
import type { ReminderKey } from "./reminder-key.ts";
import { toReminderRecord } from "./reminder-row.ts";
import type { TenantSql } from "./tenant-database.ts";
import { ZONE_RULES } from "./zone-rules.ts";

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
         done_means = s.done_means, allow_reassign = s.allow_reassign,
         silent_until = s.silent_until, silent_by = s.silent_by,
         policy = s.policy, deadline_at = s.deadline_at, recipients = s.recipients, completes_when = s.completes_when,
         reopens = s.reopens,
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
           calendar text, counts_in text, outside_working_time text, quiet_hours jsonb, ignore_quiet_hours boolean,
           done_means text, allow_reassign boolean, silent_until timestamptz, silent_by text,
           policy text, deadline_at timestamptz, recipients jsonb, completes_when jsonb, reopens boolean)
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
      JSON.stringify({
        ...toScheduleRow(reminder.schedule, reminder.bounds),
        ...toTimingRow(reminder),
        ...toAnswersRow(reminder),
        ...toPeopleRow(reminder.people),
      }),
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

/** True when a policy was named that isn't there: somebody has just deleted it. */
export function isWithoutPolicy(error: unknown): boolean {
  return error instanceof Error && "constraint" in error && error.constraint === "reminder_jobs_policy";
}

function isKeyConflict(error: unknown): boolean {
  return error instanceof Error && "constraint" in error && error.constraint === "reminder_jobs_one_active";
}
