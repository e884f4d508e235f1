import type { Instant } from "../core/instant.ts";
import { isAddress, isOneOf } from "./address-key.ts";
import { type Row, toTimestamptz } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

export const OPT_OUT_KINDS = ["reminder", "event_type"] as const;

/** Of what an address wants no more. */
export interface OptOut {
  channel: string;
  /** Whether in capitals or not makes no difference, but behind a URL's host. */
  address: string;
  kind: (typeof OPT_OUT_KINDS)[number];
  /** The reminder's id, or the event type. */
  about: string;
  createdBy: string;
  createdAt: Instant;
}

export type OptOutName = Pick<OptOut, "channel" | "address" | "kind" | "about">;

const PUT = `
  insert into opt_outs (tenant_id, channel, address, kind, about, created_by)
  values ($1, $2, reminder_address_key($3), $4, $5, $6)
  on conflict do nothing`;

/** Sends this address no more of it, from the next message on. */
export async function putOptOut(sql: TenantSql, optOut: Omit<OptOut, "createdAt">): Promise<void> {
  const { channel, address, kind, about, createdBy } = optOut;
  await sql.query(PUT, [sql.tenant, channel, address, kind, about, createdBy]);
}

const NAMED = `
   where tenant_id = $1 and channel = $2 and ${isAddress("o", "$3::text")} and kind = $4 and about = $5`;
const DELETE = `delete from opt_outs o${NAMED} returning 1`;

/** Sends it again. False where it was sent anyway. */
export async function deleteOptOut(sql: TenantSql, { channel, address, kind, about }: OptOutName): Promise<boolean> {
  return (await sql.query(DELETE, [sql.tenant, channel, address, kind, about])).length > 0;
}

const IS_OPTED_OUT = `select 1 from opt_outs o${NAMED} limit 1`;

/** True where this address wants no more of it. */
export async function isOptedOut(sql: TenantSql, { channel, address, kind, about }: OptOutName): Promise<boolean> {
  return (await sql.query(IS_OPTED_OUT, [sql.tenant, channel, address, kind, about])).length > 0;
}

const GIVEN_UP = `
  select id
    from reminder_jobs
   where tenant_id = $1 and needs_attention is not null and deleted_at is null and channel = $2
     and ($3 = 'reminder' and id::text = $4 or $3 = 'event_type' and event_type = $4)
   order by id
   limit $5`;

/** Reminders that a person must look at and that this may be the reason for, up to `limit`. */
export async function remindersGivenUp(
  sql: TenantSql,
  { channel, kind, about }: OptOutName,
  limit: number,
): Promise<number[]> {
  const rows = await sql.query<{ id: number }>(GIVEN_UP, [sql.tenant, channel, kind, about, limit]);
  return rows.map(({ id }) => id);
}

const TAKE_BACK = `
  delete from opt_outs o
   where tenant_id = $1 and channel = $2 and ${isAddress("o", "$3::text")} and created_by = $4
     and ($5::text is null or (kind, about) <> ('reminder', $5) or created_at > $6::timestamptz + interval '1 millisecond')
  returning kind`;

/**
 * Sends an address again whatever this one said it wanted no more, but for what it had said by then of the reminder that `keeps` names (null: none); says of what kinds
 * that was.
 */
export async function takeBackOptOuts(
  sql: TenantSql,
  {
    channel,
    address,
    createdBy,
    keeps,
  }: Pick<OptOut, "channel" | "address" | "createdBy"> & { keeps: { about: string; until: Instant } | null },
): Promise<OptOut["kind"][]> {
  const rows = await sql.query<{ kind: OptOut["kind"] }>(TAKE_BACK, [
    ...[sql.tenant, channel, address, createdBy],
    ...[keeps?.about ?? null, keeps && toTimestamptz(keeps.until)],
  ]);
  return rows.map(({ kind }) => kind);
}

const LIST = `
  select channel, address, kind, about, created_by, created_at
    from opt_outs o
   where tenant_id = $1 and ($2::text is null or channel = $2)
     and ($3::text[] is null or ${isOneOf("o", "$3")})
     and ($4::text is null or (channel, address, kind, about) > ($4, $5, $6, $7))
   order by channel, address, kind, about
   limit $8`;

/** Up to `limit` of them in the order of their names, beginning after `after`. */
export async function listOptOuts(
  sql: TenantSql,
  page: { channel: string | null; addresses: readonly string[] | null; after: readonly string[] | null; limit: number },
): Promise<OptOut[]> {
  const after = page.after ?? [null, null, null, null];
  const rows = await sql.query(LIST, [sql.tenant, page.channel, page.addresses, ...after, page.limit]);
  return rows.map(toOptOut);
}

function toOptOut(row: Row): OptOut {
  return {
    channel: row.channel as string,
    address: row.address as string,
    kind: row.kind as OptOut["kind"],
    about: row.about as string,
    createdBy: row.created_by as string,
    createdAt: row.created_at as number,
  };
}
