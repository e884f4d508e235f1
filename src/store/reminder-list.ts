import type { Instant } from "../core/instant.ts";
import type { ReminderRecord, ReminderStatus } from "../core/reminder.ts";
import { DEFAULT_TENANT } from "../core/tenant.ts";
import { toTimestamptz } from "./postgres.ts";
import { toReminderRecord } from "./reminder-row.ts";
import type { TenantSql } from "./tenant-database.ts";

/** Which reminders; what is undefined doesn't matter. */
export interface ReminderFilter {
  status?: ReminderStatus | undefined;
  entityType?: string | undefined;
  entityId?: string | undefined;
  eventType?: string | undefined;
  channel?: string | undefined;
  /** Due earlier than this. */
  dueBefore?: Instant | undefined;
  /** Due at this instant or later. */
  dueAfter?: Instant | undefined;
  /** Whether a person must look at it. */
  needsAttention?: boolean | undefined;
  includeDeleted: boolean;
}

const MATCHES = `
         ($3::text is null or status = $3)
     and ($4::text is null or entity_type = $4)
     and ($5::text is null or entity_id = $5)
     and ($6::text is null or event_type = $6)
     and ($7::text is null or channel = $7)
     and ($8::timestamptz is null or next_run_at < $8)
     and ($9::timestamptz is null or next_run_at >= $9)
     and ($10 or deleted_at is null)
     and ($12::boolean is null or (needs_attention is not null) = $12)`;

const OF_TENANT = `
         tenant_id = $1
     and ($2::bigint is null or id < $2)
     and ${MATCHES}`;

// Newest first by id, so that a page stays what it was while others are created.
const LIST = `
  select *
    from reminder_jobs
   where ${OF_TENANT}
   order by id desc
   limit $11`;

// Tenants have an index of their own for this, but for the one that is alone in most installations. The planner believes that
// it meets their rows evenly spread when it walks down all ids, though others may have made a million since. Asked for a
// range and an order of both columns, where it doesn't see that the first is always the same, it has to take the index.
const LIST_AMONG_TENANTS = `
  select *
    from reminder_jobs
   where (tenant_id, id) < ($1, coalesce($2::bigint, 9223372036854775807))
     and tenant_id >= $1
     and tenant_id <> '${DEFAULT_TENANT}'
     and ${MATCHES}
   order by tenant_id desc, id desc
   limit $11`;

// Those that need a person are few among millions, and have an index of their own.
const LIST_NEEDING_ATTENTION = `
  select *
    from reminder_jobs
   where needs_attention is not null and ${OF_TENANT}
   order by id desc
   limit $11`;

// One entity has few reminders among millions, so walking down the ids would read the whole table for a page. Two partial
// indexes have its reminders, one those that are ACTIVE and one the others, hence two arms. `materialized`: else the
// planner may still walk down the ids for the first, whose index is not in their order.
const LIST_OF_ENTITY = `
  with active as materialized (
    select *
      from reminder_jobs
     where ${OF_TENANT}
       and status = 'ACTIVE' and deleted_at is null
       and ($3::text is null or $3 = 'ACTIVE')
  ), other as (
    select *
      from reminder_jobs
     where ${OF_TENANT}
       and (status <> 'ACTIVE' or deleted_at is not null)
       and ($3::text is distinct from 'ACTIVE' or $10)
     order by id desc
     limit $11
  )
  select * from active
   union all
  select * from other
   order by id desc
   limit $11`;

/** Up to `limit` reminders, newest first, beginning below the id `below`. */
export async function listReminders(
  sql: TenantSql,
  filter: ReminderFilter,
  page: { below: number | null; limit: number },
): Promise<ReminderRecord[]> {
  const isOfEntity = filter.entityType !== undefined && filter.entityId !== undefined;
  const list = sql.tenant === DEFAULT_TENANT ? LIST : LIST_AMONG_TENANTS;
  const query = isOfEntity ? LIST_OF_ENTITY : filter.needsAttention ? LIST_NEEDING_ATTENTION : list;
  const rows = await sql.query(query, [
    sql.tenant,
    page.below,
    filter.status ?? null,
    filter.entityType ?? null,
    filter.entityId ?? null,
    filter.eventType ?? null,
    filter.channel ?? null,
    filter.dueBefore === undefined ? null : toTimestamptz(filter.dueBefore),
    filter.dueAfter === undefined ? null : toTimestamptz(filter.dueAfter),
    filter.includeDeleted,
    page.limit,
    filter.needsAttention ?? null,
  ]);
  return rows.map(toReminderRecord);
}
