import type { ReminderAction } from "../core/inbound-event.ts";
import type { TenantSql } from "./tenant-database.ts";
import { ZONE_RULES } from "./zone-rules.ts";

/** Which reminders are meant. */
export interface Meant {
  entityType: string;
  entityId: string;
  /** Null: all of the entity's. */
  eventType: string | null;
}

/** As the lifecycle's own table has it, see core/lifecycle.ts: in which states this may be done, and where it changes something. */
const MAY: Record<ReminderAction, string> = {
  complete: "r.status in ('ACTIVE', 'PAUSED')",
  pause: "r.status = 'ACTIVE'",
  // Not what is due already, nor what has fired for the last time and waits for its delivery.
  trigger: "r.status = 'ACTIVE' and coalesce(r.next_run_at > reminder_now(), r.occurrence_count = 0)",
};

const THOSE =
  "tenant_id = $1 and entity_type = $2 and entity_id = $3 and ($4::text is null or event_type = $4) and id > $5";

// What is ACTIVE and what isn't are in indexes of their own, so each is looked for by itself. Locked in the order of ids, so
// that two events that mean the same wait for each other and don't deadlock; what has changed until it was locked is
// judged as it is then.
const lock = (action: ReminderAction): string => `
  with meant as materialized (
    (select id from reminder_jobs where ${THOSE} and status = 'ACTIVE' and deleted_at is null order by id limit $6)
     union all
    (select id from reminder_jobs where ${THOSE} and status = 'PAUSED' and deleted_at is null order by id limit $6)
     order by id
     limit $6
  ),
  locked as materialized (
    select r.id
      from meant
      join reminder_jobs r on r.id = meant.id
     where r.tenant_id = $1 and r.deleted_at is null and ${MAY[action]}
     order by r.id
       for update of r
  )
  select (select count(*) from meant)::integer as looked, (select max(id) from meant) as last,
         array(select id from locked order by id) as ids`;

const LOCK = { complete: lock("complete"), pause: lock("pause"), trigger: lock("trigger") };

/** A page of what is meant: those of it that can be changed, under their row locks. */
export interface Page {
  ids: number[];
  /** Where the next one begins; null: this is the last. */
  last: number | null;
}

/** Locks up to `limit` of the reminders that are meant, beginning after the id `after`. */
export async function lockMeant(
  sql: TenantSql,
  action: ReminderAction,
  { entityType, entityId, eventType }: Meant,
  { after, limit }: { after: number; limit: number },
): Promise<Page> {
  const parameters = [sql.tenant, entityType, entityId, eventType, after, limit];
  const [row] = await sql.query<{ looked: number; last: number | null; ids: number[] }>(LOCK[action], parameters);
  return { ids: (row?.ids ?? []).map(Number), last: row && row.looked === limit ? row.last : null };
}

const LOCK_ALL = `
  with meant as materialized (
    select distinct meant.id
      from unnest($2::text[], $3::text[], $4::text[]) as m(entity_type, entity_id, event_type)
     cross join lateral (
       (select id from reminder_jobs
         where tenant_id = $1 and entity_type = m.entity_type and entity_id = m.entity_id
           and (m.event_type is null or event_type = m.event_type) and status = 'ACTIVE' and deleted_at is null
         order by id
         limit $5)
        union all
       (select id from reminder_jobs
         where tenant_id = $1 and entity_type = m.entity_type and entity_id = m.entity_id
           and (m.event_type is null or event_type = m.event_type) and status = 'PAUSED' and deleted_at is null
         order by id
         limit $5)
     ) meant
  )
  select count(*)
    from (select r.id from meant join reminder_jobs r on r.id = meant.id where r.tenant_id = $1 order by r.id for update of r) locked`;

/**
 * Locks all that several rules mean, in the order of ids whatever that of the rules: two events whose rules mean the same
 * in opposite order then wait for each other, and don't deadlock. Of each rule up to `limit`.
 */
export async function lockAllMeant(sql: TenantSql, meant: readonly Meant[], limit: number): Promise<void> {
  const columns = [meant.map((it) => it.entityType), meant.map((it) => it.entityId), meant.map((it) => it.eventType)];
  await sql.query(LOCK_ALL, [sql.tenant, ...columns, limit]);
}

const COMPLETE = `
  update reminder_jobs
     set status = 'COMPLETED', completion_reason = 'event', completed_at = reminder_now(), updated_at = reminder_now(),
         next_run_at = null, next_wall_at = null, needs_attention = null, silent_until = null, silent_by = null
   where tenant_id = $1 and id = any ($2::bigint[])`;

const PAUSE = `
  update reminder_jobs
     set status = 'PAUSED', updated_at = reminder_now()
   where tenant_id = $1 and id = any ($2::bigint[])`;

// An occurrence that is due at or before the newest would bear the name of one that exists.
const TRIGGER = `
  update reminder_jobs
     set next_run_at = greatest(reminder_now()::timestamptz(3), last_occurrence_at + interval '1 millisecond'),
         next_wall_at = null, silent_until = null, silent_by = null, zone_rules = $3, updated_at = reminder_now()
   where tenant_id = $1 and id = any ($2::bigint[])`;

/** Does it to reminders that `lockMeant` has locked. */
export async function act(sql: TenantSql, action: ReminderAction, ids: readonly number[]): Promise<void> {
  if (action === "complete") await sql.query(COMPLETE, [sql.tenant, ids]);
  else if (action === "pause") await sql.query(PAUSE, [sql.tenant, ids]);
  else await sql.query(TRIGGER, [sql.tenant, ids, ZONE_RULES]);
}
