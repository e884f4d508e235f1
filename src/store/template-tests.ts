import type { Instant } from "../core/instant.ts";
import type { JsonObject } from "../core/json.ts";
import type { Row, Sql } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** One row of `template_tests`. */
export interface TemplateTestRow {
  id: string;
  tenantId: string;
  channel: string;
  recipient: string;
  /** As a channel takes it. */
  message: JsonObject;
  status: "pending" | "sending" | "sent" | "failed" | "unknown";
  reason: string | null;
  demo: boolean;
  createdAt: Instant;
  finishedAt: Instant | null;
}

// Those who ask at the same time wait for each other, so that no more are counted than there may be.
const LOCK = "select pg_advisory_xact_lock(hashtextextended('template tests of ' || $1, 0))";
const INSERT = `
  insert into template_tests (channel, recipient, message, reason)
  select $2, $3, $4, $5
   where (select count(*) from template_tests where tenant_id = $1 and created_at > reminder_now() - interval '1 minute') < $6
  returning *`;

/** Has a test sent by a worker; null where there were `mostAMinute` in the last minute. In a transaction. */
export async function insertTemplateTest(
  sql: TenantSql,
  wish: Pick<TemplateTestRow, "channel" | "recipient" | "reason"> & { message: object },
  mostAMinute: number,
): Promise<TemplateTestRow | null> {
  await sql.query(LOCK, [sql.tenant]);
  const { channel, recipient, message, reason } = wish;
  const values = [sql.tenant, channel, recipient, JSON.stringify(message), reason, mostAMinute];
  const [row] = await sql.query(INSERT, values);
  return row ? toTest(row) : null;
}

const READ = "select * from template_tests where tenant_id = $1 and id = $2";

export async function readTemplateTest(sql: TenantSql, id: string): Promise<TemplateTestRow | null> {
  const [row] = await sql.query(READ, [sql.tenant, id]);
  return row ? toTest(row) : null;
}

// What nobody took in ten minutes isn't wanted any more.
const CLAIM = `
  update template_tests t
     set status = 'sending'
    from (select tenant_id, id
            from template_tests
           where status = 'pending' and created_at > reminder_now() - interval '10 minutes'
           order by created_at
           limit $1
             for update skip locked) as due
   where (t.tenant_id, t.id) = (due.tenant_id, due.id)
  returning t.*`;

/** Takes up to `limit` tests of all tenants, to be sent once and never again. */
export async function claimTemplateTests(sql: Sql, limit: number): Promise<TemplateTestRow[]> {
  return (await sql.query(CLAIM, [limit])).map(toTest);
}

const FINISH = `
  update template_tests
     set status = $3, reason = coalesce($4, reason), provider_id = $5, demo = $6, finished_at = reminder_now()
   where tenant_id = $1 and id = $2`;

export async function finishTemplateTest(
  sql: Sql,
  { tenantId, id }: Pick<TemplateTestRow, "tenantId" | "id">,
  result: Pick<TemplateTestRow, "status" | "reason" | "demo"> & { providerId: string | null },
): Promise<void> {
  await sql.query(FINISH, [tenantId, id, result.status, result.reason, result.providerId, result.demo]);
}

const FORGET = `
  with gone as (
    delete from template_tests
     where (tenant_id, id) in (select tenant_id, id from template_tests
                                where created_at < reminder_now() - interval '1 day' limit $1)
    returning 1
  )
  select count(*)::int as count from gone`;

/** Forgets what is older than a day, at most `limit` at a time. Returns how many. */
export async function forgetOldTests(sql: Sql, limit: number): Promise<number> {
  const [row] = await sql.query<{ count: number }>(FORGET, [limit]);
  return row?.count ?? 0;
}

function toTest(row: Row): TemplateTestRow {
  return {
    id: row.id as string,
    tenantId: row.tenant_id as string,
    channel: row.channel as string,
    recipient: row.recipient as string,
    message: row.message as JsonObject,
    status: row.status as TemplateTestRow["status"],
    reason: row.reason as string | null,
    demo: row.demo as boolean,
    createdAt: row.created_at as number,
    finishedAt: row.finished_at as number | null,
  };
}
