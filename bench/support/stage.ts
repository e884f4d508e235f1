import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { startEmbedded } from "../../src/store/embedded.ts";
import { migrate } from "../../src/store/migrate.ts";
import { type Database, openDatabase } from "../../src/store/postgres.ts";

export interface Stage {
  /** An empty, migrated database of this scenario's own. */
  fresh(poolSize?: number): Promise<Database & { url: string }>;
  strike(): Promise<void>;
}

/**
 * One PostgreSQL for all scenarios, as durable as it is by default: fsync and synchronous_commit are on. A scenario that needs
 * other `settings` sets a stage of its own.
 */
export async function setStage(settings: Record<string, string> = {}): Promise<Stage> {
  const dataDir = await mkdtemp(join(tmpdir(), "reminder-bench-"));
  const server = await startEmbedded({ dataDir, settings, log: pino({ level: "warn" }, process.stderr) });
  const admin = openDatabase({ url: server.superuserUrl, poolSize: 1 });
  const opened: Database[] = [admin];
  let count = 0;
  return {
    fresh: async (poolSize = 10) => {
      count += 1;
      const name = `bench_${count}`;
      await admin.runAlone(`create database ${name}`);
      const url = new URL(server.superuserUrl);
      url.pathname = `/${name}`;
      const database = openDatabase({ url: url.href, poolSize });
      opened.push(database);
      await migrate(database);
      return { ...database, url: url.href };
    },
    strike: async () => {
      for (const database of opened.reverse()) await database.close();
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
