import type { ContactName } from "../core/entity-name.ts";
import type { Instant } from "../core/instant.ts";
import type { Row, Sql } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** Where a device takes push messages, and what they are encrypted with. */
export interface PushKeys {
  endpoint: string;
  p256dh: Buffer;
  auth: Buffer;
}

/** One row of `push_subscriptions`. */
export interface PushSubscription extends PushKeys {
  /** Names the device, and tells nothing of it. */
  id: string;
  createdAt: Instant;
}

/** A contact of one of all tenants. */
export interface ContactOf extends ContactName {
  tenantId: string;
}

// By the key of the row's contact: `$1` is the tenant, `$2` and `$3` its name.
const OF_CONTACT = "tenant_id = $1 and entity_type = $2 and entity_id = $3";

const LOCK_CONTACT = `select 1 from contacts where ${OF_CONTACT} for no key update`;
const NOTE_DEVICES = `
  update contacts
     set has_push = not has_push
   where ${OF_CONTACT}
     and has_push <> exists (select from push_subscriptions where ${OF_CONTACT})`;

const PUT = `
  insert into push_subscriptions (tenant_id, entity_type, entity_id, id, endpoint, p256dh, auth)
  values ($1, $2, $3, $4, $5, $6, $7)
  on conflict (tenant_id, entity_type, entity_id, id)
  do update set p256dh = excluded.p256dh, auth = excluded.auth
  returning *, xmax = 0 as is_new`;
const DROP_OLDEST = `
  delete from push_subscriptions
   where ${OF_CONTACT}
     and id in (select id from push_subscriptions where ${OF_CONTACT} and id <> $4
                 order by created_at desc, id offset $5)`;

/**
 * Keeps a device of a contact, in place of what it had said before; of more than `most`, the oldest goes. Null where there is no such
 * contact. Within a transaction.
 */
export async function putPushSubscription(
  sql: TenantSql,
  contact: ContactName,
  { id, endpoint, p256dh, auth }: PushKeys & { id: string },
  most: number,
): Promise<{ subscription: PushSubscription; isNew: boolean } | null> {
  const of = [sql.tenant, contact.entityType, contact.entityId];
  if ((await sql.query(LOCK_CONTACT, of)).length === 0) return null;
  const [row] = await sql.query(PUT, [...of, id, endpoint, p256dh, auth]);
  if (!row) throw new Error("a device that was kept isn't there");
  await sql.query(DROP_OLDEST, [...of, id, most - 1]);
  await sql.query(NOTE_DEVICES, of);
  return { subscription: toSubscription(row), isNew: row.is_new as boolean };
}

const LINKS = `
  select greatest(created_at, push_links_from) as "goodFrom", reminder_now()::timestamptz(3) as now
    from contacts
   where ${OF_CONTACT}`;

/**
 * From when on links are good by which devices of this contact subscribe: those from before it was there were for somebody else of
 * its name. Null where there is no such contact. With `lock`, that stays so until this transaction ends.
 */
export async function readPushLinks(
  sql: TenantSql,
  contact: ContactName,
  { lock }: { lock: boolean },
): Promise<{ goodFrom: Instant; now: Instant } | null> {
  const of = [sql.tenant, contact.entityType, contact.entityId];
  const [row] = await sql.query<{ goodFrom: Instant; now: Instant }>(lock ? `${LINKS} for no key update` : LINKS, of);
  return row ?? null;
}

// When a link was made is known to the millisecond: one of this very millisecond may be from before.
const END_LINKS = `
  update contacts
     set push_links_from = reminder_now()::timestamptz(3) + interval '1 millisecond'
   where ${OF_CONTACT}`;

/** Ends all links that were made so far by which devices of this contact subscribe. Those that have subscribed stay. */
export async function endPushLinks(sql: TenantSql, contact: ContactName): Promise<void> {
  await sql.query(END_LINKS, [sql.tenant, contact.entityType, contact.entityId]);
}

const LIST = `select * from push_subscriptions where ${OF_CONTACT} order by created_at, id`;

/** A contact's devices, the oldest first. */
export async function listPushSubscriptions(sql: TenantSql, contact: ContactName): Promise<PushSubscription[]> {
  return (await sql.query(LIST, [sql.tenant, contact.entityType, contact.entityId])).map(toSubscription);
}

const READ_ALL = `
  select s.*, wanted.place
    from unnest($1::text[], $2::text[], $3::text[]) with ordinality as wanted (tenant_id, entity_type, entity_id, place)
    join push_subscriptions s using (tenant_id, entity_type, entity_id)
   order by wanted.place, s.created_at, s.id`;

/** The devices of each of these contacts, in their order. */
export async function readDevices(sql: Sql, contacts: readonly ContactOf[]): Promise<PushSubscription[][]> {
  const found = contacts.map((): PushSubscription[] => []);
  const rows = await sql.query(READ_ALL, [
    contacts.map(({ tenantId }) => tenantId),
    contacts.map(({ entityType }) => entityType),
    contacts.map(({ entityId }) => entityId),
  ]);
  for (const row of rows) found[Number(row.place) - 1]?.push(toSubscription(row));
  return found;
}

const DELETE = `delete from push_subscriptions where ${OF_CONTACT} and id = $4 and endpoint = coalesce($5, endpoint)`;

/** Forgets a device of a contact; with `endpoint`, only while it is that one. Within a transaction. */
export async function deletePushSubscription(
  sql: Sql,
  { tenantId, entityType, entityId }: ContactOf,
  { id, endpoint = null }: { id: string; endpoint?: string | null },
): Promise<void> {
  const of = [tenantId, entityType, entityId];
  // Locked first, so that of two that delete a contact's last two devices one sees that none is left.
  await sql.query(LOCK_CONTACT, of);
  await sql.query(DELETE, [...of, id, endpoint]);
  await sql.query(NOTE_DEVICES, of);
}

const HOLDERS = `
  select entity_type, entity_id
    from push_subscriptions
   where tenant_id = $1 and id = $2 and endpoint = $3 and auth = $4
   order by entity_type collate "C", entity_id collate "C"`;

/** Whose device this is: who knows its endpoint and its secret is the device itself. */
export async function holdersOf(
  sql: TenantSql,
  { id, endpoint, auth }: Pick<PushSubscription, "id" | "endpoint" | "auth">,
): Promise<ContactName[]> {
  const rows = await sql.query(HOLDERS, [sql.tenant, id, endpoint, auth]);
  return rows.map((row) => ({ entityType: row.entity_type as string, entityId: row.entity_id as string }));
}

/** The public key that the tenant's own settings have browsers subscribe with; null: it has none of its own. */
export async function readOwnPushKey(sql: TenantSql): Promise<string | null> {
  const [row] = await sql.query<{ key: string | null }>("select reminder_push_key() as key");
  return row?.key ?? null;
}

function toSubscription(row: Row): PushSubscription {
  return {
    id: row.id as string,
    endpoint: row.endpoint as string,
    p256dh: row.p256dh as Buffer,
    auth: row.auth as Buffer,
    createdAt: row.created_at as Instant,
  };
}
