import { onTestFinished } from "vitest";
import type { Database, Sql } from "../../src/store/postgres.ts";

/** Holds what `statement` locks until the returned function is called, or the test has failed. */
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
  onTestFinished(async () => {
    release();
    await done.catch(() => {});
  });
  return async () => {
    release();
    await done;
  };
}
