import { DEFAULT_TENANT } from "../core/tenant.ts";
import { EVERY_TENANT, NO_TENANT } from "../store/identity.ts";
import { isMigrated } from "../store/migrate.ts";
import type { Database } from "../store/postgres.ts";
import { isReadOnly, missingRights, type Part } from "../store/privileges.ts";
import { mayBecome, ROLE_OF, whoRuns } from "../store/roles.ts";
import { type ApiDatabase, apiDatabase, type WorkerDatabase, workerDatabase } from "../store/tenant-database.ts";
import { listTenants } from "../store/tenants.ts";
import { MAKE_WRITABLE } from "./refusals.ts";
import type { Service } from "./run.ts";
import { CannotRun } from "./say.ts";

/** The database for the API. Throws `CannotRun` unless all tables are there and can be used as the API does. */
export async function databaseForApi(database: Database): Promise<ApiDatabase> {
  const hasRoles = await requireTables(database, "api");
  const { name, seesEverything } = await whoRuns(apiDatabase(database, { hasRoles }).forTenant(DEFAULT_TENANT));
  if (seesEverything && (await hasTenants(database))) {
    throw new CannotRun(
      `api can't keep tenants apart, since row-level security doesn't bind the role ${name}: take BYPASSRLS and SUPERUSER ` +
        `from it, or make DATABASE_URL's role a member of ${ROLE_OF.api}`,
    );
  }
  return apiDatabase(database, { hasRoles, isBound: !seesEverything });
}

/** The same for a worker. */
export async function databaseForWorker(database: Database): Promise<WorkerDatabase> {
  return workerDatabase(database, { hasRoles: await requireTables(database, "worker") });
}

/** Says in a line if the role in DATABASE_URL keeps tenants less apart than they could be, by hand or in the service. */
export async function warnOfLogin({ log }: Service, database: Database): Promise<void> {
  const { name, isSuperuser } = await whoRuns(database);
  if (isSuperuser) {
    log.warn(
      `the role in DATABASE_URL, ${name}, is a superuser: the service itself doesn't use that, but plain SQL by it sees and ` +
        "changes the rows of all tenants; better name a role that is none, with CREATEROLE",
    );
  } else if (!(await mayBecome(database, "api")) && !(await mayBecome(database, "worker"))) {
    log.warn(
      `the role in DATABASE_URL, ${name}, may not become ${ROLE_OF.api} and ${ROLE_OF.worker}: the service runs as ${name} ` +
        "itself, and row-level security still keeps tenants apart; to have it run with fewer rights, grant it these roles",
    );
  }
}

/** Returns whether the part runs as the role that is made for it, instead of the one that logged in. */
async function requireTables(database: Database, part: Part): Promise<boolean> {
  const hasRole = await mayBecome(database, part);
  const session = hasRole ? database.as({ role: ROLE_OF[part], tenant: NO_TENANT }) : database;
  // Where an earlier version has made the tables, the role can't read that yet.
  if (!(await isMigrated(session).catch(() => isMigrated(database)))) {
    throw new CannotRun("the database lacks tables that this version needs: run `npx reminder-engine migrate` first");
  }
  if (await isReadOnly(database)) throw new CannotRun(MAKE_WRITABLE);
  const missing = await missingRights(session, part);
  if (missing.length === 0) return hasRole;
  const remedy = hasRole
    ? "run `npx reminder-engine migrate` as the role that owns the tables"
    : `grant them, or ${ROLE_OF[part]}, or let DATABASE_URL name the role that ran migrate`;
  throw new CannotRun(`${part} lacks rights in the database: ${missing.join("; ")}: ${remedy}`);
}

async function hasTenants(database: Database): Promise<boolean> {
  const tenants = await listTenants(database.as({ role: null, tenant: EVERY_TENANT }));
  return tenants.some(({ name }) => name !== DEFAULT_TENANT);
}
