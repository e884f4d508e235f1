import type { Instant } from "../core/instant.ts";
import type { QuietHours } from "../core/quiet-hours.ts";
import type { Tenant } from "../core/tenant.ts";
import type { Row, Sql } from "./postgres.ts";

export interface TenantRow extends OwnSettings {
  name: Tenant;
  createdAt: Instant;
}

const CREATE = "insert into tenants (name) values ($1) on conflict do nothing returning name";

/** Creates a tenant, and says whether it is new. `sql` acts for all tenants, as their owner. */
export async function createTenant(sql: Sql, name: Tenant): Promise<boolean> {
  return (await sql.query(CREATE, [name])).length > 0;
}

const EXISTS = "select exists (select from tenants where name = $1) as found";

/** True if there is such a tenant. `sql` acts for it, or for all. */
export async function isTenant(sql: Sql, name: Tenant): Promise<boolean> {
  const [row] = await sql.query<{ found: boolean }>(EXISTS, [name]);
  return row?.found ?? false;
}

/** What is a tenant's own; null: what the settings say, or nothing. */
export interface OwnSettings {
  timeZone: string | null;
  quietHours: QuietHours | null;
  requestsPerMinute: number | null;
  sendsPerMinute: number | null;
  sendsPerRecipientPerHour: number | null;
  /** ACTIVE ones at once; null: as many as there are. */
  maxReminders: number | null;
}

const COLUMNS = `
         requests_per_minute as "requestsPerMinute", sends_per_minute as "sendsPerMinute",
         sends_per_recipient_per_hour as "sendsPerRecipientPerHour", max_reminders as "maxReminders",
         time_zone as "timeZone", quiet_hours as "quietHours"`;

const LIST = `
  select name, created_at as "createdAt",${COLUMNS}
    from tenants
   order by name`;

/** The tenants that whoever `sql` acts for may see: all of them, or itself. */
export async function listTenants(sql: Sql): Promise<TenantRow[]> {
  return sql.query<TenantRow & Record<string, unknown>>(LIST);
}

const READ = `
  select ${COLUMNS}
    from tenants
   where name = $1
     for update`;

/** What is a tenant's own, locked until the transaction ends; null if there is no such tenant. As the owner of the table. */
export async function readOwnSettings(sql: Sql, name: Tenant): Promise<OwnSettings | null> {
  const [own] = await sql.query<OwnSettings & Row>(READ, [name]);
  return own ?? null;
}

const SET = `
  update tenants
     set requests_per_minute = $2, sends_per_minute = $3, sends_per_recipient_per_hour = $4,
         time_zone = $5, quiet_hours = $6, max_reminders = $7
   where name = $1`;

/** Gives a tenant these. As the owner of the table, for all tenants. */
export async function setOwnSettings(sql: Sql, name: Tenant, own: OwnSettings): Promise<void> {
  const { requestsPerMinute, sendsPerMinute, sendsPerRecipientPerHour, timeZone, quietHours, maxReminders } = own;
  await sql.query(SET, [
    ...[name, requestsPerMinute, sendsPerMinute, sendsPerRecipientPerHour, timeZone],
    quietHours && JSON.stringify(quietHours),
    maxReminders,
  ]);
}

const COUNT_ACTIVE = `
  select count(*)::integer as count
    from reminder_jobs
   where tenant_id = $1 and status = 'ACTIVE' and deleted_at is null`;

/** How many reminders of a tenant are ACTIVE. `sql` acts for it, or for all. */
export async function countActive(sql: Sql, name: Tenant): Promise<number> {
  const [row] = await sql.query<{ count: number }>(COUNT_ACTIVE, [name]);
  return row?.count ?? 0;
}
