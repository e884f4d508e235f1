import type { NextRun } from "../core/decide.ts";
import type { Instant } from "../core/instant.ts";
import { ENGINE_REMINDER_COLUMNS, FACTS_COLUMNS, FACTS_JOINS } from "./engine-row.ts";
import { type DueReminder, toDueReminder } from "./firing.ts";
import { toTimestamp } from "./instants.ts";
import { IS_PLANNED } from "./planned.ts";
import { type Sql, toTimestamptz } from "./postgres.ts";
import { HAS_OTHERS_UNDER_WAY, LEASED, WAITING } from "./wake.ts";
import { ZONE_RULES } from "./zone-rules.ts";

/** A reminder by the clocks on the wall whose due instant nobody has worked out, or by older rules of its zone. */
export interface UnplannedReminder extends DueReminder {
  runAt: Instant | null;
  /** False for one of plain SQL, or whose rule or zone was changed. */
  wasPlanned: boolean;
  /** True while a message of it is under way that is still to be sent. */
  isUnderWay: boolean;
}

// What is due already is left to firing, which looks at the zone's rules as well.
const CLAIM_UNPLANNED = `
  with r as materialized (
    select ${ENGINE_REMINDER_COLUMNS}, run_at, policy, recipients
      from reminder_jobs
     where status = 'ACTIVE' and deleted_at is null and ${IS_PLANNED}
       and zone_rules < $1 and (next_run_at is null or next_run_at > reminder_now())
       and ($3::bigint is null or id = $3)
     order by zone_rules, id
     limit $2
       for update skip locked
  )
  select r.*, reminder_now() as now,
         exists (select from deliveries d
                  where d.reminder_id = r.id and d.occurrence_at = r.last_occurrence_at
                    and (d.${LEASED} or d.${WAITING})) or ${HAS_OTHERS_UNDER_WAY} as is_under_way,
         ${FACTS_COLUMNS}
    from r
    ${FACTS_JOINS}`;

/** Locks up to `limit` reminders that are to be worked out, those that nobody ever has first; `only`: none but this one. */
export async function claimUnplanned(
  sql: Sql,
  limit: number,
  only: number | null = null,
): Promise<UnplannedReminder[]> {
  const rows = await sql.query(CLAIM_UNPLANNED, [ZONE_RULES, limit, only]);
  return rows.map((row) =>
    Object.assign(toDueReminder(row), {
      runAt: row.run_at as Instant | null,
      wasPlanned: row.zone_rules !== "",
      isUnderWay: row.is_under_way as boolean,
    }),
  );
}

export interface MovedReminder extends NextRun {
  id: number;
}

const WRITE_MOVED = `
  update reminder_jobs r
     set next_run_at = d.next_run_at, next_wall_at = d.next_wall_at, zone_rules = $4
    from unnest($1::bigint[], $2::timestamptz[], $3::timestamp[]) as d(id, next_run_at, next_wall_at)
   where r.id = any (array[d.id])`;

/** Writes when these are due next; nothing fires for it. */
export async function writeMoved(sql: Sql, moved: readonly MovedReminder[]): Promise<void> {
  if (moved.length === 0) return;
  await sql.query(WRITE_MOVED, [
    moved.map((reminder) => reminder.id),
    moved.map((reminder) => (reminder.nextRunAt === null ? null : toTimestamptz(reminder.nextRunAt))),
    moved.map((reminder) => (reminder.nextWallAt === null ? null : toTimestamp(reminder.nextWallAt))),
    ZONE_RULES,
  ]);
}
