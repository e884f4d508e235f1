import type { Instant } from "../core/instant.ts";
import type { Row } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** One row of `status_flags`. A key that nobody set is false. */
export interface Flag {
  key: string;
  value: boolean;
  createdAt: Instant;
  updatedAt: Instant;
}

const LIST = `
  select key, value, created_at, updated_at
    from status_flags
   where tenant_id = $1 and ($2::text is null or key > $2)
   order by key
   limit $3`;

/** Up to `limit` flags in the order of their keys, beginning after the key `after`. */
export async function listFlags(sql: TenantSql, page: { after: string | null; limit: number }): Promise<Flag[]> {
  return (await sql.query(LIST, [sql.tenant, page.after, page.limit])).map(toFlag);
}

const READ = "select key, value, created_at, updated_at from status_flags where tenant_id = $1 and key = $2";

export async function readFlag(sql: TenantSql, key: string): Promise<Flag | null> {
  const [row] = await sql.query(READ, [sql.tenant, key]);
  return row ? toFlag(row) : null;
}

const READ_SEVERAL = `
  select key, value, created_at, updated_at
    from status_flags
   where tenant_id = $1 and key = any($2::text[])`;

/** Those of these flags that somebody has set, to true or false, in no particular order. */
export async function readFlags(sql: TenantSql, keys: readonly string[]): Promise<Flag[]> {
  if (keys.length === 0) return [];
  return (await sql.query(READ_SEVERAL, [sql.tenant, [...keys]])).map(toFlag);
}

/** A flag, locked until this transaction ends. */
export async function lockFlag(sql: TenantSql, key: string): Promise<Flag | null> {
  const [row] = await sql.query(`${READ} for update`, [sql.tenant, key]);
  return row ? toFlag(row) : null;
}

// A row that this statement has inserted carries no xmax; one that it has updated does.
const PUT = `
  insert into status_flags (tenant_id, key, value) values ($1, $2, $3)
  on conflict (tenant_id, key) do update set value = excluded.value
  returning key, value, created_at, updated_at, xmax = 0 as is_new`;

/** Sets a flag. What waits for it is completed by a worker, which hears of it by itself. */
export async function putFlag(sql: TenantSql, key: string, value: boolean): Promise<{ flag: Flag; isNew: boolean }> {
  const [row] = await sql.query(PUT, [sql.tenant, key, value]);
  return { flag: toFlag(row as Row), isNew: row?.is_new as boolean };
}

const DELETE = "delete from status_flags where tenant_id = $1 and key = $2";

/** Forgets a flag, which makes it false. */
export async function deleteFlag(sql: TenantSql, key: string): Promise<void> {
  await sql.query(DELETE, [sql.tenant, key]);
}

function toFlag(row: Row): Flag {
  return {
    key: row.key as string,
    value: row.value as boolean,
    createdAt: row.created_at as number,
    updatedAt: row.updated_at as number,
  };
}
