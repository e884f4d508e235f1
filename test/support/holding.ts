import type { Database, Sql } from "../../src/store/postgres.ts";

/** Holds what `statement` locks until the returned function is called. */
export async function holding(
  database: Database,
  statement: string,
  params: unknown[] = [],
): Promise<() => Promise<void>> {
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let locked: () => void = () => {};
  const isLocked = new Promise<void>((resolve) => {
    locked = resolve;
  });
  const done = database.transaction(async (sql: Sql) => {
    await sql.query("set local idle_in_transaction_session_timeout = 0");
    await sql.query(statement, params);
    locked();
    await released;
  });
  await Promise.race([isLocked, done]);
  return async () => {
    release();
    await done;
  };
}
