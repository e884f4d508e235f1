import type { Instant, ReminderRecord, ReminderStatus } from "../core/reminder.ts";
import { type Sql, toTimestamptz } from "./postgres.ts";
import { toReminderRecord } from "./reminder-row.ts";

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
  includeDeleted: boolean;
}

// Newest first by id, so that a page stays what it was while others are created.
const LIST = `
  select *
    from reminder_jobs
   where tenant_id = $1
     and ($2::bigint is null or id < $2)
     and ($3::text is null or status = $3)
     and ($4::text is null or entity_type = $4)
     and ($5::text is null or entity_id = $5)
     and ($6::text is null or event_type = $6)
     and ($7::text is null or channel = $7)
     and ($8::timestamptz is null or next_run_at < $8)
     and ($9::timestamptz is null or next_run_at >= $9)
     and ($10 or deleted_at is null)
   order by id desc
   limit $11`;

/** Up to `limit` reminders, newest first, beginning below the id `below`. */
export async function listReminders(
  sql: Sql,
  tenantId: string,
  filter: ReminderFilter,
  page: { below: number | null; limit: number },
): Promise<ReminderRecord[]> {
  const rows = await sql.query(LIST, [
    tenantId,
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
  ]);
  return rows.map(toReminderRecord);
}
