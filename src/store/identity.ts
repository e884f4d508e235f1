import { isTenantName, type Tenant } from "../core/tenant.ts";

// Roles are the cluster's, not the database's: several installations in one cluster share these two.
export const API_ROLE = "reminder_api";
export const WORKER_ROLE = "reminder_worker";
export type EngineRole = typeof API_ROLE | typeof WORKER_ROLE;

/** In place of a tenant: all of them. For the worker, and for those who look after an installation. */
export const EVERY_TENANT = "*";
/** In place of a tenant: none, whoever asks. No tenant can have this name. */
export const NO_TENANT = "-";

/** As whom a transaction runs; row-level security shows it what its tenant owns. */
export interface Identity {
  /** Null: the role that logged in. */
  role: EngineRole | null;
  tenant: Tenant | typeof EVERY_TENANT | typeof NO_TENANT;
}

/** Throws for what is no tenant's name. */
export function requireTenantName(text: string): void {
  if (!isTenantName(text)) throw new Error(`${JSON.stringify(text)} is no tenant's name`);
}

/**
 * The statements that make a transaction run as `identity`, until it ends. Throws for what is no tenant's name: `set` takes
 * no parameters, so nothing that would need quoting may get there.
 */
export function assume({ role, tenant }: Identity): string {
  if (tenant !== EVERY_TENANT && tenant !== NO_TENANT) requireTenantName(tenant);
  const asTenant = `set local reminder.tenant = '${tenant}'`;
  return role === null ? asTenant : `set local role ${role}; ${asTenant}`;
}
