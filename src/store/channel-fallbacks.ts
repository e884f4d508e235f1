import type { Fallback, Fallbacks } from "../core/fallback.ts";
import type { Row, Sql } from "./postgres.ts";

const COLUMNS = "select tenant_id, channel, fallback, after_seconds from channel_fallbacks";
const READ = `${COLUMNS} where tenant_id = any ($1::text[]) order by tenant_id, channel`;
const LIST = `${COLUMNS} where $1::text is null or tenant_id = $1 order by tenant_id, channel`;

/** What these tenants have said themselves, by tenant; who has said nothing isn't in it. */
export async function readFallbacksOf(sql: Sql, tenantIds: readonly string[]): Promise<Map<string, Fallbacks>> {
  return byTenant(await sql.query(READ, [tenantIds]));
}

/** What one tenant, or with null every tenant, has said. */
export async function listFallbacks(sql: Sql, tenantId: string | null): Promise<Map<string, Fallbacks>> {
  return byTenant(await sql.query(LIST, [tenantId]));
}

function byTenant(rows: readonly Row[]): Map<string, Fallbacks> {
  const found = new Map<string, Map<string, Fallback | null>>();
  for (const { tenant_id: tenant, channel, fallback, after_seconds: seconds } of rows) {
    const own = found.get(tenant as string) ?? new Map<string, Fallback | null>();
    const afterMs = seconds === null ? null : (seconds as number) * 1_000;
    found.set(
      tenant as string,
      own.set(channel as string, fallback === null ? null : { channel: fallback as string, afterMs }),
    );
  }
  return found;
}

const WRITE = `
  insert into channel_fallbacks (tenant_id, channel, fallback, after_seconds) values ($1, $2, $3, $4)
  on conflict (tenant_id, channel)
  do update set fallback = excluded.fallback, after_seconds = excluded.after_seconds, updated_at = reminder_now()`;

/** Stores over what a tenant's messages go that a channel can't deliver, or with null that they go over nothing. */
export async function writeFallback(
  sql: Sql,
  tenantId: string,
  channel: string,
  fallback: Fallback | null,
): Promise<void> {
  const afterSeconds = fallback === null || fallback.afterMs === null ? null : fallback.afterMs / 1_000;
  await sql.query(WRITE, [tenantId, channel, fallback?.channel ?? null, afterSeconds]);
}

const DELETE = "delete from channel_fallbacks where tenant_id = $1 and channel = $2 returning 1";

/** Forgets that; false if nothing was said. */
export async function deleteFallback(sql: Sql, tenantId: string, channel: string): Promise<boolean> {
  return (await sql.query(DELETE, [tenantId, channel])).length > 0;
}
