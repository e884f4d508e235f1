import type { Instant } from "../core/instant.ts";
import type { JsonObject } from "../core/json.ts";
import { type Addressed, toAddressed } from "../core/people.ts";
import type { DeliveryKey } from "../core/reminder.ts";
import type { Checked } from "../core/stop.ts";
import { toChecked } from "./checked.ts";
import { toTimestamptz } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** Where a line stands in its timeline. Total: no two lines of one reminder have the same. */
export interface TimelinePosition {
  at: Instant;
  /** Puts what happened in the same millisecond in the order in which it must have happened. */
  rank: number;
  /** The event's id, or the due instant of the delivery that the line tells of. */
  first: number;
  second: number;
}

/** One line: written down as an event, or told by the reminder's own row and by the ledger. */
export type TimelineEntry = TimelinePosition & { type: string } & (
    | { told: "event"; because: string | null; details: JsonObject }
    | { told: "row" }
    | {
        told: "ledger";
        delivery: DeliveryKey;
        channel: string;
        recipient: string | null;
        demo: boolean;
        addressed: Addressed | null;
        /** What its stop condition answered last before it left. */
        checked: Checked | null;
        /** What is to be said of how it left: a sentence; null: nothing. */
        reason: string | null;
      }
  );

// Creation, firing and sending are not written down a second time as events: the reminder's row and the ledger have them. What a
// transaction wrote that had begun a moment before the reminder was there came after that all the same.
const timeline = (order: "asc" | "desc"): string => `
  with it as materialized (
    select created_at from reminder_jobs where tenant_id = $1 and id = $2
  ), line as (
    select created_at as at, 0 as rank, 0::bigint as first, 0 as second, 'created' as type, 'row' as told,
           null as because, null::jsonb as details, null as channel, null as recipient, false as demo, null::jsonb as addressed,
           null::jsonb as checked, null as reason
      from it
     union all
    select greatest(at, (select created_at from it)), case type when 'completed' then 4 else 2 end, id, 0, type, 'event',
           because, details, null, null, false, null, null, null
      from reminder_events
     where tenant_id = $1 and reminder_id = $2
     union all
    select greatest(created_at, (select created_at from it)), 1, (extract(epoch from occurrence_at) * 1000)::bigint, recipient_no, 'fired', 'ledger',
           null, null, channel, recipient, false, addressed, null, null
      from deliveries
     where tenant_id = $1 and reminder_id = $2 and addressed -> 'tells' is null and addressed -> 'tried' is null
     union all
    select greatest(finished_at, (select created_at from it)), 3, (extract(epoch from occurrence_at) * 1000)::bigint, recipient_no, 'sent', 'ledger',
           null, null, channel, recipient, demo, addressed, checked, reason
      from deliveries
     where tenant_id = $1 and reminder_id = $2 and status = 'sent'
  )
  select *
    from line
   where $3::timestamptz is null or (at, rank, first, second) ${order === "asc" ? ">" : "<"} ($3, $4, $5, $6)
   order by at ${order}, rank ${order}, first ${order}, second ${order}
   limit $7`;
const OLDEST_FIRST = timeline("asc");
const NEWEST_FIRST = timeline("desc");

/** Up to `limit` lines of a reminder's timeline, oldest first unless `newestFirst`, beginning after `after` in that order. */
export async function readTimeline(
  sql: TenantSql,
  reminderId: number,
  page: { after: TimelinePosition | null; limit: number; newestFirst?: boolean },
): Promise<TimelineEntry[]> {
  const { after, limit, newestFirst = false } = page;
  const position = after ? [toTimestamptz(after.at), after.rank, after.first, after.second] : [null, 0, 0, 0];
  const rows = await sql.query<TimelineRow>(newestFirst ? NEWEST_FIRST : OLDEST_FIRST, [
    sql.tenant,
    reminderId,
    ...position,
    limit,
  ]);
  return rows.map((row) => toEntry(row, reminderId));
}

interface TimelineRow extends TimelinePosition {
  [column: string]: unknown;
  type: string;
  told: TimelineEntry["told"];
  because: string | null;
  details: JsonObject;
  channel: string;
  recipient: string | null;
  demo: boolean;
  addressed: JsonObject | null;
  checked: JsonObject | null;
  reason: string | null;
}

function toEntry(row: TimelineRow, reminderId: number): TimelineEntry {
  const { at, rank, first, second, type } = row;
  const line = { at, rank, first, second, type };
  switch (row.told) {
    case "event":
      return { ...line, told: "event", because: row.because, details: row.details };
    case "row":
      return { ...line, told: "row" };
    case "ledger": {
      const delivery = { reminderId, occurrenceAt: first, recipientNo: second };
      return {
        ...line,
        told: "ledger",
        delivery,
        channel: row.channel,
        recipient: row.recipient,
        demo: row.demo,
        addressed: toAddressed(row.addressed),
        checked: toChecked(row.checked),
        reason: row.reason,
      };
    }
  }
}
