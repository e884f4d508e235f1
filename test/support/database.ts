import { randomUUID } from "node:crypto";
import { inject, onTestFinished } from "vitest";
import { type Database, openDatabase } from "../../src/store/postgres.ts";

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
