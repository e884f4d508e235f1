import type { Instant } from "../core/instant.ts";
import type { Standing } from "../core/life/world.ts";
import type { ReminderRecord } from "../core/reminder.ts";
import type { Row } from "./postgres.ts";
import { toReminderRecord } from "./reminder-row.ts";
import type { TenantSql } from "./tenant-database.ts";
import { HAS_OTHERS_UNDER_WAY, LEASED, WAITING } from "./wake.ts";
import { ZONE_RULES } from "./zone-rules.ts";

/** A reminder with what is kept of it for its next decisions, as it all was at one instant. */
export interface Prospect {
  reminder: ReminderRecord;
  standing: Standing;
  /** True when its due instant was worked out by rules of its time zone that are older than ours, or by nobody. */
  isUnplanned: boolean;
  /** False for one of plain SQL, or whose rule or zone was changed: nobody has worked out when it is due. */
  wasPlanned: boolean;
  /** True while a message of it is under way that is still to be sent. */
  isUnderWay: boolean;
  /** How often in a row nobody could say whether it is done, since when, and when that is asked again; null: somebody could. */
  unanswered: { count: number; since: Instant | null; askAt: Instant | null } | null;
  now: Instant;
}

const READ = `
  select r.*, reminder_now()::timestamptz(3) as now,
         exists (select from deliveries d
                  where d.reminder_id = r.id and d.occurrence_at = r.last_occurrence_at
                    and (d.${LEASED} or d.${WAITING})) or ${HAS_OTHERS_UNDER_WAY} as is_under_way
    from reminder_jobs r
   where r.tenant_id = $1 and r.id = $2`;

/** Null where there is no such reminder; a deleted one is there. */
export async function readProspect(sql: TenantSql, id: number): Promise<Prospect | null> {
  const [row] = await sql.query(READ, [sql.tenant, id]);
  if (!row) return null;
  const zoneRules = row.zone_rules as string;
  return {
    reminder: toReminderRecord(row),
    standing: toStanding(row),
    isUnplanned: zoneRules < ZONE_RULES,
    wasPlanned: zoneRules !== "",
    isUnderWay: row.is_under_way as boolean,
    unanswered:
      row.unknown_count === null
        ? null
        : {
            count: row.unknown_count as number,
            since: row.unknown_since as Instant | null,
            askAt: row.ask_at as Instant | null,
          },
    now: row.now as Instant,
  };
}

function toStanding(row: Row): Standing {
  const from = row.ceiling_from as Instant | null;
  return {
    sentCount: row.sent_count as number,
    wasHeld: row.unknown_count !== null,
    askAt: row.unknown_count === null ? null : (row.ask_at as Instant | null),
    countedFrom: from === null ? null : { at: from, count: (row.ceiling_from_count as number | null) ?? 0 },
  };
}
