import type { CompletionReason } from "../core/reminder.ts";
import { IS_PLANNED } from "./planned.ts";
import type { Sql } from "./postgres.ts";
import { BEST_FIRST, HAS_GONE_OVER, HAS_OTHERS_UNDER_WAY } from "./wake.ts";

// A reminder that is ACTIVE, not due again, and has no delivery under way has lost its way: nothing would ever end it. The
// engine's transactions leave none behind; an edit by hand, or a part of the ledger that was removed, can. Most that look
// like it do have a delivery under way, so they are gone through page by page, in the order of `reminder_jobs_ending`. What a
// worker has yet to work out is none.
const LOCK_ENDING = `
  with ending as materialized (
    select id, last_occurrence_at, schedule_type, occurrence_count, max_occurrences, misfire_policy,
           policy, recipients, escalation,
           schedule_type <> 'recurring' or end_at is not null or max_occurrences is not null or policy is not null as has_end
      from reminder_jobs
     where status = 'ACTIVE' and deleted_at is null and next_run_at is null and id > $1
       and not (${IS_PLANNED} and zone_rules = '')
     order by id
     limit $2
       for update skip locked
  )
  select r.id,
         case when ${HAS_OTHERS_UNDER_WAY} then 'open' else
         (select case when d.status in ('pending', 'sending', 'retrying') then 'open'
                      when d.status = 'suppressed' then null
                      when r.schedule_type <> 'one_time'
                        then case when r.occurrence_count >= r.max_occurrences then 'max_occurrences'
                                  when (r.escalation -> 'isOver')::boolean then 'policy_ended'
                                  else 'schedule_ended' end
                      when d.status = 'sent' then 'one_time_sent'
                      when d.status = 'failed' then 'delivery_failed'
                      else 'delivery_unknown' end
            from deliveries d
           where r.has_end
             and d.reminder_id = r.id and d.occurrence_at = r.last_occurrence_at and not ${HAS_GONE_OVER}
           order by ${BEST_FIRST}, d.recipient_no
           limit 1) end as outcome
    from ending r
   order by r.id`;

const RESCUE = `
  update reminder_jobs r
     set status = case when u.outcome is null then 'ACTIVE' else 'COMPLETED' end,
         completion_reason = u.outcome,
         completed_at = case when u.outcome is not null then reminder_now() end,
         next_run_at = case when u.outcome is null and r.schedule_type in ('one_time', 'recurring', 'backoff')
                            then reminder_now() + coalesce(r.interval_minutes, 0) * interval '1 minute' end,
         zone_rules = case when u.outcome is null then '' else r.zone_rules end,
         updated_at = reminder_now()
    from unnest($1::bigint[], $2::text[]) as u(id, outcome)
   where r.id = any (array[u.id])`;

/** A reminder that isn't due again; `outcome` says what became of its delivery, null when there is none under way. */
export interface Ending {
  id: number;
  outcome: CompletionReason | "open" | null;
}

/** Locks up to `limit` reminders with an id above `after` that aren't due again, by id. */
export async function lockEnding(sql: Sql, after: number, limit: number): Promise<Ending[]> {
  return sql.query<Ending & Record<string, unknown>>(LOCK_ENDING, [after, limit]);
}

/** Completes those whose delivery has ended, and makes those that have none due: an interval from now, or by their rule. */
export async function rescue(sql: Sql, strays: readonly Ending[]): Promise<void> {
  if (strays.length === 0) return;
  await sql.query(RESCUE, [strays.map(({ id }) => id), strays.map(({ outcome }) => outcome)]);
}
