import type { Sql } from "./postgres.ts";

export interface FlagKey {
  tenantId: string;
  key: string;
}

const UNSETTLED = `
  select tenant_id as "tenantId", key
    from status_flags
   where unsettled
   order by updated_at
   limit $1`;

/** Flags that were set and may still have reminders waiting for them, the longest set first. */
export async function unsettledFlags(sql: Sql, limit: number): Promise<FlagKey[]> {
  return sql.query<FlagKey & Record<string, unknown>>(UNSETTLED, [limit]);
}

const MARK_SETTLED = `
  update status_flags f
     set unsettled = false
   where f.tenant_id = $1 and f.key = $2 and f.unsettled
     and not exists (
       select from reminder_jobs r
        where r.tenant_id = f.tenant_id and r.flag_key = f.key and r.status = 'ACTIVE' and r.deleted_at is null
     )
  returning f.key`;

/** Marks a flag as settled unless a reminder still waits for it, and says whether it did. */
export async function markSettled(sql: Sql, { tenantId, key }: FlagKey): Promise<boolean> {
  return (await sql.query(MARK_SETTLED, [tenantId, key])).length > 0;
}
