import { randomUUID } from "node:crypto";
import { inject, onTestFinished } from "vitest";
import { type Database, openDatabase, type Sql } from "../../src/store/postgres.ts";

export interface TestDatabase extends Database {
  url: string;
}

/** A database of this test's own, migrated, cloned from the template in milliseconds and dropped when the test ends. */
export async function freshDatabase(options: { poolSize?: number } = {}): Promise<TestDatabase> {
  const serverUrl = inject("serverUrl");
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  const server = openDatabase({ url: serverUrl, poolSize: 1 });
  await server.runAlone(`create database ${name} template ${inject("templateName")}`);

  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const database = openDatabase({ url: url.href, poolSize: options.poolSize ?? 10 });
  onTestFinished(async () => {
    await database.close();
    await server.runAlone(`drop database if exists ${name} with (force)`);
    await server.close();
  });
  return { ...database, url: url.href };
}

/** How many statements wait for a lock that another transaction holds. */
export async function lockWaits(sql: Sql): Promise<number> {
  const waits = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  return (await sql.query(waits)).length;
}
