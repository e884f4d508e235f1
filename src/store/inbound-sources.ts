import type { Instant } from "../core/instant.ts";
import type { SealedSecret } from "../core/secret.ts";
import type { Row, Sql } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** One row of `inbound_sources`: a mail provider that may tell what became of a tenant's mail. */
export interface InboundSource {
  provider: string;
  /** One for each secret, to tell them apart. */
  fingerprints: string[];
  createdAt: Instant;
  updatedAt: Instant;
}

/** The kind of a source's secrets, see `SecretPlace`. The functions of the migration say the same. */
export function inboundSecretKind(provider: string): string {
  return `inbound:${provider}`;
}

const COLUMNS = "provider, fingerprints, created_at, updated_at";

const LIST = `select ${COLUMNS} from inbound_sources where tenant_id = $1 order by provider`;

export async function listInboundSources(sql: TenantSql): Promise<InboundSource[]> {
  return (await sql.query(LIST, [sql.tenant])).map(toSource);
}

const LOCK = `select ${COLUMNS} from inbound_sources where tenant_id = $1 and provider = $2 for update`;

/** Locked until this transaction ends; null where there is none. */
export async function lockInboundSource(sql: TenantSql, provider: string): Promise<InboundSource | null> {
  const [row] = await sql.query(LOCK, [sql.tenant, provider]);
  return row ? toSource(row) : null;
}

// One statement, so that no source is ever without its secrets.
const PUT = `
  with put as (
    insert into inbound_sources (tenant_id, provider, fingerprints) values ($1, $2, $3)
    on conflict (tenant_id, provider) do update set fingerprints = excluded.fingerprints, updated_at = reminder_now()
    returning ${COLUMNS}, xmax = 0 as is_new
  )
  select put.*, reminder_set_inbound_secrets(provider, $4, $5, $6, $7) from put`;

/** Makes or replaces a source, with the secrets that it proves itself with, by name. */
export async function putInboundSource(
  sql: TenantSql,
  provider: string,
  { fingerprints, secrets }: { fingerprints: readonly string[]; secrets: ReadonlyMap<string, SealedSecret> },
): Promise<{ source: InboundSource; isNew: boolean }> {
  const sealed = [...secrets.values()];
  const [row] = await sql.query(PUT, [
    sql.tenant,
    provider,
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
    delete from inbound_sources where tenant_id = $1 and provider = $2 returning provider
  )
  select reminder_set_inbound_secrets(provider, '{}', '{}', '{}', '{}') from gone`;

/** Forgets a source and its secrets: nothing is taken from it any more. */
export async function deleteInboundSource(sql: TenantSql, provider: string): Promise<void> {
  await sql.query(DELETE, [sql.tenant, provider]);
}

/** What is needed to know a source by. */
export interface InboundProof {
  now: Instant;
  /** The tenant's own rate; null: that of the settings. */
  requestsPerMinute: number | null;
  /** None where there is no such source. */
  secrets: { name: string; sealed: SealedSecret }[];
}

const PROOF = `
  select reminder_now() as now, t.requests_per_minute, s.name, s.key_id, s.wrapped_key, s.ciphertext
    from (values ($1)) as asked (tenant)
    left join tenants t on t.name = asked.tenant
    left join reminder_inbound_secrets($2) s on true`;

export async function readInboundProof(sql: TenantSql, provider: string): Promise<InboundProof> {
  const rows = await sql.query(PROOF, [sql.tenant, provider]);
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

const OWNERS = "select id, reminder_tenant_of(id) as tenant from unnest($1::bigint[]) as u(id)";

/** Whose these reminders are. Only for what bears a signature of ours: it looks past the tenants. */
export async function ownersOf(sql: Sql, reminderIds: readonly number[]): Promise<Map<number, string>> {
  if (reminderIds.length === 0) return new Map();
  const rows = await sql.query<{ id: number; tenant: string | null }>(OWNERS, [reminderIds]);
  return new Map(rows.flatMap(({ id, tenant }) => (tenant === null ? [] : [[id, tenant] as const])));
}

function toSource(row: Row): InboundSource {
  return {
    provider: row.provider as string,
    fingerprints: row.fingerprints as string[],
    createdAt: row.created_at as number,
    updatedAt: row.updated_at as number,
  };
}
