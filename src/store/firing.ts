import type { NextRun } from "../core/decide.ts";
import type { Instant } from "../core/instant.ts";
import type { Addressed } from "../core/people.ts";
import type { Escalation } from "../core/policy.ts";
import type { CompletionReason, DeliveryKey, DeliveryStatus } from "../core/reminder.ts";
import {
  ENGINE_REMINDER_COLUMNS,
  FACTS_COLUMNS,
  FACTS_JOINS,
  type ReminderWithFacts,
  toReminderWithFacts,
} from "./engine-row.ts";
import { toTimestamp } from "./instants.ts";
import { IS_PLANNED } from "./planned.ts";
import { type Row, type Sql, toTimestamptz } from "./postgres.ts";
import { beginning, type Place } from "./wake.ts";
import { ZONE_RULES } from "./zone-rules.ts";

/** A due reminder under this transaction's row lock. */
export interface DueReminder extends ReminderWithFacts {
  /** Milliseconds from `now` until it is due; 0 or less when it is. */
  dueInMs: number;
}

/**
 * What is due and isn't asked first (see `src/store/asking.ts`), and for this worker: $1 are the channels that it has, $2 the milliseconds that it fires ahead, $3 and $5 from where
 * on it looks, $4 the ids that it leaves out. While one version is replaced by the next, some workers lack a channel that
 * others have already: they leave it to them for a minute.
 */
export const IS_DUE = isDue("$3", "$5");

/** The same, from another place on. */
export function isDue(fromAt: string, fromId: string): string {
  return `status = 'ACTIVE' and deleted_at is null and not is_asked
       and next_run_at <= reminder_now() + $2 * interval '1 millisecond'
       and (next_run_at, id) >= (${fromAt}::timestamptz, ${fromId}::bigint)
       and (channel = any($1) or next_run_at <= reminder_now() - interval '1 minute')
       and id <> all($4::bigint[])`;
}

export function dueParams({ channels, aheadMs, from, leaveOut }: DueClaim): unknown[] {
  const [fromAt, fromId] = beginning(from);
  return [channels, aheadMs, fromAt, leaveOut, fromId];
}

/**
 * By which clock a reminder `r` was read. How long until it is due is told by the clock as the row leaves, not as its
 * transaction began, and to the microsecond: what is due later in this millisecond isn't yet.
 */
export const CLOCK_COLUMNS = `reminder_now() as now,
         (extract(epoch from r.next_run_at - (clock_timestamp() + (reminder_now() - now()))) * 1000)::float8 as due_in_ms`;

// `materialized` keeps the planner from running the locking select twice: it never takes more than its limit. The row is
// read where it is locked, not joined again by its id, which would show it as it was before the lock.
const CLAIM_DUE = `
  with r as materialized (
    select ${ENGINE_REMINDER_COLUMNS}
      from reminder_jobs
     where ${IS_DUE}
     order by next_run_at, id
     limit $6
       for update skip locked
  )
  select r.*, ${CLOCK_COLUMNS},
         ${FACTS_COLUMNS}
    from r
    ${FACTS_JOINS}`;

/** Which reminders a worker fires. */
export interface DueClaim {
  /** Those for other channels are left for a minute to workers that have them. */
  channels: readonly string[];
  /** What is due within so many milliseconds counts as due. */
  aheadMs: number;
  /** Nothing is known to be due before this place, so it isn't looked for there (see `LowMark`); null: anywhere. */
  from: Place | null;
  /** Ids of reminders that this worker can't deal with. */
  leaveOut: readonly number[];
}

/** Locks up to `limit` due reminders that nobody else is firing, the longest due first. */
export async function claimDue(sql: Sql, claim: DueClaim, limit: number): Promise<DueReminder[]> {
  return (await sql.query(CLAIM_DUE, [...dueParams(claim), limit])).map(toDueReminder);
}

const DUE_IDS = `
  select id
    from reminder_jobs
   where ${IS_DUE}
   order by next_run_at, id
   limit $6`;

/** The ids of what `claimDue` would claim. Locks nothing. */
export async function dueIds(sql: Sql, claim: DueClaim, limit: number): Promise<number[]> {
  const rows = await sql.query<{ id: number }>(DUE_IDS, [...dueParams(claim), limit]);
  return rows.map((row) => row.id);
}

const CLAIM_ONE = `
  with r as materialized (
    select ${ENGINE_REMINDER_COLUMNS}
      from reminder_jobs
     where id = $1 and status = 'ACTIVE' and deleted_at is null and not is_asked
       and next_run_at <= reminder_now() + $2 * interval '1 millisecond'
       for update skip locked
  )
  select r.*, ${CLOCK_COLUMNS},
         ${FACTS_COLUMNS}
    from r
    ${FACTS_JOINS}`;

/** Locks this reminder if it is due within so many milliseconds and nobody else is firing it. */
export async function claimOne(sql: Sql, id: number, aheadMs: number): Promise<DueReminder[]> {
  return (await sql.query(CLAIM_ONE, [id, aheadMs])).map(toDueReminder);
}

export interface PausedReminder {
  id: number;
  /** Why a person must look at it. */
  because: string;
}

const PAUSE = `
  update reminder_jobs r
     set status = 'PAUSED', needs_attention = p.because, updated_at = reminder_now()
    from unnest($1::bigint[], $2::text[]) as p(id, because)
   where r.id = any (array[p.id]) and r.status = 'ACTIVE'
  returning r.id`;

/** Pauses what is still ACTIVE among these until somebody has looked at it, and says which those were. */
export async function writePaused(sql: Sql, paused: readonly PausedReminder[]): Promise<number[]> {
  if (paused.length === 0) return [];
  const rows = await sql.query<{ id: number }>(PAUSE, [
    paused.map(({ id }) => id),
    paused.map(({ because }) => because),
  ]);
  return rows.map((row) => row.id);
}

export function toDueReminder(row: Row): DueReminder {
  return Object.assign(toReminderWithFacts(row), { dueInMs: row.due_in_ms as number });
}

export interface FiredReminder extends NextRun {
  id: number;
  occurrenceAt: Instant;
}

const WRITE_FIRED = `
  update reminder_jobs r
     set next_run_at = d.next_run_at, next_wall_at = d.next_wall_at,
         zone_rules = case when ${IS_PLANNED} then $5 else r.zone_rules end,
         last_run_at = greatest(reminder_now(), d.occurrence_at), last_occurrence_at = d.occurrence_at,
         occurrence_count = r.occurrence_count + 1
    from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::timestamp[])
      as d(id, occurrence_at, next_run_at, next_wall_at)
   where r.id = any (array[d.id])`;

export async function writeFired(sql: Sql, fired: readonly FiredReminder[]): Promise<void> {
  if (fired.length === 0) return;
  await sql.query(WRITE_FIRED, [
    fired.map((reminder) => reminder.id),
    fired.map((reminder) => toTimestamptz(reminder.occurrenceAt)),
    fired.map((reminder) => (reminder.nextRunAt === null ? null : toTimestamptz(reminder.nextRunAt))),
    fired.map((reminder) => (reminder.nextWallAt === null ? null : toTimestamp(reminder.nextWallAt))),
    ZONE_RULES,
  ]);
}

export interface EscalatedReminder {
  id: number;
  escalation: Escalation;
}

const WRITE_ESCALATED = `
  update reminder_jobs r
     set escalation = d.escalation
    from unnest($1::bigint[], $2::jsonb[]) as d(id, escalation)
   where r.id = any (array[d.id])`;

/** Keeps where reminders are in their policies. Apart, so that those who have none carry nothing for it. */
export async function writeEscalated(sql: Sql, escalated: readonly EscalatedReminder[]): Promise<void> {
  if (escalated.length === 0) return;
  await sql.query(WRITE_ESCALATED, [
    escalated.map(({ id }) => id),
    escalated.map(({ escalation }) => JSON.stringify(escalation)),
  ]);
}

export interface CompletedReminder {
  id: number;
  reason: CompletionReason;
}

const WRITE_COMPLETED = `
  update reminder_jobs r
     set status = 'COMPLETED', completion_reason = d.reason, completed_at = reminder_now(), updated_at = reminder_now(),
         next_run_at = null, needs_attention = null
    from unnest($1::bigint[], $2::text[]) as d(id, reason)
   where r.id = any (array[d.id]) and r.status = 'ACTIVE'
  returning r.id`;

/** Completes what is still ACTIVE among `completed`, and says which those were. */
export async function writeCompleted(sql: Sql, completed: readonly CompletedReminder[]): Promise<number[]> {
  if (completed.length === 0) return [];
  const rows = await sql.query<{ id: number }>(WRITE_COMPLETED, [
    completed.map((reminder) => reminder.id),
    completed.map((reminder) => reminder.reason),
  ]);
  return rows.map((row) => row.id);
}

export interface NewDelivery extends DeliveryKey {
  tenantId: string;
  bucket: number;
  channel: string;
  recipient: string | null;
  status: DeliveryStatus;
  reason: string | null;
  /** Null, or not set: whom the reminder is for. */
  addressed?: Addressed | null;
  /** With `pending`: not to be taken before; not set: than it is due. */
  notBefore?: Instant;
  /** With `pending`: goes along with all others of its person then; not set: by itself. */
  digestAt?: Instant;
}

// A delivery that this worker is about to send is born under its lease: `sending`, first attempt counted, to be taken
// over by others when the lease runs out. One that has to wait for its turn is born `pending`, and takes its place among those
// that wait by the instant it is due, not by when a worker came to fire it.
// Where none is for anybody in particular, or goes along with others, nothing is said of it, and nothing is paid for it.
const insertSql = (isSpecial: boolean): string => `
  insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, recipient_no, channel, recipient, status, reason,
                          attempts, next_attempt_at, lease_token, finished_at${isSpecial ? ", addressed, digest_at" : ""})
  select d.tenant_id, d.bucket, d.reminder_id, d.occurrence_at, d.recipient_no, d.channel, d.recipient, d.status, d.reason,
         case d.status when 'sending' then 1 else 0 end,
         case d.status when 'sending' then reminder_now() + $11 * interval '1 second'
                       when 'pending' then greatest(d.occurrence_at, d.not_before) end,
         case d.status when 'sending' then $10::uuid end,
         case when d.status in ('failed', 'suppressed') then reminder_now() end${isSpecial ? ", d.addressed, d.digest_at" : ""}
    from unnest($1::text[], $2::smallint[], $3::bigint[], $4::timestamptz[], $5::smallint[], $6::text[], $7::text[],
                $8::text[], $9::text[], $12::timestamptz[]${isSpecial ? ", $13::jsonb[], $14::timestamptz[]" : ""})
      as d(tenant_id, bucket, reminder_id, occurrence_at, recipient_no, channel, recipient, status, reason, not_before${isSpecial ? ", addressed, digest_at" : ""})`;
const INSERT_DELIVERIES = insertSql(false);
const INSERT_SPECIAL = insertSql(true);

export async function insertDeliveries(
  sql: Sql,
  deliveries: readonly NewDelivery[],
  lease: { token: string; seconds: number },
): Promise<void> {
  if (deliveries.length === 0) return;
  const addressed = deliveries.map(({ addressed }) => (addressed ? JSON.stringify(addressed) : null));
  const digests = deliveries.map(({ digestAt }) => (digestAt === undefined ? null : toTimestamptz(digestAt)));
  const isSpecial = [...addressed, ...digests].some((one) => one !== null);
  await sql.query(isSpecial ? INSERT_SPECIAL : INSERT_DELIVERIES, [
    deliveries.map((delivery) => delivery.tenantId),
    deliveries.map((delivery) => delivery.bucket),
    deliveries.map((delivery) => delivery.reminderId),
    deliveries.map((delivery) => toTimestamptz(delivery.occurrenceAt)),
    deliveries.map((delivery) => delivery.recipientNo),
    deliveries.map((delivery) => delivery.channel),
    deliveries.map((delivery) => delivery.recipient),
    deliveries.map((delivery) => delivery.status),
    deliveries.map((delivery) => delivery.reason),
    lease.token,
    lease.seconds,
    deliveries.map(({ notBefore }) => (notBefore === undefined ? null : toTimestamptz(notBefore))),
    ...(isSpecial ? [addressed, digests] : []),
  ]);
}
