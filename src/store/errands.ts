import type { Instant } from "../core/instant.ts";
import { NO_PEOPLE } from "../core/people.ts";
import type { ReminderRecord } from "../core/reminder.ts";
import { type Row, type Sql, toTimestamptz } from "./postgres.ts";
import { toReminderRecord } from "./reminder-row.ts";
import { within } from "./savepoint.ts";
import type { TenantSql } from "./tenant-database.ts";

/** What still has to be done because a reminder was completed, or its flag was set back. */
export type Errand = { id: number; tenantId: string } & (
  | { kind: "tell"; reminderId: number }
  /** What was sent is to say that it is done. */
  | { kind: "mark"; reminderId: number }
  /** `seenId`: it was seen to up to this reminder. */
  | { kind: "reopen"; flagKey: string; seenId: number }
);

const CLAIM = `
  select id, tenant_id, kind, reminder_id, flag_key, seen_id
    from errands
   where id > $1
   order by id
   limit 1
     for update skip locked`;

/** Locks the oldest errand with an id above `after` that nobody else does; null: there is none. */
export async function lockErrand(sql: Sql, after: number): Promise<Errand | null> {
  const [row] = await sql.query(CLAIM, [after]);
  if (!row) return null;
  const of = { id: row.id as number, tenantId: row.tenant_id as string };
  const { kind } = row;
  if (kind === "tell" || kind === "mark") return { ...of, kind, reminderId: row.reminder_id as number };
  return { ...of, kind: "reopen", flagKey: row.flag_key as string, seenId: row.seen_id as number };
}

export async function endErrand(sql: Sql, { id }: Errand): Promise<void> {
  await sql.query("delete from errands where id = $1", [id]);
}

/** It goes on after this reminder the next time. */
export async function keepErrand(sql: Sql, { id }: Errand, seenId: number): Promise<void> {
  await sql.query("update errands set seen_id = $2 where id = $1", [id, seenId]);
}

// Those who got it because of a step, each once by the address and channel that they got it last.
const TOLD = `
  select distinct on (channel, recipient) channel, recipient, bucket, addressed
    from deliveries
   where reminder_id = $1 and status = 'sent' and (addressed ->> 'step')::integer > 0 and recipient is not null
     and addressed ->> 'as' <> 'recipient' and addressed -> 'tells' is null
   order by channel, recipient, occurrence_at desc
   limit $2`;

/** Who got messages of a reminder because it was escalated to them. */
export async function escalatedTo(sql: Sql, reminderId: number, limit: number): Promise<Row[]> {
  return sql.query(TOLD, [reminderId, limit]);
}

const FLAG = "select value from status_flags where tenant_id = $1 and key = $2";

/** Whether a flag is set now. */
export async function isFlagSet(sql: Sql, tenantId: string, key: string): Promise<boolean> {
  const [row] = await sql.query<{ value: boolean }>(FLAG, [tenantId, key]);
  return row?.value ?? false;
}

// Also those that aren't completed yet: somebody may just be doing that, by the flag as it was. Whoever does holds the row.
const LOCK_REOPENING = `
  select *
    from reminder_jobs
   where tenant_id = $1 and flag_key = $2 and reopens and deleted_at is null and id > $3
   order by id
   limit $4
     for update`;

/** Locks up to `limit` reminders that may have to begin anew now that this flag was set back, by id. */
export async function lockReopening(
  sql: Sql,
  { tenantId, flagKey, seenId }: Extract<Errand, { kind: "reopen" }>,
  limit: number,
): Promise<ReminderRecord[]> {
  return (await sql.query(LOCK_REOPENING, [tenantId, flagKey, seenId, limit])).map(toReminderRecord);
}

const BEGIN_ANEW = "update reminder_jobs set escalation = null where id = $1 and escalation is not null";
const FORGET_DONE = "delete from reminder_done where reminder_id = $1";

/** Forgets how far it had come: its policy begins anew, and nobody has done theirs. */
export async function forgetProgress(sql: Sql, { id, people }: ReminderRecord): Promise<void> {
  if (people === NO_PEOPLE) return;
  await sql.query(BEGIN_ANEW, [id]);
  await sql.query(FORGET_DONE, [id]);
}

/** The part of a transaction that is one tenant's: a step within it that fails leaves the rest as it is. */
export function forTenant(sql: Sql, tenant: string): { step<T>(work: (sql: TenantSql) => Promise<T>): Promise<T> } {
  const whole = within({ tenant, query: sql.query });
  return { step: (work) => whole.transaction(work) };
}

const NOW = "select reminder_now()::timestamptz(3) as now";

export async function readNow(sql: Sql): Promise<Instant> {
  const [row] = await sql.query<{ now: Instant }>(NOW);
  return row?.now as Instant;
}

const TELL = `
  insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, recipient_no, channel, recipient, status, next_attempt_at,
                          addressed)
  select $1, u.bucket, $2, $3, u.no, u.channel, u.recipient, 'pending', reminder_now(), u.addressed
    from unnest($4::smallint[], $5::smallint[], $6::text[], $7::text[], $8::jsonb[]) as u(bucket, no, channel, recipient, addressed)
  on conflict do nothing`;

/** Has these told, at this instant, as deliveries of their own. */
export async function insertTelling(
  sql: Sql,
  { tenantId, reminderId }: { tenantId: string; reminderId: number },
  at: Instant,
  told: readonly { bucket: number; channel: string; recipient: string; addressed: object }[],
): Promise<void> {
  await sql.query(TELL, [
    tenantId,
    reminderId,
    toTimestamptz(at),
    told.map(({ bucket }) => bucket),
    told.map((_, place) => place),
    told.map(({ channel }) => channel),
    told.map(({ recipient }) => recipient),
    told.map(({ addressed }) => JSON.stringify(addressed)),
  ]);
}
