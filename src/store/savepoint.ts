import type { TenantDatabase, TenantSql } from "./tenant-database.ts";

/**
 * One transaction as if it were a database: what is asked of it is all committed or none of it, by whoever has begun the
 * transaction. A transaction within it is a savepoint, so that one that fails leaves the others' work as it is. They come
 * one after the other.
 */
export function within(sql: TenantSql): TenantDatabase {
  return {
    tenant: sql.tenant,
    isOneTransaction: true,
    query: sql.query,
    transaction: (work) => inSavepoint(sql, work),
  };
}

async function inSavepoint<T>(sql: TenantSql, work: (sql: TenantSql) => Promise<T>): Promise<T> {
  await sql.query("savepoint step");
  try {
    const result = await work(sql);
    await sql.query("release savepoint step");
    return result;
  } catch (error) {
    // Where that fails too, the whole transaction does, and the first error is the one to tell.
    await sql.query("rollback to savepoint step; release savepoint step").catch(() => {});
    throw error;
  }
}
