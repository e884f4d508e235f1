import type { Delivery } from "../core/reminder.ts";
import { toDelivery } from "./ledger.ts";
import type { TenantSql } from "./tenant-database.ts";
import { LEASED, WAITING } from "./wake.ts";

const OPEN = `
  select *
    from deliveries
   where tenant_id = $1 and reminder_id = $2 and (${LEASED} or ${WAITING})
   order by occurrence_at, recipient_no
   limit $3`;

/** Up to `limit` deliveries of a reminder that haven't ended, the oldest occurrence first. */
export async function listOpenDeliveries(sql: TenantSql, reminderId: number, limit: number): Promise<Delivery[]> {
  return (await sql.query(OPEN, [sql.tenant, reminderId, limit])).map(toDelivery);
}
