import type { Instant } from "../core/instant.ts";
import type { JsonObject } from "../core/json.ts";
import type { Tenant } from "../core/tenant.ts";
import type { Row, Sql } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** One line: who changed what, and with what outcome. */
export interface AuditLine {
  actor: string;
  operation: string;
  target: string;
  /** The HTTP status of the answer; null where it wasn't asked over HTTP. */
  status: number | null;
  address: string | null;
  details: JsonObject;
}

export interface AuditRow extends AuditLine {
  id: number;
  at: Instant;
}

const INSERT = `
  insert into audit_log (tenant_id, actor, operation, target, status, address, details)
  select $1, actor, operation, target, status, address, details
    from unnest($2::text[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::jsonb[])
         with ordinality as line (actor, operation, target, status, address, details, place)
   order by place`;

/** Writes lines of one tenant, in order. */
export async function insertAudit(sql: Sql, tenant: Tenant, lines: readonly AuditLine[]): Promise<void> {
  await sql.query(INSERT, [
    tenant,
    lines.map(({ actor }) => actor),
    lines.map(({ operation }) => operation),
    lines.map(({ target }) => target),
    lines.map(({ status }) => status),
    lines.map(({ address }) => address),
    lines.map(({ details }) => JSON.stringify(details)),
  ]);
}

const LIST = `
  select id, at, actor, operation, target, status, address, details
    from audit_log
   where tenant_id = $1 and ($2::bigint is null or id < $2)
   order by id desc
   limit $3`;

/** Up to `limit` lines, the newest first, beginning below the id `below`. */
export async function listAudit(
  sql: TenantSql,
  { below, limit }: { below: number | null; limit: number },
): Promise<AuditRow[]> {
  return sql.query<AuditRow & Row>(LIST, [sql.tenant, below, limit]);
}

const DELETE_OLD = "select delete_audit_before(reminder_now() - $1 * interval '1 day', $2) as count";

/** Forgets lines older than `retentionDays`, at most `limit` at a time. Returns how many. `sql` acts for all tenants. */
export async function deleteOldAudit(sql: Sql, retentionDays: number, limit: number): Promise<number> {
  const [row] = await sql.query<{ count: number }>(DELETE_OLD, [retentionDays, limit]);
  return row?.count ?? 0;
}
