import { keyColumns } from "./delivery-keys.ts";
import { IS_HELD } from "./delivery-results.ts";
import type { HeldKey } from "./leases.ts";
import type { Sql } from "./postgres.ts";

// What somebody has locked is passed over: all that leave at the same time would wait with it, each with its receiver on the line.
const MARK_LEAVING = `
  with free as materialized (
    select d.reminder_id, d.occurrence_at, d.recipient_no, u.place
      from unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::uuid[]) with ordinality
             as u(reminder_id, occurrence_at, recipient_no, token, place)
      join deliveries d on ${IS_HELD}
       for update of d skip locked
  )
  update deliveries d
     set left_under = d.lease_token
    from free
   where d.reminder_id = any (array[free.reminder_id]) and d.occurrence_at = free.occurrence_at
     and d.recipient_no = free.recipient_no
  returning free.place`;

/** Notes that these may leave under their claims from now on. Returns those that are noted: of what is no longer held under its claim, or locked, nothing is. */
export async function markLeaving<K extends HeldKey>(sql: Sql, held: readonly K[]): Promise<K[]> {
  const rows = await sql.query<{ place: number }>(MARK_LEAVING, [...keyColumns(held), held.map(({ token }) => token)]);
  return rows.map(({ place }) => held[place - 1] as K);
}
