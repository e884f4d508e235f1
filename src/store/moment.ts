import type { Instant } from "../core/instant.ts";
import type { Calendars } from "../core/schedule/by-calendar.ts";
import { firstZone } from "../core/schedule/zone.ts";
import { readCalendarTexts } from "./calendars.ts";
import type { TenantSql } from "./tenant-database.ts";

interface Entity {
  entityType: string;
  entityId: string;
}

const MOMENT = `
  select reminder_now()::timestamptz(3) as now, e.entity_type, e.entity_id, c.time_zone,
         (select time_zone from tenants where name = $1) as tenant_time_zone
    from jsonb_to_recordset($2) as e (entity_type text, entity_id text)
    left join contacts c on (c.tenant_id, c.entity_type, c.entity_id) = ($1, e.entity_type, e.entity_id)`;

/**
 * The database's instant, in which zones the contacts of these entities are, or else their tenant, and the calendars of these
 * names, as `readCalendar` reads them.
 */
export async function readMoment(
  sql: TenantSql,
  entities: readonly Entity[],
  calendarNames: readonly string[],
): Promise<{ now: Instant; zoneOf(entity: Entity): string | null; calendars: Calendars }> {
  const wanted = entities.map(({ entityType, entityId }) => ({ entity_type: entityType, entity_id: entityId }));
  const [rows, calendars] = await Promise.all([
    sql.query(MOMENT, [sql.tenant, JSON.stringify(wanted)]),
    readCalendarTexts(sql, calendarNames),
  ]);
  const zones = new Map(
    rows.map((row) => [
      nameOf(row.entity_type as string, row.entity_id as string),
      firstZone(row.time_zone as string | null, row.tenant_time_zone as string | null),
    ]),
  );
  return {
    now: rows[0]?.now as Instant,
    zoneOf: ({ entityType, entityId }) => zones.get(nameOf(entityType, entityId)) ?? null,
    calendars,
  };
}

function nameOf(entityType: string, entityId: string): string {
  return `${entityType}\0${entityId}`;
}
