import { setImmediate } from "node:timers/promises";
import type { NextRun } from "../core/decide.ts";
import { MS_PER_MINUTE } from "../core/instant.ts";
import type { People } from "../core/people.ts";
import type { QuietHours } from "../core/quiet-hours.ts";
import type {
  Bounds,
  DoneMeans,
  Instant,
  JsonObject,
  OnUnknown,
  ReminderRecord,
  StopCondition,
} from "../core/reminder.ts";
import type { ByCalendar } from "../core/schedule/by-calendar.ts";
import type { Row } from "./postgres.ts";
import { orQuotaReached } from "./quota.ts";
import {
  type NewSchedule,
  orNull,
  toAnswersRow,
  toPeopleRow,
  toScheduleRow,
  toTimingRow,
  unusual,
  wallOrNull,
} from "./reminder-columns.ts";
import { keyOf, type ReminderKey } from "./reminder-key.ts";
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
  doneMeans: DoneMeans | null;
  allowsReassign: boolean;
  people: People;
}

// One parameter carries all rows. The bucket, the first due instant and the anchor are given here, so that the trigger that
// fills them in for plain SQL has nothing to do. The limit to waiting for locks ends with the statement.
const INSERT = `
  with patience as materialized (select set_config('lock_timeout', $3, true))
  insert into reminder_jobs (tenant_id, bucket, entity_type, entity_id, event_type, channel, recipient, subject, message,
                             data, time_zone, schedule_type, interval_minutes, interval_factor, max_interval_minutes, cron,
                             rrule, offsets, start_at, end_at, max_occurrences, jitter_seconds, misfire_policy,
                             run_at, next_run_at, next_wall_at, zone_rules, anchor_at,
                             stop_condition_type, stop_condition_value, stop_condition_settings, on_unknown,
                             calendar, counts_in, outside_working_time, quiet_hours, ignore_quiet_hours,
                             done_means, allow_reassign, policy, deadline_at, recipients, completes_when, reopens)
  select $1, reminder_bucket($1, entity_type, entity_id, event_type), entity_type, entity_id, event_type, channel,
         recipient, subject, message, data, time_zone, schedule_type, interval_minutes, interval_factor,
         max_interval_minutes, cron, rrule, offsets, start_at, end_at, max_occurrences, jitter_seconds, misfire_policy,
         run_at, first_at, next_wall_at, case when next_wall_at is null and calendar is null and start_at is null then '' else $4 end,
         coalesce(anchor_at, case schedule_type when 'recurring' then first_at end), stop_condition_type, stop_condition_value,
         stop_condition_settings, on_unknown, calendar, counts_in, outside_working_time, quiet_hours, ignore_quiet_hours,
         done_means, allow_reassign, policy, deadline_at, recipients, completes_when, reopens
    from patience,
         jsonb_to_recordset($2) as wanted (
           entity_type text, entity_id text, event_type text, channel text, recipient text, subject text, message text,
           data jsonb, time_zone text, schedule_type text, interval_minutes integer, interval_factor float8,
           max_interval_minutes integer, cron text, rrule text, offsets text[], anchor_at timestamptz, start_at timestamptz,
           end_at timestamptz, max_occurrences integer, jitter_seconds integer, misfire_policy text, run_at timestamptz,
           next_run_at timestamptz, next_wall_at timestamp,
           stop_condition_type text, stop_condition_value text, stop_condition_settings jsonb, on_unknown text,
           calendar text, counts_in text, outside_working_time text, quiet_hours jsonb, ignore_quiet_hours boolean,
           done_means text, allow_reassign boolean,
           policy text, deadline_at timestamptz, recipients jsonb, completes_when jsonb, reopens boolean),
         lateral (
           select coalesce(next_run_at, run_at, reminder_now() + coalesce(interval_minutes, 0) * interval '1 minute')::timestamptz(3)
         ) as first (first_at)
  on conflict (tenant_id, entity_type, entity_id, event_type, bucket) where status = 'ACTIVE' and deleted_at is null
  do nothing
  returning id, entity_type, entity_id, event_type, next_run_at, created_at`;

/** Of many, so many travel at a time: while the database stores these, the next are written out, and the last ones' answers read. */
const TOGETHER = 250;

interface Patience {
  lockTimeoutMs: number;
}

/**
 * Creates those reminders whose key no ACTIVE one holds, and returns them in no particular order. They must have different
 * keys. Where another transaction is about to take or free one of the keys, its end is waited for, at most so long; then,
 * as with every other error, nothing is created. Throws `QuotaReached` where they would be more than the tenant may have.
 */
export async function insertReminders(
  database: TenantDatabase,
  reminders: readonly NewReminder[],
  patience: Patience,
): Promise<ReminderRecord[]> {
  const parts = inParts(reminders, keyOf);
  // Within somebody's transaction several are a step of their own: if they are too many, fewer are tried.
  const isStep = database.isOneTransaction && reminders.length > 1;
  if (parts.length > 1 || isStep) return insertInParts(database, parts, patience);
  return (await Promise.all(parts.map((part) => insertPart(database, part, patience)))).flat();
}

/**
 * What is to be inserted, as parts that travel one after another. Whoever inserts several keys does so in the same order, so
 * that no two wait for each other.
 */
export function inParts<T>(items: readonly T[], keyOfItem: (item: T) => string): T[][] {
  const keyed = items.map((item) => ({ item, key: keyOfItem(item) }));
  keyed.sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0));
  return Array.from({ length: Math.ceil(keyed.length / TOGETHER) }, (_, part) =>
    keyed.slice(part * TOGETHER, (part + 1) * TOGETHER).map(({ item }) => item),
  );
}

/** The same of what is still being made, in one transaction: each part, in the order of `inParts`, while the one before is stored. */
export async function insertInParts(
  database: TenantDatabase,
  parts: Iterable<readonly NewReminder[]>,
  patience: Patience,
): Promise<ReminderRecord[]> {
  return database.transaction(async (sql) => {
    const inserting: Promise<ReminderRecord[]>[] = [];
    for (const part of parts) {
      if (part.length === 0) continue;
      const inserted = insertPart(sql, part, patience);
      inserted.catch(() => {});
      inserting.push(inserted);
      // It leaves before the next is made and written out.
      await setImmediate();
    }
    return (await Promise.all(inserting)).flat();
  });
}

async function insertPart(
  sql: TenantSql,
  reminders: readonly NewReminder[],
  { lockTimeoutMs }: Patience,
): Promise<ReminderRecord[]> {
  const byKey = new Map(reminders.map((reminder) => [keyOf(reminder), reminder]));
  const rows = JSON.stringify(reminders.map(toRow));
  const inserted = await sql
    .query(INSERT, [sql.tenant, rows, `${lockTimeoutMs}ms`, ZONE_RULES])
    .catch((error: unknown) => {
      throw orQuotaReached(error);
    });
  return inserted.map((row) => asInserted(byKey.get(keyOf(toKey(row))) as NewReminder, sql.tenant, row));
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
    doneMeans: reminder.doneMeans,
    allowsReassign: reminder.allowsReassign,
    silence: null,
    people: reminder.people,
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
    ...toAnswersRow(reminder),
    ...toPeopleRow(reminder.people),
    run_at: orNull(reminder.runAt),
    next_run_at: orNull(reminder.firstRun?.nextRunAt ?? null),
    next_wall_at: wallOrNull(reminder.firstRun?.nextWallAt ?? null),
    stop_condition_type: reminder.stopCondition?.type,
    stop_condition_value: reminder.stopCondition?.value,
    stop_condition_settings: reminder.stopCondition?.settings,
    on_unknown: unusual(reminder.onUnknown),
  };
}

function toKey(row: Row): ReminderKey {
  return {
    entityType: row.entity_type as string,
    entityId: row.entity_id as string,
    eventType: row.event_type as string,
  };
}
