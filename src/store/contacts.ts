import { writeContactAddress } from "../core/contact-address.ts";
import type { ContactName } from "../core/entity-name.ts";
import type { QuietHours } from "../core/quiet-hours.ts";
import type { Contact } from "../core/reminder.ts";
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

// An address is looked for in all that the tenant has: no index on what is made of several columns is used under row-level security.
const LIST = `
  select *
    from contacts
   where tenant_id = $1 and ($2::text is null or entity_type = $2)
     and ($3::text is null or (entity_type, entity_id) > ($3, $4))
     and ($5::text[] is null or lower(email) = any($5) or phone = any($5)
          or exists (select from jsonb_each_text(addresses) as other where lower(other.value) = any($5)))
   order by entity_type, entity_id
   limit $6`;

export interface ContactPage {
  entityType: string | null;
  /** Reached at any of these; null: at whichever. */
  addresses: readonly string[] | null;
  /** Begins after the contact of this name. */
  after: readonly [entityType: string, entityId: string] | null;
  limit: number;
}

/** Up to `limit` contacts in the order of their names. */
export async function listContacts(sql: TenantSql, page: ContactPage): Promise<Contact[]> {
  const { entityType, addresses, after, limit } = page;
  const wanted = addresses?.map((address) => address.toLowerCase()) ?? null;
  const [afterType = null, afterId = null] = after ?? [];
  const rows = await sql.query(LIST, [sql.tenant, entityType, afterType, afterId, wanted, limit]);
  return rows.map(toContact);
}

const LOCK_ALL = `
  select contacts.*
    from contacts
    join unnest($2::text[], $3::text[]) as wanted(entity_type, entity_id) using (entity_type, entity_id)
   where tenant_id = $1
   order by entity_type collate "C", entity_id collate "C"
     for update of contacts`;

/** Those of these contacts that there are, locked until this transaction ends. */
export async function lockContacts(sql: TenantSql, names: readonly ContactName[]): Promise<Contact[]> {
  const types = names.map(({ entityType }) => entityType);
  const ids = names.map(({ entityId }) => entityId);
  return (await sql.query(LOCK_ALL, [sql.tenant, types, ids])).map(toContact);
}

// In one order, so that two that meet don't deadlock. A row that this statement has inserted carries no xmax; one that it has
// updated does.
const PUT = `
  insert into contacts (tenant_id, entity_type, entity_id, name, email, time_zone, locale, quiet_hours, phone, addresses,
                        preferences, manager_type, manager_id, delegate_type, delegate_id, delegate_until)
  select $1, entity_type, entity_id, name, email, time_zone, locale, quiet_hours, phone, addresses,
         preferences, manager_type, manager_id, delegate_type, delegate_id, delegate_until
    from jsonb_to_recordset($2) as wanted(
           entity_type text, entity_id text, name text, email text, time_zone text, locale text, quiet_hours jsonb, phone text,
           addresses jsonb, preferences jsonb, manager_type text, manager_id text, delegate_type text, delegate_id text,
           delegate_until timestamptz)
   order by entity_type collate "C", entity_id collate "C"
  on conflict (tenant_id, entity_type, entity_id)
  do update set name = excluded.name, email = excluded.email, time_zone = excluded.time_zone, locale = excluded.locale,
                quiet_hours = excluded.quiet_hours, phone = excluded.phone, addresses = excluded.addresses,
                preferences = excluded.preferences, manager_type = excluded.manager_type, manager_id = excluded.manager_id,
                delegate_type = excluded.delegate_type, delegate_id = excluded.delegate_id,
                delegate_until = excluded.delegate_until,
                updated_at = reminder_now()
  returning *, xmax = 0 as is_new`;

/** What is said of a contact. */
export type ContactWish = Omit<Contact, "tenantId" | "push" | "createdAt" | "updatedAt">;

/** Says where entities are reached, each of them once, in place of whatever was said before. In the order of their names. */
export async function putContacts(
  sql: TenantSql,
  contacts: readonly ContactWish[],
): Promise<{ contact: Contact; isNew: boolean }[]> {
  const rows = await sql.query(PUT, [sql.tenant, JSON.stringify(contacts.map(toRow))]);
  return rows.map((row) => ({ contact: toContact(row), isNew: row.is_new as boolean }));
}

/** The same for one. */
export async function putContact(sql: TenantSql, contact: ContactWish): Promise<{ contact: Contact; isNew: boolean }> {
  const [put] = await putContacts(sql, [contact]);
  if (!put) throw new Error("a contact that was put isn't there");
  return put;
}

function toRow(contact: ContactWish): object {
  const { manager, delegate, delegateUntil } = contact;
  return {
    ...{ entity_type: contact.entityType, entity_id: contact.entityId, name: contact.name, email: contact.email },
    ...{ time_zone: contact.timeZone, locale: contact.locale, quiet_hours: contact.quietHours, phone: contact.phone },
    ...{ addresses: contact.addresses, preferences: contact.preferences },
    ...{ manager_type: manager?.entityType ?? null, manager_id: manager?.entityId ?? null },
    ...{ delegate_type: delegate?.entityType ?? null, delegate_id: delegate?.entityId ?? null },
    delegate_until: orNull(delegateUntil),
  };
}

const DELETE = "delete from contacts where tenant_id = $1 and entity_type = $2 and entity_id = $3";

export async function deleteContact(sql: TenantSql, entityType: string, entityId: string): Promise<void> {
  await sql.query(DELETE, [sql.tenant, entityType, entityId]);
}

function named(entityType: unknown, entityId: unknown): ContactName | null {
  return typeof entityType === "string" && typeof entityId === "string" ? { entityType, entityId } : null;
}

export function toContact(row: Row): Contact {
  const name = { entityType: row.entity_type as string, entityId: row.entity_id as string };
  return {
    tenantId: row.tenant_id as string,
    ...name,
    push: row.has_push ? writeContactAddress(name) : null,
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
