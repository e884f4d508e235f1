import type { Instant } from "../core/instant.ts";
import type { Addressed } from "../core/people.ts";
import { type DeliveryKey, deliveryId } from "../core/reminder.ts";
import { keyColumns, toKey } from "./delivery-keys.ts";
import type { HeldKey } from "./leases.ts";
import { type Sql, toTimestamptz } from "./postgres.ts";

/** A failed attempt, whose delivery is still held. */
export interface FailedAttempt extends HeldKey {
  mayHaveArrived: boolean;
}

/** Since when a delivery has only failed. */
export interface Failing {
  firstFailedAt: Instant;
  /** True where any of its attempts may have arrived. */
  mayHaveArrived: boolean;
  /** The database's instant. */
  now: Instant;
}

// Before their results are written, while the token still holds them.
const NOTE_FAILED = `
  update deliveries d
     set first_failed_at = coalesce(d.first_failed_at, reminder_now()),
         may_have_arrived = coalesce(d.may_have_arrived, false) or u.may_have_arrived
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::uuid[], $5::boolean[])
      as u(reminder_id, occurrence_at, recipient_no, token, may_have_arrived)
   where d.reminder_id = any (array[u.reminder_id]) and d.occurrence_at = u.occurrence_at and d.recipient_no = u.recipient_no
     and d.lease_token = u.token
  returning d.reminder_id, d.occurrence_at, d.recipient_no, d.first_failed_at, d.may_have_arrived,
            reminder_now()::timestamptz(3) as now`;

/** Notes that these failed, and returns since when each has, by the delivery's id; without those that are held no more. */
export async function noteFailed(sql: Sql, failed: readonly FailedAttempt[]): Promise<Map<string, Failing>> {
  if (failed.length === 0) return new Map();
  const rows = await sql.query(NOTE_FAILED, [
    ...keyColumns(failed),
    failed.map(({ token }) => token),
    failed.map(({ mayHaveArrived }) => mayHaveArrived),
  ]);
  return new Map(
    rows.map((row) => [
      deliveryId(toKey(row)),
      {
        firstFailedAt: row.first_failed_at as Instant,
        mayHaveArrived: row.may_have_arrived as boolean,
        now: row.now as Instant,
      },
    ]),
  );
}

const ADDRESSES = `
  select distinct d.reminder_id, d.occurrence_at, 0 as recipient_no, d.channel, d.recipient
    from unnest($1::bigint[], $2::timestamptz[]) as u(reminder_id, occurrence_at)
    join deliveries d on d.reminder_id = any (array[u.reminder_id]) and d.occurrence_at = u.occurrence_at
   where d.recipient is not null`;

/** Where messages of these occurrences go or went, whoever they are for. */
export async function addressesOf(
  sql: Sql,
  occurrences: readonly Pick<DeliveryKey, "reminderId" | "occurrenceAt">[],
): Promise<(Pick<DeliveryKey, "reminderId" | "occurrenceAt"> & { channel: string; recipient: string })[]> {
  if (occurrences.length === 0) return [];
  const rows = await sql.query(ADDRESSES, [
    occurrences.map(({ reminderId }) => reminderId),
    occurrences.map(({ occurrenceAt }) => toTimestamptz(occurrenceAt)),
  ]);
  return rows.map((row) => ({ ...toKey(row), channel: row.channel as string, recipient: row.recipient as string }));
}

/** A message that goes over another channel. */
export interface GoingOver extends DeliveryKey {
  tenantId: string;
  bucket: number;
  channel: string;
  recipient: string;
  addressed: Addressed;
  /** True where it goes in one message with what goes over at the same time; else by itself. */
  isTogether: boolean;
}

const INSERT = `
  insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, recipient_no, channel, recipient, status, next_attempt_at,
                          addressed, digest_at)
  select u.tenant_id, u.bucket, u.reminder_id, u.occurrence_at, u.no, u.channel, u.recipient, 'pending',
         greatest(reminder_now(), u.occurrence_at), u.addressed, case when u.is_together then reminder_now() end
    from unnest($1::text[], $2::smallint[], $3::bigint[], $4::timestamptz[], $5::smallint[], $6::text[], $7::text[], $8::jsonb[],
                $9::boolean[])
      as u(tenant_id, bucket, reminder_id, occurrence_at, no, channel, recipient, addressed, is_together)
  on conflict do nothing`;

/** Makes these, for whichever worker takes them. One that is there already stays as it is. */
export async function insertGoingOver(sql: Sql, going: readonly GoingOver[]): Promise<void> {
  if (going.length === 0) return;
  await sql.query(INSERT, [
    going.map(({ tenantId }) => tenantId),
    going.map(({ bucket }) => bucket),
    ...keyColumns(going),
    going.map(({ channel }) => channel),
    going.map(({ recipient }) => recipient),
    going.map(({ addressed }) => JSON.stringify(addressed)),
    going.map(({ isTogether }) => isTogether),
  ]);
}
