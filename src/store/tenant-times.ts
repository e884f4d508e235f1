import type { QuietHours } from "../core/quiet-hours.ts";
import type { TenantSql } from "./tenant-database.ts";

/** Where and when a tenant's people are, unless they or their reminders say otherwise; null: nothing is said. */
export interface TenantTimes {
  timeZone: string | null;
  quietHours: QuietHours | null;
}

const READ = `select time_zone as "timeZone", quiet_hours as "quietHours" from tenants where name = $1`;

export async function readTenantTimes(sql: TenantSql): Promise<TenantTimes> {
  const [row] = await sql.query<TenantTimes & Record<string, unknown>>(READ, [sql.tenant]);
  return row ?? { timeZone: null, quietHours: null };
}
