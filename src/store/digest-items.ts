import { MOST_ITEMS } from "../core/digest.ts";
import type { Instant } from "../core/instant.ts";
import type { DeliveryKey, ReminderRecord } from "../core/reminder.ts";
import { leftAtOf } from "./answers.ts";
import { toTimestamptz } from "./postgres.ts";
import { toReminderRecord } from "./reminder-row.ts";
import type { TenantSql } from "./tenant-database.ts";

/** One of several that went as one message. */
export interface SentItem extends DeliveryKey {
  reminder: ReminderRecord;
}

/** What went as one message, in the order in which it said them. */
export interface SentDigest {
  items: SentItem[];
  /** When it left. See `leftAtOf`. */
  leftAt: Instant;
  now: Instant;
}

// What a message was sent without bears its id no more.
const READ = `
  select r.*, d.occurrence_at as item_at, d.recipient_no as item_no, ${leftAtOf("named")} as left_at,
         reminder_now()::timestamptz(3) as now
    from deliveries named
    join deliveries d on d.digest_id = named.digest_id and d.tenant_id = named.tenant_id
    join reminder_jobs r on r.tenant_id = d.tenant_id and r.id = d.reminder_id and r.deleted_at is null
   where named.tenant_id = $1 and named.reminder_id = $2 and named.occurrence_at = $3 and named.recipient_no = $4
   order by d.occurrence_at, d.reminder_id, d.recipient_no
   limit ${MOST_ITEMS}`;

/** What was sent along with a delivery, and that itself; null where it went by itself, or all of it is gone. */
export async function readSentDigest(sql: TenantSql, named: DeliveryKey): Promise<SentDigest | null> {
  const { reminderId, occurrenceAt, recipientNo } = named;
  const rows = await sql.query(READ, [sql.tenant, reminderId, toTimestamptz(occurrenceAt), recipientNo]);
  const [first] = rows;
  if (!first) return null;
  return {
    items: rows.map((row) => ({
      reminder: toReminderRecord(row),
      reminderId: row.id as number,
      occurrenceAt: row.item_at as Instant,
      recipientNo: row.item_no as number,
    })),
    leftAt: first.left_at as Instant,
    now: first.now as Instant,
  };
}
