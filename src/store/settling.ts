import { ENGINE_REMINDER_COLUMNS, FACTS_COLUMNS, FACTS_JOINS } from "./engine-row.ts";
import { CLOCK_COLUMNS, type DueReminder, toDueReminder } from "./firing.ts";
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
   limit $1 offset $2`;

/** Flags that were set and may still have reminders waiting for them, the longest set first. */
export async function unsettledFlags(sql: Sql, limit: number, offset: number): Promise<FlagKey[]> {
  return sql.query<FlagKey & Record<string, unknown>>(UNSETTLED, [limit, offset]);
}

// The limit is for each flag, so that one with a million reminders doesn't hold up the others.
const CLAIM_WAITING = `
  with r as materialized (
    select waiting.*
      from unnest($1::text[], $2::text[]) as flags(tenant_id, key)
     cross join lateral (
       select ${ENGINE_REMINDER_COLUMNS}
         from reminder_jobs
        where tenant_id = flags.tenant_id and flag_key = flags.key and status = 'ACTIVE' and deleted_at is null
        limit $3
          for update skip locked
     ) waiting
  )
  select r.*, ${CLOCK_COLUMNS},
         ${FACTS_COLUMNS}
    from r
    ${FACTS_JOINS}`;

/** Locks up to `limit` ACTIVE reminders for each of these flags that wait for it, due or not. */
export async function claimWaiting(sql: Sql, flags: readonly FlagKey[], limit: number): Promise<DueReminder[]> {
  return (await sql.query(CLAIM_WAITING, [...columns(flags), limit])).map(toDueReminder);
}

// A flag that somebody is just changing is passed over: its turn comes again.
const MARK_SETTLED = `
  with free as materialized (
    select f.tenant_id, f.key
      from unnest($1::text[], $2::text[]) as flags(tenant_id, key)
      join status_flags f on f.tenant_id = any (array[flags.tenant_id]) and f.key = flags.key
     where f.unsettled
       and not exists (
         select from reminder_jobs r
          where r.tenant_id = f.tenant_id and r.flag_key = f.key and r.status = 'ACTIVE' and r.deleted_at is null
       )
       for update of f skip locked
  )
  update status_flags f
     set unsettled = false
    from free
   where f.tenant_id = free.tenant_id and f.key = free.key
  returning f.key`;

/** Marks those of the flags as settled that no reminder waits for any more, and says how many those were. */
export async function markSettled(sql: Sql, flags: readonly FlagKey[]): Promise<number> {
  return (await sql.query(MARK_SETTLED, columns(flags))).length;
}

function columns(flags: readonly FlagKey[]): [string[], string[]] {
  return [flags.map((flag) => flag.tenantId), flags.map((flag) => flag.key)];
}
