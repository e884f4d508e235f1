import { withinMs } from "../engine/within.ts";
import { refuseUnfitDatabase } from "../store/migrate.ts";
import { type Database, openDatabase } from "../store/postgres.ts";
import { withoutPassword } from "../telemetry/url-password.ts";
import type { Service } from "./run.ts";
import { CannotRun } from "./say.ts";

/** How long connections in use are waited for when the pool is closed. */
const CLOSE_MS = 300;

/** Where the database of `api`, `worker` and `migrate` is. They bring none of their own, since they share one. */
export function neededUrl({ config }: Service, command: string): string {
  if (config.database.url) return config.database.url;
  throw new CannotRun(
    `${command} needs DATABASE_URL, like postgresql://user:password@localhost:5432/reminders ` +
      "(only start brings a database of its own)",
  );
}

/** Opens the database and asks it something. Throws `CannotRun` with the reason if it can't be used. */
export async function connect({ config, opened }: Service, url: string, name: string): Promise<Database> {
  const database = openDatabase({
    url,
    poolSize: config.database.poolSize,
    applicationName: `reminder-engine ${name}`,
  });
  opened.add("database", () => withinMs(CLOSE_MS, database.close()));
  try {
    await refuseUnfitDatabase(database);
  } catch (error) {
    throw cannotConnect(error, url);
  }
  return database;
}

/** SQLSTATEs that say what is wrong with DATABASE_URL. */
const REFUSED = /^28/;
const NO_SUCH_DATABASE = "3D000";

function cannotConnect(error: unknown, url: string): unknown {
  if (!(error instanceof Error) || error.name === "MigrationError") return error;
  const { code, message } = innermost(error);
  const where = withoutPassword(url);
  if (REFUSED.test(code)) return new CannotRun(`the database refused us: ${message} (DATABASE_URL is ${where})`);
  if (code === NO_SUCH_DATABASE) return new CannotRun(`${message}: create it, or correct DATABASE_URL (${where})`);
  return new CannotRun(`can't reach a PostgreSQL at ${where}: ${message} (is it running, is DATABASE_URL right?)`);
}

/** A host with several addresses fails with a list of errors, one for each. */
function innermost(error: Error): { code: string; message: string } {
  const inner = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
  const code = "code" in inner && typeof inner.code === "string" ? inner.code : "";
  return { code, message: inner.message };
}
