import type { DeliveryKey } from "../core/reminder.ts";
import { keyColumns, toKey } from "./delivery-keys.ts";
import type { Sql } from "./postgres.ts";

export interface Lease {
  /** Names one claim; a result written under a token that no longer holds the delivery changes nothing. */
  token: string;
  seconds: number;
}

/** A delivery, and the claim by which a worker holds it. */
export interface HeldKey extends DeliveryKey {
  token: string;
  /** How many of the attempts in its row were none: claims by a worker that held it already. Not set: 0. */
  overcount?: number;
}

// What a result is just being written for is passed over: it ends anyway, and waiting for it could deadlock.
const RENEW_LEASES = `
  with mine as materialized (
    select d.reminder_id, d.occurrence_at, d.recipient_no, d.bucket
      from unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::uuid[])
             as u(reminder_id, occurrence_at, recipient_no, token)
      join deliveries d on d.reminder_id = any (array[u.reminder_id]) and d.occurrence_at = u.occurrence_at
                       and d.recipient_no = u.recipient_no and d.lease_token = u.token
       for update of d skip locked
  )
  update deliveries d
     set next_attempt_at = reminder_now() + $5 * interval '1 second'
    from mine
   where d.reminder_id = mine.reminder_id and d.occurrence_at = mine.occurrence_at
     and d.recipient_no = mine.recipient_no and d.bucket = mine.bucket
  returning d.reminder_id, d.occurrence_at, d.recipient_no`;

/** Prolongs the leases of `held` and returns the keys of those that are still ours. */
export async function renewLeases(sql: Sql, held: readonly HeldKey[], leaseSeconds: number): Promise<DeliveryKey[]> {
  if (held.length === 0) return [];
  const rows = await sql.query(RENEW_LEASES, [
    ...keyColumns(held),
    held.map((delivery) => delivery.token),
    leaseSeconds,
  ]);
  return rows.map(toKey);
}
