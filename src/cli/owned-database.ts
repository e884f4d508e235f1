import { AlreadyRunning, embeddedUrl, startEmbedded } from "../store/embedded.ts";
import { EVERY_TENANT } from "../store/identity.ts";
import { isMigrated, migrate } from "../store/migrate.ts";
import type { Session } from "../store/postgres.ts";
import { connect } from "./connect.ts";
import type { Service } from "./run.ts";
import { CannotRun } from "./say.ts";

/**
 * The database for those who look after an installation: as the owner of its tables, for all tenants. Without DATABASE_URL
 * it is the embedded one: that of the `start` that runs, or else started for as long as the command takes.
 */
export async function ownedDatabase(service: Service, command: string): Promise<Session> {
  const { url } = service.config.database;
  const database = await connect(service, url ?? (await urlOfEmbedded(service)), command);
  if (url === null) await migrate(database);
  else if (!(await isMigrated(database))) {
    throw new CannotRun("the database lacks tables that this version needs: run `npx reminder-engine migrate` first");
  }
  return database.as({ role: null, tenant: EVERY_TENANT });
}

async function urlOfEmbedded({ config: { dataDir }, log, opened, stopping }: Service): Promise<string> {
  try {
    const embedded = await startEmbedded({ dataDir, log, signal: stopping });
    opened.add("embedded PostgreSQL", () => embedded.stop());
    return embedded.url;
  } catch (error) {
    if (error instanceof AlreadyRunning) return await embeddedUrl(dataDir);
    throw error;
  }
}
