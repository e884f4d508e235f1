import { DEFAULT_TENANT, type Tenant } from "../core/tenant.ts";
import { API_ROLE, EVERY_TENANT, NO_TENANT, requireTenantName, WORKER_ROLE } from "./identity.ts";
import type { Database, Limits, Session, Sql } from "./postgres.ts";

/** Runs SQL that sees and makes what belongs to one tenant, and nothing else. */
export interface TenantSql extends Sql {
  readonly tenant: Tenant;
}

/** The database as one tenant has it. */
export interface TenantDatabase extends TenantSql {
  /** See `Database.transaction`. */
  transaction<T>(work: (sql: TenantSql) => Promise<T>, limits?: Limits): Promise<T>;
  /** True where all that is asked here belongs to one transaction: nobody else may ask anything along with it. */
  readonly isOneTransaction?: boolean;
}

/** The database as the API has it: for one tenant at a time. What is asked of itself is asked for none. */
export interface ApiDatabase extends Sql {
  /** Costs nothing: the connections are shared. Throws for what is no tenant's name. */
  forTenant(tenant: Tenant): TenantDatabase;
}

/** The database as a worker has it: all tenants, and no more than its work needs. */
export interface WorkerDatabase extends Session {
  readonly tenant: typeof EVERY_TENANT;
  /** See `Database.listen`. */
  listen: Database["listen"];
}

interface Roles {
  /** False where the role that logged in may not become ours: then everything runs as that one. */
  hasRoles?: boolean;
}

/** `isBound` is false where row-level security doesn't bind the role: then nobody but `default` is served. */
export function apiDatabase(
  database: Database,
  { hasRoles = true, isBound = true }: Roles & { isBound?: boolean } = {},
): ApiDatabase {
  const role = hasRoles ? API_ROLE : null;
  return {
    query: database.as({ role, tenant: NO_TENANT }).query,
    forTenant: (tenant) => {
      requireTenantName(tenant);
      if (!isBound && tenant !== DEFAULT_TENANT) throw new Error(`the database can't keep ${tenant} apart from others`);
      const session = database.as({ role, tenant });
      return {
        tenant,
        query: session.query,
        transaction: (work, limits) => session.transaction((sql) => work({ tenant, query: sql.query }), limits),
      };
    },
  };
}

export function workerDatabase(database: Database, { hasRoles = true }: Roles = {}): WorkerDatabase {
  const session = database.as({ role: hasRoles ? WORKER_ROLE : null, tenant: EVERY_TENANT }, "by_index");
  return { ...session, tenant: EVERY_TENANT, listen: database.listen };
}
