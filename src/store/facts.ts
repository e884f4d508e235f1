import {
  ENGINE_REMINDER_COLUMNS,
  FACTS_COLUMNS,
  FACTS_JOINS,
  type ReminderWithFacts,
  toReminderWithFacts,
} from "./engine-row.ts";
import type { Sql } from "./postgres.ts";

const READ_FACTS = `
  with r as (
    select ${ENGINE_REMINDER_COLUMNS}
      from reminder_jobs
     where id = any($1::bigint[])
  )
  select r.*, reminder_now() as now,
         ${FACTS_COLUMNS}
    from r
    ${FACTS_JOINS}`;

/** These reminders as they are now, by id. */
export async function readFacts(sql: Sql, reminderIds: readonly number[]): Promise<Map<number, ReminderWithFacts>> {
  const rows = await sql.query(READ_FACTS, [reminderIds]);
  return new Map(rows.map((row) => [row.id as number, toReminderWithFacts(row)]));
}

// In the order of their ids, as everybody locks them who locks several.
const LOCK_REMINDERS = `
  select id
    from reminder_jobs
   where id = any($1::bigint[])
   order by id
     for update`;

/** Locks these reminders and returns them as they are now: nobody edits them until the transaction ends. */
export async function lockReminders(sql: Sql, ids: readonly number[]): Promise<Map<number, ReminderWithFacts>> {
  if (ids.length === 0) return new Map();
  await sql.query(LOCK_REMINDERS, [ids]);
  return readFacts(sql, ids);
}
