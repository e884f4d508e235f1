import type { DeliveryKey, DeliveryStatus } from "../core/reminder.ts";
import { FACTS_COLUMNS, FACTS_JOINS, type ReminderWithFacts, toReminderWithFacts } from "./engine-row.ts";
import { type Row, type Sql, toTimestamptz } from "./postgres.ts";

export interface Lease {
  /** Names one claim; a result written under a token that no longer holds the delivery changes nothing. */
  token: string;
  seconds: number;
}

/** A delivery that this worker has taken to send, with its reminder as it is now. */
export interface ClaimedDelivery extends DeliveryKey {
  /** Null when somebody removed the row from `reminder_jobs`. */
  known: ReminderWithFacts | null;
  channel: string;
  recipient: string | null;
  /** Tries so far, the one now beginning included. */
  attempts: number;
}

// Takes what waits for its turn, what is due for a retry, and what a worker held until its lease ran out. The claimed
// row's partition is known by `occurrence_at`, so the update touches no other.
const CLAIM_DELIVERIES = `
  with claimable as materialized (
    select reminder_id, occurrence_at, recipient_no, bucket
      from deliveries
     where channel = $1 and status in ('pending', 'sending', 'retrying') and next_attempt_at <= reminder_now()
     order by next_attempt_at
     limit $2
       for update skip locked
  ), claimed as (
    update deliveries d
       set status = 'sending', attempts = d.attempts + 1, lease_token = $3::uuid,
           next_attempt_at = reminder_now() + $4 * interval '1 second'
      from claimable
     where (d.reminder_id, d.occurrence_at, d.recipient_no, d.bucket)
         = (claimable.reminder_id, claimable.occurrence_at, claimable.recipient_no, claimable.bucket)
    returning d.reminder_id, d.occurrence_at, d.recipient_no, d.channel, d.recipient as delivery_recipient, d.attempts
  )
  select r.*, claimed.reminder_id, claimed.occurrence_at, claimed.recipient_no, claimed.channel as delivery_channel,
         claimed.delivery_recipient, claimed.attempts,
         ${FACTS_COLUMNS}
    from claimed
    left join reminder_jobs r on r.id = claimed.reminder_id
    ${FACTS_JOINS}`;

/** Takes up to `limit` deliveries of one channel under a lease. Each taken one begins a new attempt. */
export async function claimDeliveries(
  sql: Sql,
  channel: string,
  limit: number,
  lease: Lease,
): Promise<ClaimedDelivery[]> {
  const rows = await sql.query(CLAIM_DELIVERIES, [channel, limit, lease.token, lease.seconds]);
  return rows.map((row) => ({
    ...toKey(row),
    known: row.id === null ? null : toReminderWithFacts(row),
    channel: row.delivery_channel as string,
    recipient: row.delivery_recipient as string | null,
    attempts: row.attempts as number,
  }));
}

const READ_FACTS = `
  select r.*,
         ${FACTS_COLUMNS}
    from reminder_jobs r
    ${FACTS_JOINS}
   where r.id = any($1::bigint[])`;

/** These reminders as they are now, by id. */
export async function readFacts(sql: Sql, reminderIds: readonly number[]): Promise<Map<number, ReminderWithFacts>> {
  const rows = await sql.query(READ_FACTS, [reminderIds]);
  return new Map(rows.map((row) => [row.id as number, toReminderWithFacts(row)]));
}

export interface HeldKey extends DeliveryKey {
  token: string;
}

export interface DeliveryResult extends HeldKey {
  /** `pending` and `retrying` put it back; everything else ends it. */
  status: DeliveryStatus;
  /** With `pending` and `retrying`: how long until it may be taken again. */
  retryInMs: number;
  /** True when nothing was tried after all: the attempt isn't counted. */
  untried: boolean;
  reason: string | null;
  providerId: string | null;
  demo: boolean;
}

// Only what is being sent has a lease token, so the token alone says whether the claim still holds. Naming the status as
// well would let the planner walk the index of open deliveries once for each result, which it takes to be empty.
const WRITE_RESULTS = `
  update deliveries d
     set status = u.status, reason = u.reason, provider_id = u.provider_id, demo = u.demo, lease_token = null,
         attempts = d.attempts - u.untried::int,
         next_attempt_at = case when u.status in ('pending', 'retrying')
                                then reminder_now() + u.retry_in_ms * interval '1 millisecond' end,
         finished_at = case when u.status not in ('pending', 'retrying') then reminder_now() end
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::uuid[], $5::text[], $6::float8[], $7::boolean[],
                $8::text[], $9::text[], $10::boolean[])
      as u(reminder_id, occurrence_at, recipient_no, token, status, retry_in_ms, untried, reason, provider_id, demo)
   where d.reminder_id = u.reminder_id and d.occurrence_at = u.occurrence_at and d.recipient_no = u.recipient_no
     and d.lease_token = u.token
  returning d.reminder_id, d.occurrence_at, d.recipient_no`;

/** Writes what became of these attempts, and returns the keys of those that were still held under their token. */
export async function writeResults(sql: Sql, results: readonly DeliveryResult[]): Promise<DeliveryKey[]> {
  if (results.length === 0) return [];
  const rows = await sql.query(WRITE_RESULTS, [
    ...keyColumns(results),
    results.map((result) => result.status),
    results.map((result) => result.retryInMs),
    results.map((result) => result.untried),
    results.map((result) => result.reason),
    results.map((result) => result.providerId),
    results.map((result) => result.demo),
  ]);
  return rows.map(toKey);
}

// What a result is just being written for is passed over: it ends anyway, and waiting for it could deadlock.
const RENEW_LEASES = `
  with mine as materialized (
    select d.reminder_id, d.occurrence_at, d.recipient_no, d.bucket
      from unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::uuid[])
             as u(reminder_id, occurrence_at, recipient_no, token)
      join deliveries d on d.reminder_id = u.reminder_id and d.occurrence_at = u.occurrence_at
                       and d.recipient_no = u.recipient_no and d.lease_token = u.token
       for update of d skip locked
  )
  update deliveries d
     set next_attempt_at = reminder_now() + $5 * interval '1 second'
    from mine
   where d.reminder_id = mine.reminder_id and d.occurrence_at = mine.occurrence_at
     and d.recipient_no = mine.recipient_no and d.bucket = mine.bucket
  returning d.reminder_id, d.occurrence_at, d.recipient_no`;

/** Prolongs the leases of `held` and returns the keys of those that are still ours. */
export async function renewLeases(sql: Sql, held: readonly HeldKey[], leaseSeconds: number): Promise<DeliveryKey[]> {
  if (held.length === 0) return [];
  const rows = await sql.query(RENEW_LEASES, [...keyColumns(held), leaseSeconds]);
  return rows.map(toKey);
}

// A reminder whose schedule has ended completes with its last delivery; one that went on meanwhile does not.
const COMPLETE_ENDED = `
  update reminder_jobs r
     set status = 'COMPLETED', completion_reason = u.reason, completed_at = reminder_now(), updated_at = reminder_now()
    from unnest($1::bigint[], $2::timestamptz[], $3::text[]) as u(id, occurrence_at, reason)
   where r.id = u.id and r.status <> 'COMPLETED' and r.next_run_at is null and r.last_occurrence_at = u.occurrence_at
  returning r.id`;

export interface EndedDelivery extends DeliveryKey {
  completion: string;
}

/** Completes the reminders whose last delivery has ended, and returns their ids. */
export async function completeEnded(sql: Sql, ended: readonly EndedDelivery[]): Promise<number[]> {
  if (ended.length === 0) return [];
  const rows = await sql.query<{ id: number }>(COMPLETE_ENDED, [
    ended.map((delivery) => delivery.reminderId),
    ended.map((delivery) => toTimestamptz(delivery.occurrenceAt)),
    ended.map((delivery) => delivery.completion),
  ]);
  return rows.map((row) => row.id);
}

const REARM_PAUSED = `
  update reminder_jobs
     set next_run_at = reminder_now()
   where id = any($1::bigint[]) and status <> 'COMPLETED' and next_run_at is null`;

/** Makes reminders whose only message was held back by a pause due again, for when they are resumed. */
export async function rearmPaused(sql: Sql, reminderIds: readonly number[]): Promise<void> {
  if (reminderIds.length > 0) await sql.query(REARM_PAUSED, [reminderIds]);
}

function keyColumns(held: readonly HeldKey[]): unknown[] {
  return [
    held.map((delivery) => delivery.reminderId),
    held.map((delivery) => toTimestamptz(delivery.occurrenceAt)),
    held.map((delivery) => delivery.recipientNo),
    held.map((delivery) => delivery.token),
  ];
}

function toKey(row: Row): DeliveryKey {
  return {
    reminderId: row.reminder_id as number,
    occurrenceAt: row.occurrence_at as number,
    recipientNo: row.recipient_no as number,
  };
}
