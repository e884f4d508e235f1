import type { Row, Sql } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** How long an answer is kept. */
const KEPT = "interval '24 hours'";

/** What was answered to a request. */
export interface KeptAnswer {
  /** Of the request. */
  fingerprint: string;
  status: number;
  headers: Record<string, string>;
  /** As it was sent; null if it was too large to be kept. */
  body: string | null;
}

// A lock and not a row: it goes with its transaction however that ends, a killed process and a cut network included.
const LOCK = "select pg_try_advisory_xact_lock(hashtextextended($1 || chr(31) || $2, 7269101002)) as is_ours";

const READ = `
  select fingerprint, status, headers, body
    from idempotency_keys
   where tenant_id = $1 and key = $2 and created_at > reminder_now() - ${KEPT}`;

/**
 * Takes a key for this transaction, and returns the answer that was given under it: null where there is none. `isBusy` when
 * another transaction has the key at this moment.
 */
export async function takeKey(sql: TenantSql, key: string): Promise<{ isBusy: boolean; kept: KeptAnswer | null }> {
  // Two statements: what the lock's former holder committed is only seen by one that begins after we have it.
  const [[lock], [row]] = await Promise.all([sql.query(LOCK, [sql.tenant, key]), sql.query(READ, [sql.tenant, key])]);
  return lock?.is_ours ? { isBusy: false, kept: row ? toKeptAnswer(row) : null } : { isBusy: true, kept: null };
}

/** True where an answer is kept under this key. Says nothing of a request that is being worked on. */
export async function isAnswered(sql: TenantSql, key: string): Promise<boolean> {
  return (await sql.query(READ, [sql.tenant, key])).length > 0;
}

// In place of one that is too old and hasn't been removed yet.
const KEEP = `
  insert into idempotency_keys (tenant_id, key, fingerprint, status, headers, body) values ($1, $2, $3, $4, $5, $6)
  on conflict (tenant_id, key)
  do update set fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
                body = excluded.body, created_at = excluded.created_at`;

/** Keeps the answer to a request whose key this transaction has taken. */
export async function keepAnswer(sql: TenantSql, key: string, answer: KeptAnswer): Promise<void> {
  const { fingerprint, status, headers, body } = answer;
  await sql.query(KEEP, [sql.tenant, key, fingerprint, status, JSON.stringify(headers), body]);
}

const FORGET = `
  delete from idempotency_keys
   where (tenant_id, key) in (select tenant_id, key
                                from idempotency_keys
                               where created_at <= reminder_now() - ${KEPT}
                               order by created_at
                               limit $1
                                 for update skip locked)
  returning 1`;

/** Removes up to `limit` of those that are too old, and returns how many there were. */
export async function forgetOldAnswers(sql: Sql, limit: number): Promise<number> {
  return (await sql.query(FORGET, [limit])).length;
}

function toKeptAnswer(row: Row): KeptAnswer {
  return {
    fingerprint: row.fingerprint as string,
    status: row.status as number,
    headers: row.headers as Record<string, string>,
    body: row.body as string | null,
  };
}
