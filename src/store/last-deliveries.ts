import type { DeliveryKey } from "../core/reminder.ts";
import { type Sql, toTimestamptz } from "./postgres.ts";
import { HAS_OTHERS_UNDER_WAY } from "./wake.ts";

// A reminder whose schedule has ended completes with its last delivery, and with the policy `all` with whichever of its
// deliveries ends last; one that went on meanwhile does not.
const COMPLETE_ENDED = `
  update reminder_jobs r
     set status = 'COMPLETED', completion_reason = u.reason, completed_at = reminder_now(), updated_at = reminder_now(),
         needs_attention = null
    from unnest($1::bigint[], $2::timestamptz[], $3::text[]) as u(id, occurrence_at, reason)
   where r.id = any (array[u.id]) and r.status <> 'COMPLETED' and r.next_run_at is null
     and (r.last_occurrence_at = u.occurrence_at or r.misfire_policy = 'all') and not ${HAS_OTHERS_UNDER_WAY}
  returning r.id`;

export interface EndedDelivery extends DeliveryKey {
  completion: string;
}

/** Completes the reminders whose last delivery has ended, and returns their ids. */
export async function completeEnded(sql: Sql, ended: readonly EndedDelivery[]): Promise<number[]> {
  if (ended.length === 0) return [];
  const rows = await sql.query<{ id: number }>(COMPLETE_ENDED, [
    ended.map((delivery) => delivery.reminderId),
    ended.map((delivery) => toTimestamptz(delivery.occurrenceAt)),
    ended.map((delivery) => delivery.completion),
  ]);
  return rows.map((row) => row.id);
}

const REARM = `
  update reminder_jobs r
     set next_run_at = reminder_now()
    from unnest($1::bigint[], $2::timestamptz[]) as u(id, occurrence_at)
   where r.id = any (array[u.id]) and r.status <> 'COMPLETED' and r.deleted_at is null
     and r.next_run_at is null and r.last_occurrence_at = u.occurrence_at`;

/** Makes reminders due again whose last message was held back after all: at once, or when they are resumed. */
export async function rearm(sql: Sql, heldBack: readonly DeliveryKey[]): Promise<void> {
  if (heldBack.length === 0) return;
  await sql.query(REARM, [
    heldBack.map((delivery) => delivery.reminderId),
    heldBack.map((delivery) => toTimestamptz(delivery.occurrenceAt)),
  ]);
}
