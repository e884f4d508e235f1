import type { Instant } from "../core/instant.ts";
import { isAddress, isOneOf } from "./address-key.ts";
import { type Row, type Sql, toTimestamptz } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** An address of a channel, as it may be written in a reminder: whether in capitals or not makes no difference, but behind a URL's host. */
export interface Address {
  tenantId: string;
  channel: string;
  address: string;
}

/** An address that nothing is to be sent to from now on. */
export interface NewSuppression extends Address {
  /** A word for programs: `hard_bounce`, `complaint`, `unsubscribed`, `stop`, `invalid`, `gone`, `manual`, ... */
  reason: string;
  /** A sentence for people. */
  because: string | null;
  /** How long; null: until somebody releases it. */
  days: number | null;
  /** Who said so: a key, a provider, a channel. */
  createdBy: string;
}

/** One row of `suppressions`. */
export interface Suppression {
  channel: string;
  address: string;
  reason: string;
  because: string | null;
  expiresAt: Instant | null;
  createdBy: string;
  createdAt: Instant;
}

const COLUMNS = "channel, address, reason, because, expires_at, created_by, created_at";

// One row an address: an insert can't touch the same one twice. In one order, so that two that meet don't deadlock. What holds
// for longer, or for ever, outlasts what comes later.
// What has expired held for whatever it meant; what is said anew holds for this address alone.
const STAYS_ANY_CASE = "s.any_case and coalesce(s.expires_at, 'infinity') > reminder_now()";

const SUPPRESS = `
  insert into suppressions as s (tenant_id, channel, address, reason, because, expires_at, created_by)
  select distinct on (u.tenant_id, u.channel, reminder_address_key(u.address))
         u.tenant_id, u.channel, reminder_address_key(u.address), u.reason, u.because, reminder_now() + u.days * interval '1 day', u.created_by
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::text[])
           as u(tenant_id, channel, address, reason, because, days, created_by)
   order by u.tenant_id, u.channel, reminder_address_key(u.address), u.days desc nulls first
  on conflict (tenant_id, channel, address)
  do update set reason = excluded.reason, because = excluded.because, expires_at = excluded.expires_at,
                created_by = excluded.created_by, created_at = excluded.created_at, any_case = ${STAYS_ANY_CASE}
   where coalesce(s.expires_at, 'infinity') < coalesce(excluded.expires_at, 'infinity')
  returning 1`;

/**
 * Has nothing sent to these addresses any more, from the next message on; as many at once as you like. One that is suppressed
 * for as long or longer stays as it is. Returns how many are new, or for longer than before.
 */
export async function suppress(sql: Sql, suppressions: readonly NewSuppression[]): Promise<number> {
  if (suppressions.length === 0) return 0;
  const rows = await sql.query(SUPPRESS, columnsOf(suppressions));
  return rows.length;
}

// A row that this statement has inserted carries no xmax; one that it has updated does.
const PUT = `
  insert into suppressions as s (tenant_id, channel, address, reason, because, expires_at, created_by)
  values ($1, $2, reminder_address_key($3), $4, $5, $6, $7)
  on conflict (tenant_id, channel, address)
  do update set reason = excluded.reason, because = excluded.because, expires_at = excluded.expires_at,
                created_by = excluded.created_by, created_at = excluded.created_at, any_case = ${STAYS_ANY_CASE}
  returning ${COLUMNS}, xmax = 0 as is_new`;

/** Suppresses one address as a person says, in place of whatever was said before. */
export async function putSuppression(
  sql: TenantSql,
  wanted: Omit<Suppression, "createdAt">,
): Promise<{ suppression: Suppression; isNew: boolean }> {
  const { channel, address, reason, because, expiresAt, createdBy } = wanted;
  const until = expiresAt === null ? null : toTimestamptz(expiresAt);
  const [row] = await sql.query(PUT, [sql.tenant, channel, address, reason, because, until, createdBy]);
  return { suppression: toSuppression(row as Row), isNew: row?.is_new as boolean };
}

const OF_ADDRESS = `tenant_id = $1 and channel = $2 and ${isAddress("s", "$3::text")}`;
const RELEASE = `delete from suppressions s where ${OF_ADDRESS} returning 1`;

const RESTART = `delete from suppressions s where ${OF_ADDRESS} and reason = 'stop' returning 1`;

/** The same for whoever had said STOP, and says START: what else is held against the address stays. */
export async function restart(sql: TenantSql, channel: string, address: string): Promise<boolean> {
  return (await sql.query(RESTART, [sql.tenant, channel, address])).length > 0;
}

/** Has the address sent to again; false if it was anyway. */
export async function release(sql: TenantSql, channel: string, address: string): Promise<boolean> {
  return (await sql.query(RELEASE, [sql.tenant, channel, address])).length > 0;
}

const LIST = `
  select ${COLUMNS}
    from suppressions s
   where tenant_id = $1 and ($2::text is null or channel = $2)
     and ($3::text[] is null or ${isOneOf("s", "$3")})
     and ($4::text is null or (channel, address) > ($4, $5)) and (expires_at is null or expires_at > reminder_now())
   order by channel, address
   limit $6`;

export interface SuppressionPage {
  channel: string | null;
  /** In any of these forms; null: of whichever. */
  addresses: readonly string[] | null;
  /** Begins after this channel and address. */
  after: readonly [channel: string, address: string] | null;
  limit: number;
}

/** Suppressed addresses of one tenant, by channel and address; without those that have expired. */
export async function listSuppressions(sql: TenantSql, page: SuppressionPage): Promise<Suppression[]> {
  const { channel, addresses, after, limit } = page;
  const rows = await sql.query(LIST, [sql.tenant, channel, addresses, after?.[0] ?? null, after?.[1] ?? null, limit]);
  return rows.map(toSuppression);
}

const FORGET = `
  delete from suppressions
   where (tenant_id, channel, address) in (select tenant_id, channel, address
                                             from suppressions
                                            where expires_at <= reminder_now()
                                            order by expires_at
                                            limit $1
                                              for update skip locked)
  returning 1`;

/** Removes up to `limit` of those that have expired, and returns how many there were. */
export async function forgetExpiredSuppressions(sql: Sql, limit: number): Promise<number> {
  return (await sql.query(FORGET, [limit])).length;
}

function columnsOf(suppressions: readonly NewSuppression[]): unknown[] {
  return [
    suppressions.map(({ tenantId }) => tenantId),
    suppressions.map(({ channel }) => channel),
    suppressions.map(({ address }) => address),
    suppressions.map(({ reason }) => reason),
    suppressions.map(({ because }) => because),
    suppressions.map(({ days }) => days),
    suppressions.map(({ createdBy }) => createdBy),
  ];
}

function toSuppression(row: Row): Suppression {
  return {
    channel: row.channel as string,
    address: row.address as string,
    reason: row.reason as string,
    because: row.because as string | null,
    expiresAt: row.expires_at as number | null,
    createdBy: row.created_by as string,
    createdAt: row.created_at as number,
  };
}
