import { type Session, type Sql, toTimestamptz } from "../../src/store/postgres.ts";

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

// By the index of what is ACTIVE, however many others there are.
const MAKE_DUE = `
  with moved as (
    update reminder_jobs set next_run_at = now() + $2 * interval '1 second', anchor_at = now() + $2 * interval '1 second'
     where tenant_id = 'default' and entity_type = $1 and status = 'ACTIVE' and deleted_at is null
    returning next_run_at
  )
  select min(next_run_at) as at from moved`;

/** Right after the insert of millions it waits for pages that aren't in memory any more. */
const MAKE_DUE_MS = 60_000;

/** Makes all reminders of this kind due at one instant, now or in so many seconds, and returns it. */
export async function makeDue(database: Session, kind: string, inSeconds = 0): Promise<number> {
  return database.transaction(
    async (sql) => {
      // Whatever the statistics say of a table that was small when they were made.
      await sql.query("set local enable_seqscan = off");
      const [row] = await sql.query<{ at: number }>(MAKE_DUE, [kind, inSeconds]);
      return row?.at ?? Number.NaN;
    },
    { statementMs: MAKE_DUE_MS },
  );
}

/** How many milliseconds it is until that instant, by the database's clock. */
export async function msUntil(sql: Sql, instant: number): Promise<number> {
  const [row] = await sql.query<{ ms: number }>(
    "select (extract(epoch from $1::timestamptz - clock_timestamp()) * 1000)::float8 as ms",
    [toTimestamptz(instant)],
  );
  return row?.ms ?? Number.NaN;
}
