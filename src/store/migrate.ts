import { readdir, readFile } from "node:fs/promises";
import { EVERY_TENANT } from "./identity.ts";
import type { Database } from "./postgres.ts";
import { provideRoles } from "./roles.ts";

const MIGRATIONS = new URL("./migrations/", import.meta.url);
const OLDEST_SERVER = 140_000;
/** An index on a large table takes its time, and so may the migrating process before us. */
const NO_HURRY = { statementMs: 24 * 3_600_000 };
/** Any fixed number: the advisory lock that lets one migrating process work while the others wait. */
const MIGRATION_LOCK = 7_269_101_001;

const CREATE_LEDGER = `
  create table if not exists schema_migrations (
    version    integer primary key,
    name       text not null,
    applied_at timestamptz not null default now()
  )`;

const FITNESS = `
  select current_setting('server_version_num') as number, current_setting('server_version') as name,
         current_setting('server_encoding') as encoding`;

export class MigrationError extends Error {
  override name = "MigrationError";
}

interface Migration {
  version: number;
  name: string;
}

/**
 * Brings the schema up to date, and the roles for API and worker with their rights (see `provideRoles`); returns the names of the migrations that were applied (none when there was nothing
 * to do). All or nothing, and safe for any number of processes at once: they take turns.
 */
export async function migrate(database: Database): Promise<string[]> {
  const migrations = await listMigrations();
  // Its owner too sees only `default` in a table whose rows belong to tenants, and a migration means all of them.
  return database.as({ role: null, tenant: EVERY_TENANT }).transaction(async (sql) => {
    await sql.query("select pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    await refuseUnfitDatabase(sql);
    await sql.query(CREATE_LEDGER);
    const rows = await sql.query<{ version: number }>("select version from schema_migrations");
    const known = new Set(rows.map((row) => row.version));
    const pending = migrations.filter((migration) => !known.has(migration.version));
    for (const { version, name } of pending) {
      await sql.query(await readFile(new URL(name, MIGRATIONS), "utf8"));
      await sql.query("insert into schema_migrations (version, name) values ($1, $2)", [version, name]);
    }
    await provideRoles(sql);
    return pending.map((migration) => migration.name);
  }, NO_HURRY);
}

/** True when every migration that this program knows has been applied. */
export async function isMigrated(database: Pick<Database, "query">): Promise<boolean> {
  const migrations = await listMigrations();
  const [row] = await database.query<{ ledger: string | null }>(
    "select to_regclass('schema_migrations')::text as ledger",
  );
  if (!row?.ledger) return false;
  const rows = await database.query<{ version: number }>("select version from schema_migrations");
  const known = new Set(rows.map((applied) => applied.version));
  return migrations.every((migration) => known.has(migration.version));
}

/** Throws a `MigrationError` when the server is older than what this program is made for, or the database isn't UTF-8. */
export async function refuseUnfitDatabase(sql: Pick<Database, "query">): Promise<void> {
  const [row] = await sql.query<{ number: string; name: string; encoding: string }>(FITNESS);
  if (Number(row?.number) < OLDEST_SERVER) {
    throw new MigrationError(`PostgreSQL ${row?.name} is too old: version 14 or later is needed`);
  }
  if (row?.encoding !== "UTF8") {
    throw new MigrationError(
      `the database's encoding is ${row?.encoding}, which can't hold every text: ` +
        "use one that was created with encoding 'UTF8' (and template template0)",
    );
  }
}

async function listMigrations(): Promise<Migration[]> {
  const files = await readdir(MIGRATIONS);
  return files
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => ({ version: Number.parseInt(name, 10), name }));
}
