import type { Instant } from "../core/instant.ts";
import type { SealedSecret } from "../core/secret.ts";
import type { Row } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** One row of `event_sources`: who may send events with a signature. */
export interface EventSource {
  name: string;
  /** One for each secret, to tell them apart. */
  fingerprints: string[];
  createdAt: Instant;
  updatedAt: Instant;
}

/** The kind of a source's secrets, see `SecretPlace`. The functions of the migration say the same. */
export function eventSecretKind(source: string): string {
  return `events:${source}`;
}

const COLUMNS = "name, fingerprints, created_at, updated_at";

const LIST = `
  select ${COLUMNS}
    from event_sources
   where tenant_id = $1 and ($2::text is null or name > $2)
   order by name
   limit $3`;

/** Up to `limit` sources in the order of their names, beginning after the name `after`. */
export async function listEventSources(
  sql: TenantSql,
  page: { after: string | null; limit: number },
): Promise<EventSource[]> {
  return (await sql.query(LIST, [sql.tenant, page.after, page.limit])).map(toSource);
}

const READ = `select ${COLUMNS} from event_sources where tenant_id = $1 and name = $2`;

export async function readEventSource(sql: TenantSql, name: string): Promise<EventSource | null> {
  const [row] = await sql.query(READ, [sql.tenant, name]);
  return row ? toSource(row) : null;
}

/** The same, locked until this transaction ends. */
export async function lockEventSource(sql: TenantSql, name: string): Promise<EventSource | null> {
  const [row] = await sql.query(`${READ} for update`, [sql.tenant, name]);
  return row ? toSource(row) : null;
}

// One statement, so that no source is ever without its secrets.
const PUT = `
  with put as (
    insert into event_sources (tenant_id, name, fingerprints) values ($1, $2, $3)
    on conflict (tenant_id, name) do update set fingerprints = excluded.fingerprints, updated_at = reminder_now()
    returning ${COLUMNS}, xmax = 0 as is_new
  )
  select put.*, reminder_set_event_secrets(name, $4, $5, $6, $7) from put`;

/** Makes or replaces a source, with the secrets whose signatures are taken, by name. */
export async function putEventSource(
  sql: TenantSql,
  name: string,
  { fingerprints, secrets }: { fingerprints: readonly string[]; secrets: ReadonlyMap<string, SealedSecret> },
): Promise<{ source: EventSource; isNew: boolean }> {
  const sealed = [...secrets.values()];
  const [row] = await sql.query(PUT, [
    sql.tenant,
    name,
    fingerprints,
    [...secrets.keys()],
    sealed.map(({ keyId }) => keyId),
    sealed.map(({ wrappedKey }) => wrappedKey),
    sealed.map(({ ciphertext }) => ciphertext),
  ]);
  return { source: toSource(row as Row), isNew: row?.is_new as boolean };
}

const DELETE = `
  with gone as (
    delete from event_sources where tenant_id = $1 and name = $2 returning name
  )
  select reminder_set_event_secrets(name, '{}', '{}', '{}', '{}') from gone`;

/** Forgets a source and its secrets: its signatures are taken no more. */
export async function deleteEventSource(sql: TenantSql, name: string): Promise<void> {
  await sql.query(DELETE, [sql.tenant, name]);
}

/** What is needed to judge a signature. */
export interface Signing {
  now: Instant;
  /** The tenant's own rate; null: that of the settings. */
  requestsPerMinute: number | null;
  /** None where there is no such source. */
  secrets: { name: string; sealed: SealedSecret }[];
}

const SIGNING = `
  select reminder_now() as now, t.requests_per_minute, s.name, s.key_id, s.wrapped_key, s.ciphertext
    from (values ($1)) as asked (tenant)
    left join tenants t on t.name = asked.tenant
    left join reminder_event_secrets($2) s on true`;

/** A source's secrets, and the database's instant. */
export async function readSigning(sql: TenantSql, source: string): Promise<Signing> {
  const rows = await sql.query(SIGNING, [sql.tenant, source]);
  return {
    now: rows[0]?.now as Instant,
    requestsPerMinute: rows[0]?.requests_per_minute as number | null,
    secrets: rows
      .filter(({ name }) => name !== null)
      .map((row) => ({
        name: row.name as string,
        sealed: {
          keyId: row.key_id as string,
          wrappedKey: row.wrapped_key as Buffer,
          ciphertext: row.ciphertext as Buffer,
        },
      })),
  };
}

function toSource(row: Row): EventSource {
  return {
    name: row.name as string,
    fingerprints: row.fingerprints as string[],
    createdAt: row.created_at as number,
    updatedAt: row.updated_at as number,
  };
}
