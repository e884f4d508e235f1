import type { DeliveryKey } from "../core/reminder.ts";
import { type Sql, toTimestamptz } from "./postgres.ts";

/** Asks for the message that began the thread of a reminder's messages to one recipient. */
export interface ThreadAsked {
  reminderId: number;
  recipient: string;
  /** Where the first thread may begin: no message before is looked at. */
  since: number;
  /** The due instant of the message that is to be added to it. */
  before: number;
  /** A message this many milliseconds after the one that began a thread begins the next. */
  everyMs: number;
}

const FIRST_SENT = (from: string) => `
  select d.occurrence_at, d.recipient_no
    from deliveries d
   where d.reminder_id = asked.reminder_id and d.channel = $1 and d.recipient = asked.recipient and d.status = 'sent'
     and d.digest_id is null
     and d.occurrence_at >= ${from} and d.occurrence_at < asked.before
   order by d.occurrence_at
   limit 1`;

// From thread to thread: the first message, the first that is too late for its thread, and so on. Each by the primary key.
const ROOTS = `
  with recursive asked as (
    select n::int, reminder_id, recipient, since, before, every_ms * interval '1 millisecond' as every
      from unnest($2::bigint[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::float8[])
             with ordinality as u(reminder_id, recipient, since, before, every_ms, n)
  ), root as (
    select asked.*, found.occurrence_at, found.recipient_no
      from asked
     cross join lateral (${FIRST_SENT("asked.since")}) found
     union all
    select asked.n, asked.reminder_id, asked.recipient, asked.since, asked.before, asked.every,
           found.occurrence_at, found.recipient_no
      from root asked
     cross join lateral (${FIRST_SENT("asked.occurrence_at + asked.every")}) found
  )
  select distinct on (n) n, reminder_id, occurrence_at, recipient_no
    from root
   where occurrence_at + every > before
   order by n, occurrence_at desc`;

/** The delivery that began each thread, in the order of the question; null where the next message begins one. */
export async function threadRoots(
  sql: Sql,
  channel: string,
  asked: readonly ThreadAsked[],
): Promise<(DeliveryKey | null)[]> {
  const rows = await sql.query(ROOTS, [
    channel,
    asked.map(({ reminderId }) => reminderId),
    asked.map(({ recipient }) => recipient),
    asked.map(({ since }) => toTimestamptz(since)),
    asked.map(({ before }) => toTimestamptz(before)),
    asked.map(({ everyMs }) => everyMs),
  ]);
  const roots: (DeliveryKey | null)[] = asked.map(() => null);
  for (const row of rows) {
    roots[(row.n as number) - 1] = {
      reminderId: row.reminder_id as number,
      occurrenceAt: row.occurrence_at as number,
      recipientNo: row.recipient_no as number,
    };
  }
  return roots;
}
