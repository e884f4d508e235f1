import type { Instant } from "../core/reminder.ts";
import type { Tenant } from "../core/tenant.ts";
import type { Sql } from "./postgres.ts";

export interface TenantRow {
  name: Tenant;
  createdAt: Instant;
}

const CREATE = "insert into tenants (name) values ($1) on conflict do nothing returning name";

/** Creates a tenant, and says whether it is new. `sql` acts for all tenants, as their owner. */
export async function createTenant(sql: Sql, name: Tenant): Promise<boolean> {
  return (await sql.query(CREATE, [name])).length > 0;
}

const LIST = `select name, created_at as "createdAt" from tenants order by name`;

/** The tenants that whoever `sql` acts for may see: all of them, or itself. */
export async function listTenants(sql: Sql): Promise<TenantRow[]> {
  return sql.query<TenantRow & Record<string, unknown>>(LIST);
}

const EXISTS = "select exists (select from tenants where name = $1) as found";

/** True if there is such a tenant. `sql` acts for it, or for all. */
export async function isTenant(sql: Sql, name: Tenant): Promise<boolean> {
  const [row] = await sql.query<{ found: boolean }>(EXISTS, [name]);
  return row?.found ?? false;
}
