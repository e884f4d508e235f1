import type { SealedSecret, SecretPlace, WrappedKey } from "../core/secret.ts";
import type { Sql } from "./postgres.ts";

// What is here is sealed; what it says only those know who have the master keys.

const WRITE = `
  insert into sealed_secrets (tenant_id, kind, name, key_id, wrapped_key, ciphertext) values ($1, $2, $3, $4, $5, $6)
  on conflict (tenant_id, kind, name)
  do update set key_id = excluded.key_id, wrapped_key = excluded.wrapped_key, ciphertext = excluded.ciphertext,
                updated_at = reminder_now()`;

/** Stores a secret in place of whatever was there. */
export async function writeSecret(sql: Sql, place: SecretPlace, sealed: SealedSecret): Promise<void> {
  const { tenantId, kind, name } = place;
  await sql.query(WRITE, [tenantId, kind, name, sealed.keyId, sealed.wrappedKey, sealed.ciphertext]);
}

const DELETE = "delete from sealed_secrets where tenant_id = $1 and kind = $2 and name <> all ($3::text[])";

/** Forgets the secrets of this kind, but for those named. */
export async function deleteSecrets(sql: Sql, tenantId: string, kind: string, but: string[] = []): Promise<void> {
  await sql.query(DELETE, [tenantId, kind, but]);
}

const DELETE_ONE = "delete from sealed_secrets where (tenant_id, kind, name) = ($1, $2, $3) returning 1";

/** Forgets one secret; false if it wasn't there. */
export async function deleteSecret(sql: Sql, { tenantId, kind, name }: SecretPlace): Promise<boolean> {
  return (await sql.query(DELETE_ONE, [tenantId, kind, name])).length > 0;
}

const READ = `
  select wanted.at::int, s.key_id, s.wrapped_key, s.ciphertext
    from unnest($1::text[], $2::text[], $3::text[]) with ordinality as wanted (tenant_id, kind, name, at)
    join sealed_secrets s using (tenant_id, kind, name)`;

interface SealedRow {
  [column: string]: unknown;
  at: number;
  key_id: string;
  wrapped_key: Buffer;
  ciphertext: Buffer;
}

/** What is in these places, in their order; null where nothing is. */
export async function readSecrets(sql: Sql, places: readonly SecretPlace[]): Promise<(SealedSecret | null)[]> {
  const rows = await sql.query<SealedRow>(READ, [
    places.map(({ tenantId }) => tenantId),
    places.map(({ kind }) => kind),
    places.map(({ name }) => name),
  ]);
  const found: (SealedSecret | null)[] = places.map(() => null);
  for (const row of rows) {
    found[row.at - 1] = { keyId: row.key_id, wrappedKey: row.wrapped_key, ciphertext: row.ciphertext };
  }
  return found;
}

const LIST = `
  select tenant_id, kind, name
    from sealed_secrets
   where $1::text is null or tenant_id = $1
   order by tenant_id, kind, name`;

/** The places in which one tenant, or with null every tenant, has a secret. */
export async function listSecrets(sql: Sql, tenantId: string | null): Promise<SecretPlace[]> {
  const rows = await sql.query<{ tenant_id: string; kind: string; name: string }>(LIST, [tenantId]);
  return rows.map(({ tenant_id, kind, name }) => ({ tenantId: tenant_id, kind, name }));
}

const KEYS_IN_USE = `
  select key_id, count(*)::int as secrets, (array_agg(distinct tenant_id order by tenant_id))[1:5] as tenants
    from sealed_secrets
   group by key_id
   order by key_id`;

export interface KeyInUse {
  keyId: string;
  secrets: number;
  /** Whose secrets they are: the first few. */
  tenants: string[];
}

/** The master keys that secrets are sealed with. */
export async function keysInUse(sql: Sql): Promise<KeyInUse[]> {
  const rows = await sql.query<{ key_id: string; secrets: number; tenants: string[] }>(KEYS_IN_USE);
  return rows.map(({ key_id, secrets, tenants }) => ({ keyId: key_id, secrets, tenants }));
}

const SEALED_OTHERWISE = `
  select tenant_id, kind, name, key_id, wrapped_key
    from sealed_secrets
   where (tenant_id, kind, name) > ($1, $2, $3) and key_id <> $4
   order by tenant_id, kind, name
   limit $5`;

interface WrappedRow {
  [column: string]: unknown;
  tenant_id: string;
  kind: string;
  name: string;
  key_id: string;
  wrapped_key: Buffer;
}

/** The data keys, from the place `after` on, that are wrapped with another master key than this one. */
export async function wrappedOtherwise(
  sql: Sql,
  keyId: string,
  page: { after: SecretPlace | null; limit: number },
): Promise<(SecretPlace & WrappedKey)[]> {
  const { tenantId, kind, name } = page.after ?? { tenantId: "", kind: "", name: "" };
  const rows = await sql.query<WrappedRow>(SEALED_OTHERWISE, [tenantId, kind, name, keyId, page.limit]);
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    kind: row.kind,
    name: row.name,
    keyId: row.key_id,
    wrappedKey: row.wrapped_key,
  }));
}

// Only where the data key still is the one that was read: a secret that was stored anew meanwhile has another. Locked in
// one order, so that two that do this at once wait for each other and don't deadlock.
const REWRAP = `
  with taken as materialized (
    select s.tenant_id, s.kind, s.name, given.new_key_id, given.new_wrapped_key
      from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[], $6::bytea[])
             as given (tenant_id, kind, name, old_wrapped_key, new_key_id, new_wrapped_key)
      join sealed_secrets s
        on (s.tenant_id, s.kind, s.name) = (given.tenant_id, given.kind, given.name)
       and s.wrapped_key = given.old_wrapped_key
     order by s.tenant_id, s.kind, s.name
       for update of s
  )
  update sealed_secrets s
     set key_id = taken.new_key_id, wrapped_key = taken.new_wrapped_key
    from taken
   where (s.tenant_id, s.kind, s.name) = (taken.tenant_id, taken.kind, taken.name)
  returning 1`;

export interface Rewrapped {
  place: SecretPlace;
  old: WrappedKey;
  new: WrappedKey;
}

/** Puts newly wrapped data keys in place of the old ones, and returns how many: none that has changed since it was read. */
export async function writeRewrapped(sql: Sql, rewrapped: readonly Rewrapped[]): Promise<number> {
  const written = await sql.query(REWRAP, [
    rewrapped.map(({ place }) => place.tenantId),
    rewrapped.map(({ place }) => place.kind),
    rewrapped.map(({ place }) => place.name),
    rewrapped.map(({ old }) => old.wrappedKey),
    rewrapped.map((it) => it.new.keyId),
    rewrapped.map((it) => it.new.wrappedKey),
  ]);
  return written.length;
}
