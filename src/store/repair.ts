import type { Sql } from "./postgres.ts";

// A reminder that is ACTIVE, not due again, and has no delivery under way has lost its way: nothing would ever end it. The
// engine's transactions leave none behind; an edit by hand, or a part of the ledger that was removed, can.
const RESCUE_STRAYS = `
  with strays as materialized (
    select r.id, r.last_occurrence_at, r.schedule_type
      from reminder_jobs r
     where r.status = 'ACTIVE' and r.deleted_at is null and r.next_run_at is null
     limit $1
       for update skip locked
  ), judged as (
    select strays.id,
           (select case d.status when 'sent' then 'one_time_sent' when 'failed' then 'delivery_failed'
                                 when 'unknown' then 'delivery_unknown' when 'suppressed' then null else 'open' end
              from deliveries d
             where strays.schedule_type = 'one_time'
               and d.reminder_id = strays.id and d.occurrence_at = strays.last_occurrence_at
             order by d.recipient_no
             limit 1) as outcome
      from strays
  )
  update reminder_jobs r
     set status = case when judged.outcome is null then 'ACTIVE' else 'COMPLETED' end,
         completion_reason = judged.outcome,
         completed_at = case when judged.outcome is not null then reminder_now() end,
         next_run_at = case when judged.outcome is null
                            then reminder_now() + coalesce(r.interval_minutes, 0) * interval '1 minute' end,
         updated_at = reminder_now()
    from judged
   where r.id = judged.id and judged.outcome is distinct from 'open'
  returning r.id`;

/**
 * Completes one-time strays whose delivery has ended, makes the others due (a recurring one an interval from now), and
 * returns their ids.
 */
export async function rescueStrays(sql: Sql, limit: number): Promise<number[]> {
  return (await sql.query<{ id: number }>(RESCUE_STRAYS, [limit])).map((row) => row.id);
}
