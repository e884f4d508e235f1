import type { QuietHours } from "../core/quiet-hours.ts";
import type { Contact } from "../core/reminder.ts";
import type { Row } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

const READ = "select * from contacts where tenant_id = $1 and entity_type = $2 and entity_id = $3";

export async function readContact(sql: TenantSql, entityType: string, entityId: string): Promise<Contact | null> {
  const [row] = await sql.query(READ, [sql.tenant, entityType, entityId]);
  return row ? toContact(row) : null;
}

/** The same, locked until this transaction ends. */
export async function lockContact(sql: TenantSql, entityType: string, entityId: string): Promise<Contact | null> {
  const [row] = await sql.query(`${READ} for update`, [sql.tenant, entityType, entityId]);
  return row ? toContact(row) : null;
}

// A row that this statement has inserted carries no xmax; one that it has updated does.
const PUT = `
  insert into contacts (tenant_id, entity_type, entity_id, name, email, time_zone, locale, quiet_hours)
  values ($1, $2, $3, $4, $5, $6, $7, $8)
  on conflict (tenant_id, entity_type, entity_id)
  do update set name = excluded.name, email = excluded.email, time_zone = excluded.time_zone, locale = excluded.locale,
                quiet_hours = excluded.quiet_hours,
                updated_at = reminder_now()
  returning *, xmax = 0 as is_new`;

/** Says where an entity is reached, in place of whatever was said before. */
export async function putContact(
  sql: TenantSql,
  contact: Omit<Contact, "tenantId" | "createdAt" | "updatedAt">,
): Promise<{ contact: Contact; isNew: boolean }> {
  const { entityType, entityId, name, email, timeZone, locale, quietHours } = contact;
  const [row] = await sql.query(PUT, [
    sql.tenant,
    entityType,
    entityId,
    name,
    email,
    timeZone,
    locale,
    toJson(quietHours),
  ]);
  return { contact: toContact(row as Row), isNew: row?.is_new as boolean };
}

const DELETE = "delete from contacts where tenant_id = $1 and entity_type = $2 and entity_id = $3";

export async function deleteContact(sql: TenantSql, entityType: string, entityId: string): Promise<void> {
  await sql.query(DELETE, [sql.tenant, entityType, entityId]);
}

function toJson(quietHours: QuietHours | null): string | null {
  return quietHours && JSON.stringify(quietHours);
}

function toContact(row: Row): Contact {
  return {
    tenantId: row.tenant_id as string,
    entityType: row.entity_type as string,
    entityId: row.entity_id as string,
    name: row.name as string | null,
    email: row.email as string | null,
    timeZone: row.time_zone as string | null,
    locale: row.locale as string | null,
    quietHours: row.quiet_hours as QuietHours | null,
    createdAt: row.created_at as number,
    updatedAt: row.updated_at as number,
  };
}
