import type { JsonObject } from "../core/json.ts";
import type { Tenant } from "../core/tenant.ts";
import { insertAudit } from "../store/audit.ts";
import type { Sql } from "../store/postgres.ts";

/** What was done for a tenant on the command line, and to what. */
export interface Done {
  operation: string;
  target: string;
  details?: JsonObject;
}

/** Writes it into the tenant's audit. Call it in the transaction of the change itself, so that none is without the other. */
export function note(sql: Sql, tenant: Tenant, { operation, target, details = {} }: Done): Promise<void> {
  return insertAudit(sql, tenant, [{ actor: "command line", operation, target, status: null, address: null, details }]);
}
