import type { QuietHours } from "../core/quiet-hours.ts";
import type { Contact, ContactName } from "../core/reminder.ts";
import type { Row } from "./postgres.ts";
import { orNull } from "./reminder-columns.ts";
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
  insert into contacts (tenant_id, entity_type, entity_id, name, email, time_zone, locale, quiet_hours, phone, addresses,
                        preferences, manager_type, manager_id, delegate_type, delegate_id, delegate_until)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
  on conflict (tenant_id, entity_type, entity_id)
  do update set name = excluded.name, email = excluded.email, time_zone = excluded.time_zone, locale = excluded.locale,
                quiet_hours = excluded.quiet_hours, phone = excluded.phone, addresses = excluded.addresses,
                preferences = excluded.preferences, manager_type = excluded.manager_type, manager_id = excluded.manager_id,
                delegate_type = excluded.delegate_type, delegate_id = excluded.delegate_id,
                delegate_until = excluded.delegate_until,
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
    contact.phone,
    toJson(contact.addresses),
    toJson(contact.preferences),
    contact.manager?.entityType ?? null,
    contact.manager?.entityId ?? null,
    contact.delegate?.entityType ?? null,
    contact.delegate?.entityId ?? null,
    orNull(contact.delegateUntil),
  ]);
  return { contact: toContact(row as Row), isNew: row?.is_new as boolean };
}

const DELETE = "delete from contacts where tenant_id = $1 and entity_type = $2 and entity_id = $3";

export async function deleteContact(sql: TenantSql, entityType: string, entityId: string): Promise<void> {
  await sql.query(DELETE, [sql.tenant, entityType, entityId]);
}

function toJson(value: object | null): string | null {
  return value && JSON.stringify(value);
}

function named(entityType: unknown, entityId: unknown): ContactName | null {
  return typeof entityType === "string" && typeof entityId === "string" ? { entityType, entityId } : null;
}

export function toContact(row: Row): Contact {
  return {
    tenantId: row.tenant_id as string,
    entityType: row.entity_type as string,
    entityId: row.entity_id as string,
    name: row.name as string | null,
    email: row.email as string | null,
    timeZone: row.time_zone as string | null,
    locale: row.locale as string | null,
    quietHours: row.quiet_hours as QuietHours | null,
    phone: row.phone as string | null,
    addresses: row.addresses as Contact["addresses"],
    preferences: row.preferences as Contact["preferences"],
    manager: named(row.manager_type, row.manager_id),
    delegate: named(row.delegate_type, row.delegate_id),
    delegateUntil: row.delegate_until as number | null,
    createdAt: row.created_at as number,
    updatedAt: row.updated_at as number,
  };
}
