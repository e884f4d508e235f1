import type { Instant } from "../core/instant.ts";
import type { Tenant } from "../core/tenant.ts";
import type { Row, Sql } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** A key as it is kept: never its text. */
export interface KeyRow {
  id: string;
  tenant: Tenant;
  name: string;
  scopes: string[];
  requestsPerMinute: number | null;
  createdAt: Instant;
  expiresAt: Instant | null;
  revokedAt: Instant | null;
  lastUsedAt: Instant | null;
  state: KeyState;
}

export type KeyState = "valid" | "revoked" | "expired";

/** What the API learns about a key that somebody shows. */
export interface FoundKey {
  tenant: Tenant;
  name: string;
  scopes: string[];
  hash: Buffer;
  state: KeyState;
  /** Requests per minute, where they aren't what the settings say. */
  keyLimit: number | null;
  tenantLimit: number | null;
}

const FIND = `
  select tenant_id as tenant, name, scopes, hash, state, key_limit as "keyLimit", tenant_limit as "tenantLimit"
    from reminder_find_key($1)`;

/** The key of this id, whosever it is. */
export async function findKey(sql: Sql, id: string): Promise<FoundKey | null> {
  const [row] = await sql.query<FoundKey & Row>(FIND, [id]);
  return row ?? null;
}

/** True if anybody has ever been given a key, be it revoked or expired by now. */
export async function hasKeys(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ found: boolean }>("select reminder_has_keys() as found");
  return row?.found ?? false;
}

/** Notes that these keys are in use. Written at most once a minute for each. */
export async function noteKeysUsed(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.query("select reminder_note_keys_used($1)", [ids]);
}

export interface TenantLimits {
  /** Null: what the settings say. */
  requestsPerMinute: number | null;
}

const TENANT_LIMITS = `select requests_per_minute as "requestsPerMinute" from tenants where name = $1`;

/** What the tenant for whom `sql` acts may ask; null where there is no such tenant. */
export async function tenantLimits(sql: TenantSql): Promise<TenantLimits | null> {
  const [row] = await sql.query<TenantLimits & Row>(TENANT_LIMITS, [sql.tenant]);
  return row ?? null;
}

// What follows is for those who look after an installation, and acts for all tenants, as the owner of the tables.

export interface NewKeyRow {
  id: string;
  hash: Buffer;
  tenant: Tenant;
  name: string;
  scopes: readonly string[];
  /** Null: it never expires. */
  lifetimeMs: number | null;
  requestsPerMinute: number | null;
}

const COLUMNS = `
  id, tenant_id as tenant, name, scopes, requests_per_minute as "requestsPerMinute", created_at as "createdAt",
  expires_at as "expiresAt", revoked_at as "revokedAt", last_used_at as "lastUsedAt",
  case when revoked_at <= reminder_now() then 'revoked'
       when expires_at <= reminder_now() then 'expired'
       else 'valid' end as state`;

const INSERT = `
  insert into api_keys (id, hash, tenant_id, name, scopes, expires_at, requests_per_minute)
  values ($1, $2, $3, $4, $5, reminder_now() + $6 * interval '1 millisecond', $7)
  returning ${COLUMNS}`;

export async function insertKey(sql: Sql, key: NewKeyRow): Promise<KeyRow> {
  const { id, hash, tenant, name, scopes, lifetimeMs, requestsPerMinute } = key;
  const parameters = [id, hash, tenant, name, scopes, lifetimeMs, requestsPerMinute];
  const [row] = await sql.query<KeyRow & Row>(INSERT, parameters);
  return row as KeyRow;
}

/** All keys, the newest first. */
export async function listKeys(sql: Sql): Promise<KeyRow[]> {
  return sql.query<KeyRow & Row>(`select ${COLUMNS} from api_keys order by created_at desc, id`);
}

/** A key, locked until the transaction ends. */
export async function lockKey(sql: Sql, id: string): Promise<KeyRow | null> {
  const [row] = await sql.query<KeyRow & Row>(`select ${COLUMNS} from api_keys where id = $1 for update`, [id]);
  return row ?? null;
}

const REVOKE = "update api_keys set revoked_at = coalesce(revoked_at, reminder_now()) where id = $1";

/** From now on it opens nothing. Doing it again changes nothing. */
export async function revokeKey(sql: Sql, id: string): Promise<void> {
  await sql.query(REVOKE, [id]);
}

// The new key lives as long, from now on, as the old one was made for.
const REPLACE = `
  insert into api_keys (id, hash, tenant_id, name, scopes, requests_per_minute, expires_at, replaces)
  select $2, $3, tenant_id, name, scopes, requests_per_minute, reminder_now() + (expires_at - created_at), id
    from api_keys
   where id = $1
  returning ${COLUMNS}`;

const EXPIRE = `
  update api_keys
     set expires_at = least(expires_at, reminder_now() + $2 * interval '1 millisecond')
   where id = $1
  returning expires_at`;

/** Makes a key that may do what another may, which expires after `overlapMs` if it doesn't sooner. */
export async function replaceKey(
  sql: Sql,
  id: string,
  { id: newId, hash, overlapMs }: { id: string; hash: Buffer; overlapMs: number },
): Promise<{ key: KeyRow; oldExpiresAt: Instant }> {
  const [row] = await sql.query<KeyRow & Row>(REPLACE, [id, newId, hash]);
  const [old] = await sql.query<{ expires_at: Instant }>(EXPIRE, [id, overlapMs]);
  return { key: row as KeyRow, oldExpiresAt: old?.expires_at as Instant };
}

const CLOCK = "select reminder_now() as now";

/** The database's clock. */
export async function readClock(sql: Sql): Promise<Instant> {
  const [row] = await sql.query<{ now: Instant }>(CLOCK);
  return row?.now as Instant;
}
