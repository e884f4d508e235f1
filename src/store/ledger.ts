import type { Delivery, DeliveryStatus, Instant } from "../core/reminder.ts";
import { type Row, toTimestamptz } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";
import { HAS_OTHERS_UNDER_WAY } from "./wake.ts";

/** Names a delivery among those of one reminder. */
export interface LedgerPosition {
  occurrenceAt: Instant;
  recipientNo: number;
}

const LIST = `
  select *
    from deliveries
   where tenant_id = $1 and reminder_id = $2
     and ($3::timestamptz is null or (occurrence_at, recipient_no) < ($3, $4))
   order by occurrence_at desc, recipient_no desc
   limit $5`;

/** Up to `limit` deliveries of a reminder, newest occurrence first, beginning below `below`. */
export async function listDeliveries(
  sql: TenantSql,
  reminderId: number,
  page: { below: LedgerPosition | null; limit: number },
): Promise<Delivery[]> {
  const below = page.below && toTimestamptz(page.below.occurrenceAt);
  const rows = await sql.query(LIST, [sql.tenant, reminderId, below, page.below?.recipientNo ?? 0, page.limit]);
  return rows.map(toDelivery);
}

const LAST_OUTCOME = `
  select case when ${HAS_OTHERS_UNDER_WAY} then 'pending' else d.status end as status
    from reminder_jobs r
    join deliveries d on d.reminder_id = r.id and d.occurrence_at = r.last_occurrence_at and d.bucket = r.bucket
   where r.tenant_id = $1 and r.id = $2
   order by d.recipient_no
   limit 1`;

/** How the delivery of a reminder's newest occurrence stands; `pending` as well while others of it are still to be sent. */
export async function lastOutcome(sql: TenantSql, reminderId: number): Promise<DeliveryStatus | null> {
  const [row] = await sql.query<{ status: DeliveryStatus }>(LAST_OUTCOME, [sql.tenant, reminderId]);
  return row?.status ?? null;
}

export function toDelivery(row: Row): Delivery {
  return {
    tenantId: row.tenant_id as string,
    reminderId: row.reminder_id as number,
    occurrenceAt: row.occurrence_at as number,
    recipientNo: row.recipient_no as number,
    channel: row.channel as string,
    recipient: row.recipient as string | null,
    status: row.status as DeliveryStatus,
    attempts: row.attempts as number,
    nextAttemptAt: row.next_attempt_at as number | null,
    reason: row.reason as string | null,
    providerId: row.provider_id as string | null,
    demo: row.demo as boolean,
    createdAt: row.created_at as number,
    finishedAt: row.finished_at as number | null,
  };
}
