import { type Addressed, toAddressed } from "../core/people.ts";
import type { DeliveryKey, DeliveryStatus, Instant, JsonObject } from "../core/reminder.ts";
import type { Tenant } from "../core/tenant.ts";
import { type Claimable, lockClaimable } from "./claimable.ts";
import { type DigestClaim, lockDigests } from "./digests.ts";
import {
  ENGINE_REMINDER_COLUMNS,
  FACTS_COLUMNS,
  FACTS_JOINS,
  type ReminderWithFacts,
  toReminderWithFacts,
} from "./engine-row.ts";
import { type Row, type Session, type Sql, toTimestamptz } from "./postgres.ts";
import { HAS_OTHERS_UNDER_WAY } from "./wake.ts";

export interface Lease {
  /** Names one claim; a result written under a token that no longer holds the delivery changes nothing. */
  token: string;
  seconds: number;
}

/** A delivery that this worker has taken to send, with its reminder as it is now. */
export interface ClaimedDelivery extends DeliveryKey {
  /** Null when somebody removed the row from `reminder_jobs`. */
  known: ReminderWithFacts | null;
  tenantId: Tenant;
  channel: string;
  recipient: string | null;
  /** Delivery attempts so far, the one now beginning included. */
  attempts: number;
  /** True when workers died or fell silent with it at least twice, and it may be the reason. */
  isSuspect: boolean;
  addressed: Addressed | null;
  /** When it goes along with others; null: by itself. */
  digestAt: Instant | null;
  /** Of those: the newest occurrence after it that isn't to wait any more; null: it is the newest. */
  newestDueAt: Instant | null;
}

// A claim past the last attempt only says that they are used up: however often it is cut short, it counts once.
const TAKE = `
  update deliveries d
     set status = 'sending', attempts = least(d.attempts + 1, $6), lease_token = $4::uuid,
         next_attempt_at = reminder_now() + $5 * interval '1 second'
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[]) as u(reminder_id, occurrence_at, recipient_no)
   where d.reminder_id = u.reminder_id and d.occurrence_at = u.occurrence_at and d.recipient_no = u.recipient_no`;

export interface DeliveryClaim extends Claimable {
  lease: Lease;
  maxAttempts: number;
}

/**
 * Takes deliveries of one channel under a lease. Each taken one begins a new attempt; one that comes back with more than
 * `maxAttempts` has used them up. `next`: the `after` with which the next claim goes on.
 */
export async function claimDeliveries(
  database: Session,
  claim: DeliveryClaim,
): Promise<{ claimed: ClaimedDelivery[]; next: string | null }> {
  const { channel, lease, maxAttempts } = claim;
  return database.transaction(async (sql) => {
    const { rows, next } = await lockClaimable(sql, claim);
    return { claimed: await take(sql, rows, { channel, lease, maxAttempts }), next };
  });
}

/** Takes these rows, which are locked. */
async function take(
  sql: Sql,
  rows: readonly Row[],
  { channel, lease, maxAttempts }: Pick<DeliveryClaim, "channel" | "lease" | "maxAttempts">,
): Promise<ClaimedDelivery[]> {
  if (rows.length === 0) return [];
  const keys = rows.map(toKey);
  const [reminders] = await Promise.all([
    readFacts(sql, [...new Set(keys.map((key) => key.reminderId))]),
    sql.query(TAKE, [...keyColumns(keys), lease.token, lease.seconds, maxAttempts + 1]),
  ]);
  return rows.map((row, index) => {
    const key = keys[index] as DeliveryKey;
    const attempts = Math.min((row.attempts as number) + 1, maxAttempts + 1);
    return {
      ...key,
      known: reminders.get(key.reminderId) ?? null,
      tenantId: row.tenant_id as Tenant,
      channel,
      recipient: row.recipient as string | null,
      attempts,
      isSuspect: row.part === "suspect",
      addressed: toAddressed(row.addressed as JsonObject | null),
      digestAt: (row.digest_at as Instant | null | undefined) ?? null,
      newestDueAt: (row.newest_due_at as Instant | null | undefined) ?? null,
    };
  });
}

export interface ClaimedDigest {
  /** Stays the same over retries, whatever of its items is left. */
  id: string;
  /** One at least. */
  items: ClaimedDelivery[];
}

/** Takes what goes along with others, each digest whole, under one lease. */
export async function claimDigests(
  database: Session,
  claim: DigestClaim & Pick<DeliveryClaim, "lease">,
): Promise<ClaimedDigest[]> {
  return database.transaction(async (sql) => {
    const locked = await lockDigests(sql, claim);
    const claimed = await take(
      sql,
      locked.flatMap(({ rows }) => rows),
      claim,
    );
    let taken = 0;
    return locked.map(({ id, rows }) => {
      const items = claimed.slice(taken, taken + rows.length);
      taken += rows.length;
      return { id, items };
    });
  });
}

const READ_FACTS = `
  with r as (
    select ${ENGINE_REMINDER_COLUMNS}
      from reminder_jobs
     where id = any($1::bigint[])
  )
  select r.*, reminder_now() as now,
         ${FACTS_COLUMNS}
    from r
    ${FACTS_JOINS}`;

/** These reminders as they are now, by id. */
export async function readFacts(sql: Sql, reminderIds: readonly number[]): Promise<Map<number, ReminderWithFacts>> {
  const rows = await sql.query(READ_FACTS, [reminderIds]);
  return new Map(rows.map((row) => [row.id as number, toReminderWithFacts(row)]));
}

// In the order of their ids, as everybody locks them who locks several.
const LOCK_REMINDERS = `
  select id
    from reminder_jobs
   where id = any($1::bigint[])
   order by id
     for update`;

/** Locks these reminders and returns them as they are now: nobody edits them until the transaction ends. */
export async function lockReminders(sql: Sql, ids: readonly number[]): Promise<Map<number, ReminderWithFacts>> {
  if (ids.length === 0) return new Map();
  await sql.query(LOCK_REMINDERS, [ids]);
  return readFacts(sql, ids);
}

export interface HeldKey extends DeliveryKey {
  token: string;
}

export interface DeliveryResult extends HeldKey {
  /** `pending` and `retrying` put it back; everything else ends it. */
  status: DeliveryStatus;
  /** With `pending` and `retrying`: how long until it may be taken again. */
  retryInMs: number;
  /** With these: nor before this; not set: that is all. */
  notBefore?: Instant | undefined;
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
     set status = u.status, provider_id = u.provider_id, demo = u.demo, lease_token = null,
         attempts = d.attempts - u.untried::int,
         -- Put back without a word, it keeps what was last said of it.
         reason = case when u.status in ('pending', 'retrying') then coalesce(u.reason, d.reason) else u.reason end,
         -- Put back before it was due, it still isn't to be sent before.
         next_attempt_at = case when u.status in ('pending', 'retrying')
                                then greatest(reminder_now() + u.retry_in_ms * interval '1 millisecond', d.occurrence_at,
                                              u.not_before) end,
         finished_at = case when u.status not in ('pending', 'retrying') then reminder_now() end
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::uuid[], $5::text[], $6::float8[], $7::boolean[],
                $8::text[], $9::text[], $10::boolean[], $11::timestamptz[])
      as u(reminder_id, occurrence_at, recipient_no, token, status, retry_in_ms, untried, reason, provider_id, demo, not_before)
   where d.reminder_id = u.reminder_id and d.occurrence_at = u.occurrence_at and d.recipient_no = u.recipient_no
     and d.lease_token = u.token
  returning d.reminder_id, d.occurrence_at, d.recipient_no`;

/** Writes what became of these attempts, and returns the keys of those that were still held under their token. */
export async function writeResults(sql: Sql, results: readonly DeliveryResult[]): Promise<DeliveryKey[]> {
  if (results.length === 0) return [];
  const rows = await sql.query(WRITE_RESULTS, [
    ...keyColumns(results),
    results.map((result) => result.token),
    results.map((result) => result.status),
    results.map((result) => result.retryInMs),
    results.map((result) => result.untried),
    results.map((result) => result.reason),
    results.map((result) => result.providerId),
    results.map((result) => result.demo),
    results.map(({ notBefore }) => (notBefore === undefined ? null : toTimestamptz(notBefore))),
  ]);
  return rows.map(toKey);
}

const LEAVE_DIGESTS = `
  update deliveries d
     set digest_id = null
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[]) as u(reminder_id, occurrence_at, recipient_no)
   where d.reminder_id = u.reminder_id and d.occurrence_at = u.occurrence_at and d.recipient_no = u.recipient_no`;

/** Takes these out of the messages that they were to be in: they come later, in others. */
export async function leaveDigests(sql: Sql, keys: readonly DeliveryKey[]): Promise<void> {
  if (keys.length > 0) await sql.query(LEAVE_DIGESTS, keyColumns(keys));
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
  const rows = await sql.query(RENEW_LEASES, [
    ...keyColumns(held),
    held.map((delivery) => delivery.token),
    leaseSeconds,
  ]);
  return rows.map(toKey);
}

// A reminder whose schedule has ended completes with its last delivery, and with the policy `all` with whichever of its
// deliveries ends last; one that went on meanwhile does not.
const COMPLETE_ENDED = `
  update reminder_jobs r
     set status = 'COMPLETED', completion_reason = u.reason, completed_at = reminder_now(), updated_at = reminder_now(),
         needs_attention = null
    from unnest($1::bigint[], $2::timestamptz[], $3::text[]) as u(id, occurrence_at, reason)
   where r.id = u.id and r.status <> 'COMPLETED' and r.next_run_at is null
     and (r.last_occurrence_at = u.occurrence_at or r.misfire_policy = 'all') and not ${HAS_OTHERS_UNDER_WAY}
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

const REARM = `
  update reminder_jobs r
     set next_run_at = reminder_now()
    from unnest($1::bigint[], $2::timestamptz[]) as u(id, occurrence_at)
   where r.id = u.id and r.status <> 'COMPLETED' and r.deleted_at is null
     and r.next_run_at is null and r.last_occurrence_at = u.occurrence_at`;

/** Makes reminders due again whose last message was held back after all: at once, or when they are resumed. */
export async function rearm(sql: Sql, heldBack: readonly DeliveryKey[]): Promise<void> {
  if (heldBack.length === 0) return;
  await sql.query(REARM, [
    heldBack.map((delivery) => delivery.reminderId),
    heldBack.map((delivery) => toTimestamptz(delivery.occurrenceAt)),
  ]);
}

function keyColumns(keys: readonly DeliveryKey[]): unknown[] {
  return [
    keys.map((key) => key.reminderId),
    keys.map((key) => toTimestamptz(key.occurrenceAt)),
    keys.map((key) => key.recipientNo),
  ];
}

function toKey(row: Row): DeliveryKey {
  return {
    reminderId: row.reminder_id as number,
    occurrenceAt: row.occurrence_at as number,
    recipientNo: row.recipient_no as number,
  };
}
