import { MOST_ITEMS } from "../core/digest.ts";
import type { Instant } from "../core/instant.ts";
import type { JsonObject } from "../core/json.ts";
import type { DeliveryKey, MessageKey } from "../core/reminder.ts";
import { toTimestamptz } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

// Everything is looked for one by one (`limit`), and so by an index: for thousands at once, whole tables might be read else.
const ASKED = "unnest($3::bigint[], $4::timestamptz[], $5::smallint[], $6::text[]";
const NAMED = "reminder_id, occurrence_at, recipient_no, digest_id";

// What left a digest before its message was sent bears its id no more; what ended unsent while it waited to be tried again wasn't in it.
const IN_DIGEST = `digest_id = asked.digest_id and tenant_id = $1 and channel = $2 and (status <> 'suppressed' or may_have_arrived)`;

// Of a digest that nothing is left of, whom its first delivery was for: all went to one address.
const RECIPIENTS = `
  select asked.n::int as n, coalesce(together.recipient, d.recipient) as recipient
    from ${ASKED}) with ordinality as asked(${NAMED}, n)
    left join lateral (
      select recipient
        from deliveries
       where reminder_id = asked.reminder_id and occurrence_at = asked.occurrence_at and recipient_no = asked.recipient_no
         and tenant_id = $1 and channel = $2
       limit 1
    ) d on true
    left join lateral (select recipient from deliveries where ${IN_DIGEST} limit 1) together on true
   where coalesce(together.recipient, d.recipient) is not null`;

/** Whom these messages of the tenant were for, in the order of the question; null where there is none in the ledger. */
export async function recipientsOf(
  sql: TenantSql,
  channel: string,
  messages: readonly (MessageKey | null)[],
): Promise<(string | null)[]> {
  const columns = columnsOf(sql, channel, messages);
  const rows = await sql.query<{ n: number; recipient: string }>(RECIPIENTS, columns);
  const recipients: (string | null)[] = messages.map(() => null);
  for (const { n, recipient } of rows) recipients[n - 1] = recipient;
  return recipients;
}

const ITEMS = `
  select reminder_id as id, occurrence_at as at, recipient_no as no
    from (select $3::text as digest_id) asked, lateral (select * from deliveries where ${IN_DIGEST} limit ${MOST_ITEMS}) d
   order by occurrence_at, reminder_id, recipient_no`;

/** The deliveries that went in a message: of a digest all of them, and none that had been left out. */
export async function deliveriesIn(sql: TenantSql, channel: string, message: MessageKey): Promise<DeliveryKey[]> {
  const { digestId, ...alone } = message;
  if (digestId === undefined) return [alone];
  const rows = await sql.query<{ id: number; at: Instant; no: number }>(ITEMS, [sql.tenant, channel, digestId]);
  return rows.map(({ id, at, no }) => ({ reminderId: id, occurrenceAt: at, recipientNo: no }));
}

/** What became of a message, for the timelines of all that went in it. */
export interface MessageEvent {
  message: MessageKey;
  type: string;
  /** A sentence for a person. */
  because: string;
  /** Besides the delivery and its channel. */
  details: JsonObject;
}

const INSERT = `
  insert into reminder_events (tenant_id, bucket, reminder_id, at, type, because, details)
  select r.tenant_id, r.bucket, r.id, reminder_now(), asked.type, asked.because,
         asked.details || jsonb_build_object('channel', $2::text, 'delivery',
           concat_ws('-', d.reminder_id, (extract(epoch from d.occurrence_at) * 1000)::bigint, d.recipient_no))
    from ${ASKED}, $7::text[], $8::text[], $9::jsonb[])
           with ordinality as asked(${NAMED}, type, because, details, n)
   cross join lateral (
     select asked.reminder_id, asked.occurrence_at, asked.recipient_no
      where asked.digest_id is null
      union all
     (select reminder_id, occurrence_at, recipient_no
        from deliveries
       where ${IN_DIGEST}
       limit ${MOST_ITEMS})
   ) d
   cross join lateral (select tenant_id, bucket, id from reminder_jobs where id = d.reminder_id and tenant_id = $1 limit 1) r
   order by asked.n, d.occurrence_at, d.reminder_id, d.recipient_no`;

/** Writes each of these into the timeline of every delivery that went in its message, and of no other; as many at once as you like. */
export async function insertMessageEvents(
  sql: TenantSql,
  channel: string,
  events: readonly MessageEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const named = columnsOf(
    sql,
    channel,
    events.map(({ message }) => message),
  );
  await sql.query(INSERT, [
    ...named,
    events.map(({ type }) => type),
    events.map(({ because }) => because),
    events.map(({ details }) => JSON.stringify(details)),
  ]);
}

function columnsOf(sql: TenantSql, channel: string, messages: readonly (MessageKey | null)[]): unknown[] {
  return [
    sql.tenant,
    channel,
    messages.map((key) => key?.reminderId ?? null),
    messages.map((key) => (key ? toTimestamptz(key.occurrenceAt) : null)),
    messages.map((key) => key?.recipientNo ?? null),
    messages.map((key) => key?.digestId ?? null),
  ];
}
