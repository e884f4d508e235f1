import { ENGINE_REMINDER_COLUMNS, FACTS_COLUMNS, FACTS_JOINS } from "./engine-row.ts";
import { CLOCK_COLUMNS, type DueReminder, toDueReminder } from "./firing.ts";
import type { Sql } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

// Reminders whose stop condition is asked before they fire. Whoever asks one holds it under a lease meanwhile: `ask_at` is when
// that ends, and `ask_token` names whose it is.

const ASKED = "status = 'ACTIVE' and deleted_at is null and next_run_at is not null and is_asked";
/** Not before it is due, nor while somebody asks it, nor while it is held. Written as its index has it. */
const MAY_BE_ASKED_AT = "greatest(next_run_at, ask_at)";

// From one tenant to the next by the index, however many rows lie between; a bounded number of steps.
const LOOK = `
  with recursive visited as (
    (select tenant_id, ${MAY_BE_ASKED_AT} as at, 1 as place
       from reminder_jobs
      where ${ASKED} and tenant_id > $1
      order by tenant_id, ${MAY_BE_ASKED_AT}
      limit 1)
    union all
    select following.tenant_id, following.at, visited.place + 1
      from visited
     cross join lateral (
       select tenant_id, ${MAY_BE_ASKED_AT} as at
         from reminder_jobs
        where ${ASKED} and tenant_id > visited.tenant_id
        order by tenant_id, ${MAY_BE_ASKED_AT}
        limit 1
     ) following
     where visited.place < $2
  )
  select tenant_id as "tenantId", (extract(epoch from at - reminder_now()) * 1000)::float8 as "inMs"
    from visited`;

/** A tenant with something to ask, and how long until its first may be asked, in milliseconds; 0 or less: it may. */
export interface ToAsk {
  tenantId: string;
  inMs: number;
}

/** Up to `limit` tenants that have something to ask, now or later, by name, beginning after `after`. */
export async function lookForAsked(sql: Sql, after: string, limit: number): Promise<ToAsk[]> {
  return sql.query<ToAsk & Record<string, unknown>>(LOOK, [after, limit]);
}

// As with what is fired, those for channels that this worker lacks are left to others for a minute.
const LOCK_ASKABLE = `
  with r as materialized (
    select askable.*
      from unnest($1::text[]) as tenants(tenant_id)
     cross join lateral (
       select ${ENGINE_REMINDER_COLUMNS}
         from reminder_jobs
        where tenant_id = tenants.tenant_id and ${ASKED}
          and ${MAY_BE_ASKED_AT} <= reminder_now() + $3 * interval '1 millisecond'
          and (channel = any($4) or next_run_at <= reminder_now() - interval '1 minute')
        order by ${MAY_BE_ASKED_AT}
        limit $2
          for update skip locked
     ) askable
  )
  select r.*, ${CLOCK_COLUMNS},
         ${FACTS_COLUMNS}
    from r
    ${FACTS_JOINS}`;

export interface AskClaim {
  tenants: readonly string[];
  /** For each tenant, at most. */
  limit: number;
  /** What is due within so many milliseconds counts as due. */
  aheadMs: number;
  channels: readonly string[];
}

/** Locks reminders that may be asked and that nobody is asking, those that have waited the longest first. */
export async function lockAskable(sql: Sql, { tenants, limit, aheadMs, channels }: AskClaim): Promise<DueReminder[]> {
  return (await sql.query(LOCK_ASKABLE, [tenants, limit, aheadMs, channels])).map(toDueReminder);
}

export interface AskLease {
  token: string;
  seconds: number;
}

const LEASE = `
  update reminder_jobs
     set ask_at = reminder_now() + $3 * interval '1 second', ask_token = $2::uuid
   where id = any($1::bigint[])`;

/** Takes locked reminders under a lease. */
export async function leaseAsked(sql: Sql, ids: readonly number[], { token, seconds }: AskLease): Promise<void> {
  if (ids.length > 0) await sql.query(LEASE, [ids, token, seconds]);
}

// What somebody is just writing is passed over: it is renewed the next time, or it is ours no more.
const RENEW = `
  with mine as materialized (
    select id
      from reminder_jobs
     where id = any($1::bigint[]) and ask_token = $2::uuid
       for update skip locked
  )
  update reminder_jobs r
     set ask_at = reminder_now() + $3 * interval '1 second'
    from mine
   where r.id = mine.id`;

/** Prolongs the lease of what is still ours among these. */
export async function renewAsked(sql: Sql, ids: readonly number[], { token, seconds }: AskLease): Promise<void> {
  if (ids.length > 0) await sql.query(RENEW, [ids, token, seconds]);
}

// In the order of their ids, as everybody locks them who waits for several.
const LOCK_ANSWERED = `
  with r as materialized (
    select ${ENGINE_REMINDER_COLUMNS}
      from reminder_jobs
     where id = any($1::bigint[]) and ask_token = $2::uuid and ${ASKED}
       and next_run_at <= reminder_now() + $3 * interval '1 millisecond'
     order by id
       for update
  )
  select r.*, ${CLOCK_COLUMNS},
         ${FACTS_COLUMNS}
    from r
    ${FACTS_JOINS}`;

/** Locks those of these that are still ours and still due, as they are now. */
export async function lockAnswered(
  sql: Sql,
  ids: readonly number[],
  token: string,
  aheadMs: number,
): Promise<DueReminder[]> {
  return (await sql.query(LOCK_ANSWERED, [ids, token, aheadMs])).map(toDueReminder);
}

/** A reminder that is given back. */
export interface Released {
  id: number;
  /** It isn't asked again for so long; null: when it is due next. */
  retryInMs: number | null;
}

const RELEASE = `
  update reminder_jobs r
     set ask_at = reminder_now() + u.retry_in_ms * interval '1 millisecond', ask_token = null
    from unnest($1::bigint[], $2::float8[]) as u(id, retry_in_ms)
   where r.id = any (array[u.id]) and r.ask_token = $3::uuid`;

/** Gives back what is still ours among these. */
export async function releaseAsked(sql: Sql, released: readonly Released[], token: string): Promise<void> {
  if (released.length === 0) return;
  await sql.query(RELEASE, [released.map(({ id }) => id), released.map(({ retryInMs }) => retryInMs), token]);
}

/** What is noted of a reminder's answer. */
export interface NotedAnswer {
  id: number;
  /** How often in a row nobody could say; null: somebody could. */
  unknownCount: number | null;
  attention: string | null;
}

// With an answer, a person need not look any more; unless the reminder was paused meanwhile, for whatever that says.
const NOTE = `
  update reminder_jobs r
     set unknown_count = u.count,
         unknown_since = case when u.count is not null then coalesce(r.unknown_since, reminder_now()) end,
         needs_attention = case when u.count is not null then coalesce(r.needs_attention, u.attention)
                                when r.status <> 'PAUSED' then null
                                else r.needs_attention end
    from unnest($1::bigint[], $2::int[], $3::text[]) as u(id, count, attention)
   where r.id = any (array[u.id])`;

export async function noteAnswers(sql: Sql, noted: readonly NotedAnswer[]): Promise<void> {
  if (noted.length === 0) return;
  await sql.query(NOTE, [
    noted.map(({ id }) => id),
    noted.map(({ unknownCount }) => unknownCount),
    noted.map(({ attention }) => attention),
  ]);
}

export interface TenantFlag {
  tenantId: string;
  key: string;
}

const READ_FLAGS = `
  select f.tenant_id as "tenantId", f.key
    from unnest($1::text[], $2::text[]) as wanted(tenant_id, key)
    join status_flags f on f.tenant_id = any (array[wanted.tenant_id]) and f.key = wanted.key
   where f.value`;

/** Those of the flags that are true. */
export async function readSetFlags(sql: Sql, flags: readonly TenantFlag[]): Promise<TenantFlag[]> {
  if (flags.length === 0) return [];
  const [tenants, keys] = [flags.map(({ tenantId }) => tenantId), flags.map(({ key }) => key)];
  return sql.query<TenantFlag & Record<string, unknown>>(READ_FLAGS, [tenants, keys]);
}

const COUNT_SENT = `
  update reminder_jobs r
     set sent_count = r.sent_count + u.sent
    from (select id, count(*)::int as sent from unnest($1::bigint[]) as s(id) group by id) u
   where r.id = any (array[u.id])`;

/** Counts a message that was sent for each of these; a reminder may be in there more than once. */
export async function countSent(sql: Sql, reminderIds: readonly number[]): Promise<void> {
  if (reminderIds.length > 0) await sql.query(COUNT_SENT, [reminderIds]);
}

const ASK_NOW = `
  update reminder_jobs
     set ask_at = null, ask_token = null
   where tenant_id = $1 and id = $2 and unknown_count is not null and ask_at > reminder_now()`;

/** Has a reminder that is held, since nobody could say whether it is done, asked at once, and not when it would be asked again. */
export async function askNow(sql: TenantSql, id: number): Promise<void> {
  await sql.query(ASK_NOW, [sql.tenant, id]);
}
