import type { Sql } from "../../src/store/postgres.ts";

const INSERT = `
  insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, interval_minutes, run_at,
                             stop_condition_type, stop_condition_value)
  select $2, n::text, 'payment', 'nothing', 'someone@example.org', 'recurring', 600, now() + $3 * interval '1 second',
         'db_check', 'paid:{entity_type}:{entity_id}'
    from generate_series($1::int, $4::int) n`;

const INSERT_FLAGS = `
  insert into status_flags (key, value)
  select 'paid:' || $2 || ':' || n, false from generate_series($1::int, $3::int) n`;

/** What one statement inserts within the time that it has. */
const INSERTED_AT_ONCE = 50_000;

/** Recurring reminders, each with a flag of its own that isn't set. */
export async function insertReminders(sql: Sql, count: number, kind: string, dueInSeconds: number): Promise<void> {
  for (let from = 1; from <= count; from += INSERTED_AT_ONCE) {
    const to = Math.min(count, from + INSERTED_AT_ONCE - 1);
    await sql.query(INSERT_FLAGS, [from, kind, to]);
    await sql.query(INSERT, [from, kind, dueInSeconds, to]);
  }
}

const MAKE_DUE = `
  update reminder_jobs set next_run_at = now() + $2 * interval '1 second', anchor_at = now() + $2 * interval '1 second'
   where entity_type = $1`;

/** Makes all reminders of this kind due now, or in so many seconds. */
export async function makeDue(sql: Sql, kind: string, inSeconds = 0): Promise<void> {
  await sql.query(MAKE_DUE, [kind, inSeconds]);
}

const DUE_IN = `
  select (extract(epoch from min(next_run_at) - clock_timestamp()) * 1000)::float8 as ms
    from reminder_jobs
   where entity_type = $1`;

/** How many milliseconds it is until the first reminder of this kind is due. */
export async function dueInMs(sql: Sql, kind: string): Promise<number> {
  const [row] = await sql.query<{ ms: number }>(DUE_IN, [kind]);
  return row?.ms ?? Number.NaN;
}
