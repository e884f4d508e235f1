import type { EventRule } from "../core/inbound-event.ts";
import type { Instant } from "../core/instant.ts";
import type { Row } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** One row of `event_rules`. */
export interface EventRuleRow extends EventRule {
  createdAt: Instant;
  updatedAt: Instant;
}

/** Each event is held against all of its tenant's rules. */
export const MOST_RULES = 500;

const COLUMNS = `name, event, source, action, entity_type, entity_id, event_type, flag_key, flag_value, is_enabled,
         created_at, updated_at`;

const LIST = `
  select ${COLUMNS}
    from event_rules
   where tenant_id = $1 and ($2::text is null or name > $2)
   order by name
   limit $3`;

/** Up to `limit` rules in the order of their names, beginning after the name `after`. */
export async function listEventRules(
  sql: TenantSql,
  page: { after: string | null; limit: number },
): Promise<EventRuleRow[]> {
  return (await sql.query(LIST, [sql.tenant, page.after, page.limit])).map(toRule);
}

const READ = `select ${COLUMNS} from event_rules where tenant_id = $1 and name = $2`;

export async function readEventRule(sql: TenantSql, name: string): Promise<EventRuleRow | null> {
  const [row] = await sql.query(READ, [sql.tenant, name]);
  return row ? toRule(row) : null;
}

/** The same, locked until this transaction ends. */
export async function lockEventRule(sql: TenantSql, name: string): Promise<EventRuleRow | null> {
  const [row] = await sql.query(`${READ} for update`, [sql.tenant, name]);
  return row ? toRule(row) : null;
}

// `starts_with` and not `like`: an event's type is no pattern.
const ABOUT = `
  select ${COLUMNS}
    from event_rules
   where tenant_id = $1 and is_enabled and (source is null or source = $3)
     and case when right(event, 1) = '*' then starts_with($2, left(event, -1)) else event = $2 end
   order by name`;

/** What is to be done about events of this type from this source, in order. */
export async function rulesAbout(sql: TenantSql, type: string, source: string | null): Promise<EventRule[]> {
  return (await sql.query(ABOUT, [sql.tenant, type, source])).map(toRule);
}

// A row that this statement has inserted carries no xmax; one that it has updated does.
const PUT = `
  insert into event_rules (tenant_id, name, event, source, action, entity_type, entity_id, event_type, flag_key, flag_value,
                           is_enabled)
  select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
   where exists (select from event_rules where tenant_id = $1 and name = $2)
      or (select count(*) from event_rules where tenant_id = $1) < $12
  on conflict (tenant_id, name)
  do update set event = excluded.event, source = excluded.source, action = excluded.action,
                entity_type = excluded.entity_type, entity_id = excluded.entity_id, event_type = excluded.event_type,
                flag_key = excluded.flag_key, flag_value = excluded.flag_value, is_enabled = excluded.is_enabled,
                updated_at = reminder_now()
  returning ${COLUMNS}, xmax = 0 as is_new`;

/** Makes or replaces a rule. Null where the tenant has as many as there may be. */
export async function putEventRule(
  sql: TenantSql,
  rule: EventRule,
): Promise<{ rule: EventRuleRow; isNew: boolean } | null> {
  const { name, event, source, isEnabled, effect } = rule;
  const reminders = effect.action === "set_flag" ? null : effect;
  const flag = effect.action === "set_flag" ? effect : null;
  const [row] = await sql.query(PUT, [
    sql.tenant,
    name,
    event,
    source,
    effect.action,
    reminders?.entityType ?? null,
    reminders?.entityId ?? null,
    reminders?.eventType ?? null,
    flag?.flagKey ?? null,
    flag?.flagValue ?? null,
    isEnabled,
    MOST_RULES,
  ]);
  return row ? { rule: toRule(row), isNew: row.is_new as boolean } : null;
}

const DELETE = "delete from event_rules where tenant_id = $1 and name = $2";

export async function deleteEventRule(sql: TenantSql, name: string): Promise<void> {
  await sql.query(DELETE, [sql.tenant, name]);
}

function toRule(row: Row): EventRuleRow {
  return {
    name: row.name as string,
    event: row.event as string,
    source: row.source as string | null,
    isEnabled: row.is_enabled as boolean,
    effect: toEffect(row),
    createdAt: row.created_at as number,
    updatedAt: row.updated_at as number,
  };
}

function toEffect(row: Row): EventRule["effect"] {
  const action = row.action as EventRule["effect"]["action"];
  if (action === "set_flag") {
    return { action, flagKey: row.flag_key as string, flagValue: row.flag_value as boolean };
  }
  return {
    action,
    entityType: row.entity_type as string,
    entityId: row.entity_id as string,
    eventType: row.event_type as string | null,
  };
}
