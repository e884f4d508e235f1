import { DONE_REASONS, type DoneReason } from "../core/done-reason.ts";
import type { Instant } from "../core/instant.ts";
import type { Row, Sql } from "./postgres.ts";

/** One row of `done_marks`: a message that was sent before, and is to say that its reminder is done. */
export interface DoneMark {
  tenantId: string;
  reminderId: number;
  channel: string;
  /** See `Receipt`. */
  providerId: string;
  attempts: number;
  ageSeconds: number;
}

/** Why a reminder is done, and since when. */
export interface Doneness {
  completionReason: DoneReason;
  completedAt: Instant | null;
}

const DONE = `
  select id, completion_reason as "completionReason", completed_at as "completedAt"
    from reminder_jobs
   where id = any ($1::bigint[]) and status = 'COMPLETED' and completion_reason = any ($2::text[])`;

/** Those of these reminders that are done, by id; one that has only ended, or has begun anew, isn't. */
export async function donenessOf(sql: Sql, reminderIds: readonly number[]): Promise<Map<number, Doneness>> {
  const rows = await sql.query<Row & Doneness>(DONE, [reminderIds, DONE_REASONS]);
  return new Map(
    rows.map(({ id, completionReason, completedAt }) => [id as number, { completionReason, completedAt }]),
  );
}

// What is being sent, or may be any moment, with the time of its lease. What only tells that it is done is no reminder.
const UNDER_WAY = `
  select 1
    from deliveries
   where reminder_id = $1 and status in ('pending', 'sending', 'retrying') and addressed -> 'tells' is null
     and next_attempt_at <= reminder_now() + interval '30 seconds'
     and exists (select from errands where id = $2 and created_at > reminder_now() - $3 * interval '1 second')
   limit 1`;

/** True while a message of the reminder may just be leaving, unless the errand has waited for that for so long. */
export async function isUnderWay(
  sql: Sql,
  { id, reminderId }: { id: number; reminderId: number },
  withinSeconds: number,
): Promise<boolean> {
  return (await sql.query(UNDER_WAY, [reminderId, id, withinSeconds])).length > 0;
}

const SENT = `
  select provider_id
    from deliveries
   where reminder_id = $1 and channel = $2 and status = 'sent' and provider_id is not null
     and digest_id is null and addressed -> 'tells' is null
   order by occurrence_at desc, recipient_no
   limit $3`;

/** The providers' ids of a reminder's newest messages by this channel, the newest first. Those that say of others as well are none. */
export async function sentMessages(sql: Sql, reminderId: number, channel: string, limit: number): Promise<string[]> {
  const rows = await sql.query<{ provider_id: string }>(SENT, [reminderId, channel, limit]);
  return rows.map(({ provider_id }) => provider_id);
}

const ADD = `
  insert into done_marks (tenant_id, reminder_id, channel, provider_id)
  select $1, $2, $3, provider_id from unnest($4::text[]) as u(provider_id)
  on conflict do nothing`;

/** Has these messages changed; what is to be changed already stays so. */
export async function addMarks(
  sql: Sql,
  { tenantId, reminderId, channel }: Pick<DoneMark, "tenantId" | "reminderId" | "channel">,
  providerIds: readonly string[],
): Promise<void> {
  if (providerIds.length > 0) await sql.query(ADD, [tenantId, reminderId, channel, providerIds]);
}

const CLAIM = `
  with due as materialized (
    select tenant_id, reminder_id, channel, provider_id
      from done_marks
     where next_attempt_at <= reminder_now()
     order by next_attempt_at
     limit $1
       for update skip locked
  )
  update done_marks m
     set next_attempt_at = reminder_now() + $2 * interval '1 second', attempts = m.attempts + 1
    from due
   where (m.tenant_id, m.reminder_id, m.channel, m.provider_id) = (due.tenant_id, due.reminder_id, due.channel, due.provider_id)
  returning m.tenant_id, m.reminder_id, m.channel, m.provider_id, m.attempts::int as attempts,
            extract(epoch from reminder_now() - m.created_at)::float8 as age_seconds`;

/** Takes up to `limit` that are due, for so long: if they are neither ended nor put back by then, another worker may. */
export async function claimMarks(sql: Sql, limit: number, leaseSeconds: number): Promise<DoneMark[]> {
  return (await sql.query(CLAIM, [limit, leaseSeconds])).map(toMark);
}

const IS_NAMED =
  "(m.tenant_id, m.reminder_id, m.channel, m.provider_id) = (u.tenant_id, u.reminder_id, u.channel, u.provider_id)";

const END = `
  delete from done_marks m
   using unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) as u(tenant_id, reminder_id, channel, provider_id)
   where ${IS_NAMED}`;

/** There is nothing more to be changed. */
export async function endMarks(sql: Sql, marks: readonly DoneMark[]): Promise<void> {
  if (marks.length > 0) await sql.query(END, namesOf(marks));
}

const PUT_BACK = `
  update done_marks m
     set next_attempt_at = reminder_now() + u.wait_ms * interval '1 millisecond', attempts = m.attempts - u.untried::int
    from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::float8[], $6::boolean[])
           as u(tenant_id, reminder_id, channel, provider_id, wait_ms, untried)
   where ${IS_NAMED}`;

/** They are tried again later; `untried`: this time doesn't count. */
export async function putBackMarks(
  sql: Sql,
  back: readonly { mark: DoneMark; waitMs: number; untried: boolean }[],
): Promise<void> {
  if (back.length === 0) return;
  await sql.query(PUT_BACK, [
    ...namesOf(back.map(({ mark }) => mark)),
    back.map(({ waitMs }) => waitMs),
    back.map(({ untried }) => untried),
  ]);
}

const NEXT = `
  select extract(epoch from min(next_attempt_at) - reminder_now())::float8 * 1000 as in_ms from done_marks`;

/** Milliseconds until one is due; infinity: there is none. */
export async function nextMarkInMs(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ in_ms: number | null }>(NEXT);
  return row?.in_ms == null ? Number.POSITIVE_INFINITY : Math.max(0, row.in_ms);
}

function namesOf(marks: readonly DoneMark[]): unknown[] {
  return [
    marks.map(({ tenantId }) => tenantId),
    marks.map(({ reminderId }) => reminderId),
    marks.map(({ channel }) => channel),
    marks.map(({ providerId }) => providerId),
  ];
}

function toMark(row: Row): DoneMark {
  return {
    tenantId: row.tenant_id as string,
    reminderId: row.reminder_id as number,
    channel: row.channel as string,
    providerId: row.provider_id as string,
    attempts: row.attempts as number,
    ageSeconds: row.age_seconds as number,
  };
}
