import type { JsonObject } from "../core/json.ts";
import type { SealedSecret } from "../core/secret.ts";
import type { Sql } from "./postgres.ts";
import { deleteSecrets, writeSecret } from "./secrets.ts";

/** What a tenant has set for a channel. */
export interface ChannelSettings {
  tenantId: string;
  channel: string;
  /** As they were stored, which may have been by hand. */
  settings: JsonObject;
  /** By name. */
  secrets: ReadonlyMap<string, SealedSecret>;
}

/** The kind of a channel's secrets, see `SecretPlace`. */
export function secretKind(channel: string): string {
  return `channel:${channel}`;
}

const COLUMNS = `
  select c.tenant_id, c.channel, c.settings, s.name, s.key_id, s.wrapped_key, s.ciphertext
    from channel_settings c
    left join sealed_secrets s on s.tenant_id = c.tenant_id and s.kind = 'channel:' || c.channel`;

// Settings and secrets in one statement: of one and the same moment.
const READ = `${COLUMNS} where c.channel = $1 and c.tenant_id = any ($2::text[])`;
const LIST = `${COLUMNS} where $1::text is null or c.tenant_id = $1 order by c.tenant_id, c.channel`;

interface Row {
  [column: string]: unknown;
  tenant_id: string;
  channel: string;
  settings: JsonObject;
  name: string | null;
  key_id: string;
  wrapped_key: Buffer;
  ciphertext: Buffer;
}

/** What these tenants have set for one channel, by tenant; who has set nothing isn't in it. */
export async function readChannelSettings(
  sql: Sql,
  channel: string,
  tenantIds: readonly string[],
): Promise<Map<string, ChannelSettings>> {
  const found = gather(await sql.query<Row>(READ, [channel, tenantIds]));
  return new Map(found.map((settings) => [settings.tenantId, settings]));
}

/** What one tenant, or with null every tenant, has set. */
export async function listChannelSettings(sql: Sql, tenantId: string | null): Promise<ChannelSettings[]> {
  return gather(await sql.query<Row>(LIST, [tenantId]));
}

// A row that this statement has inserted carries no xmax; one that it has updated does.
const WRITE = `
  insert into channel_settings (tenant_id, channel, settings) values ($1, $2, $3)
  on conflict (tenant_id, channel) do update set settings = excluded.settings, updated_at = reminder_now()
  returning xmax = 0 as is_new`;

/**
 * Stores what a tenant sets for a channel, in place of all that was set before; true if nothing was. In a transaction: it is
 * more than one statement.
 */
export async function writeChannelSettings(sql: Sql, wanted: ChannelSettings): Promise<boolean> {
  const { tenantId, channel, settings, secrets } = wanted;
  const kind = secretKind(channel);
  const [row] = await sql.query<{ is_new: boolean }>(WRITE, [tenantId, channel, settings]);
  await deleteSecrets(sql, tenantId, kind, [...secrets.keys()]);
  for (const [name, sealed] of secrets) await writeSecret(sql, { tenantId, kind, name }, sealed);
  return row?.is_new ?? false;
}

const DELETE = "delete from channel_settings where tenant_id = $1 and channel = $2 returning 1";

/** Forgets what a tenant has set for a channel, secrets included; false if nothing was. In a transaction, like the above. */
export async function deleteChannelSettings(sql: Sql, tenantId: string, channel: string): Promise<boolean> {
  const deleted = await sql.query(DELETE, [tenantId, channel]);
  await deleteSecrets(sql, tenantId, secretKind(channel));
  return deleted.length > 0;
}

/** One row for each secret, or one without any. */
function gather(rows: readonly Row[]): ChannelSettings[] {
  const byKey = new Map<string, ChannelSettings & { secrets: Map<string, SealedSecret> }>();
  for (const row of rows) {
    const { tenant_id: tenantId, channel, settings } = row;
    const key = `${channel} ${tenantId}`;
    const found = byKey.get(key) ?? { tenantId, channel, settings, secrets: new Map() };
    byKey.set(key, found);
    if (row.name === null) continue;
    found.secrets.set(row.name, { keyId: row.key_id, wrappedKey: row.wrapped_key, ciphertext: row.ciphertext });
  }
  return [...byKey.values()];
}
