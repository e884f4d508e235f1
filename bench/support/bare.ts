import { randomUUID } from "node:crypto";
import type { Sql } from "../../src/store/postgres.ts";

// What the engine does for a batch, in as few statements as SQL allows and with nothing in between: claim, flag check,
// reschedule and ledger row in one, results in the other.
const FIRE = `
  with due as materialized (
    select id, tenant_id, bucket, channel, recipient, next_run_at, interval_minutes, flag_key
      from reminder_jobs
     where status = 'ACTIVE' and deleted_at is null and next_run_at <= now()
     order by next_run_at
     limit $1
       for update skip locked
  ), checked as (
    select due.* from due
      left join status_flags f on (f.tenant_id, f.key) = (due.tenant_id, due.flag_key)
     where f.value is not true
  ), moved as (
    update reminder_jobs r
       set next_run_at = c.next_run_at + c.interval_minutes * interval '1 minute', last_run_at = now(),
           last_occurrence_at = c.next_run_at, occurrence_count = r.occurrence_count + 1
      from checked c
     where r.id = c.id
  )
  insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, attempts,
                          next_attempt_at, lease_token)
  select tenant_id, bucket, id, next_run_at, channel, recipient, 'sending', 1, now() + interval '12 seconds', $2
    from checked
  returning reminder_id, occurrence_at::text as occurrence_at`;

const RESULTS = `
  update deliveries d
     set status = 'sent', finished_at = now(), next_attempt_at = null, lease_token = null
    from unnest($1::bigint[], $2::timestamptz[]) as u(reminder_id, occurrence_at)
   where d.reminder_id = u.reminder_id and d.occurrence_at = u.occurrence_at and d.recipient_no = 0 and d.lease_token = $3`;

/** Fires and settles everything that is due, by bare SQL on one connection. Returns how many there were. */
export async function fireBare(sql: Sql, batchSize: number): Promise<number> {
  for (let total = 0; ; ) {
    const token = randomUUID();
    const fired = await sql.query<{ reminder_id: number; occurrence_at: string }>(FIRE, [batchSize, token]);
    if (fired.length === 0) return total;
    const ids = fired.map((row) => row.reminder_id);
    await sql.query(RESULTS, [ids, fired.map((row) => row.occurrence_at), token]);
    total += fired.length;
  }
}
