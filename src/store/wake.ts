import type { Sql } from "./postgres.ts";

const NEXT_DUE = `
  select extract(epoch from min(next_run_at) - reminder_now()) * 1000 as in_ms
    from reminder_jobs
   where status = 'ACTIVE' and deleted_at is null and next_run_at is not null`;

/** Milliseconds until the earliest reminder is due (negative when it is overdue), or null when none waits. */
export async function nextDueInMs(sql: Sql): Promise<number | null> {
  return inMs(await sql.query<{ in_ms: string | null }>(NEXT_DUE));
}

const NEXT_ATTEMPT = `
  select extract(epoch from min(earliest.at) - reminder_now()) * 1000 as in_ms
    from unnest($1::text[]) as channels(name)
   cross join lateral (
     select min(next_attempt_at) as at
       from deliveries
      where channel = channels.name and status in ('pending', 'sending', 'retrying')
   ) earliest`;

/** Milliseconds until the earliest open delivery of these channels may be taken, or null when none is open. */
export async function nextAttemptInMs(sql: Sql, channels: readonly string[]): Promise<number | null> {
  return inMs(await sql.query<{ in_ms: string | null }>(NEXT_ATTEMPT, [channels]));
}

function inMs(rows: { in_ms: string | null }[]): number | null {
  const value = rows[0]?.in_ms ?? null;
  return value === null ? null : Number(value);
}
