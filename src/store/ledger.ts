import type { Instant } from "../core/instant.ts";
import type { JsonObject } from "../core/json.ts";
import { toAddressed } from "../core/people.ts";
import type { Delivery, DeliveryStatus } from "../core/reminder.ts";
import { toChecked } from "./checked.ts";
import { type Row, type Sql, toTimestamptz } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";
import { BEST_FIRST, HAS_GONE_OVER, HAS_OTHERS_UNDER_WAY } from "./wake.ts";

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
   where r.tenant_id = $1 and r.id = $2 and not ${HAS_GONE_OVER}
   order by ${BEST_FIRST}, d.recipient_no
   limit 1`;

/** How the delivery of a reminder's newest occurrence stands; `pending` as well while others of it are still to be sent. */
export async function lastOutcome(sql: TenantSql, reminderId: number): Promise<DeliveryStatus | null> {
  const [row] = await sql.query<{ status: DeliveryStatus }>(LAST_OUTCOME, [sql.tenant, reminderId]);
  return row?.status ?? null;
}

const OUTCOMES = `
  select distinct on (d.reminder_id, d.occurrence_at) d.reminder_id, d.occurrence_at, d.status
    from unnest($1::bigint[], $2::timestamptz[]) as u(id, occurrence_at)
    join deliveries d on d.reminder_id = any (array[u.id]) and d.occurrence_at = u.occurrence_at
   where not ${HAS_GONE_OVER}
   order by d.reminder_id, d.occurrence_at, ${BEST_FIRST}, d.recipient_no`;

/** What became of these occurrences, by the best of what became of their messages; of one that goes on, that. By `occurrenceOf`. */
export async function outcomesOf(
  sql: Sql,
  occurrences: readonly { reminderId: number; occurrenceAt: Instant }[],
): Promise<Map<string, DeliveryStatus>> {
  if (occurrences.length === 0) return new Map();
  const rows = await sql.query<{ reminder_id: number; occurrence_at: Instant; status: DeliveryStatus }>(OUTCOMES, [
    occurrences.map(({ reminderId }) => reminderId),
    occurrences.map(({ occurrenceAt }) => toTimestamptz(occurrenceAt)),
  ]);
  return new Map(
    rows.map((row) => [occurrenceOf({ reminderId: row.reminder_id, occurrenceAt: row.occurrence_at }), row.status]),
  );
}

/** Names an occurrence, whoever its messages are for. */
export function occurrenceOf({ reminderId, occurrenceAt }: { reminderId: number; occurrenceAt: Instant }): string {
  return `${reminderId}-${occurrenceAt}`;
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
    nextAttemptAt: leavesAt(row),
    reason: row.reason as string | null,
    providerId: row.provider_id as string | null,
    demo: row.demo as boolean,
    createdAt: row.created_at as number,
    finishedAt: row.finished_at as number | null,
    addressed: toAddressed(row.addressed as JsonObject | null),
    checked: toChecked(row.checked as JsonObject | null),
  };
}

/** Not when it asks for its next place, which may be ahead of those that it was promised: it leaves no sooner than these allow. */
function leavesAt(row: Row): Instant | null {
  const nextAttemptAt = row.next_attempt_at as Instant | null;
  const promised = [row.tenant_slot_at, row.recipient_slot_at, row.person_slot_at] as (Instant | null)[];
  return nextAttemptAt === null ? null : Math.max(nextAttemptAt, ...promised.map((at) => at ?? nextAttemptAt));
}
