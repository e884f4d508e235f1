import { keyColumns } from "./delivery-keys.ts";
import { IS_HELD } from "./delivery-results.ts";
import type { HeldKey } from "./leases.ts";
import type { Sql } from "./postgres.ts";

const MARK_LEAVING = `
  update deliveries d
     set left_under = d.lease_token
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::uuid[]) as u(reminder_id, occurrence_at, recipient_no, token)
   where ${IS_HELD}
  returning true`;

/** Notes that these may leave under their claims from now on. Returns how many are still held under them: of the others nothing is noted. */
export async function markLeaving(sql: Sql, held: readonly HeldKey[]): Promise<number> {
  const marked = await sql.query(MARK_LEAVING, [...keyColumns(held), held.map(({ token }) => token)]);
  return marked.length;
}
