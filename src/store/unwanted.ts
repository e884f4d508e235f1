import type { SuppressedAs, Unwanted } from "../core/unwanted.ts";
import { isKeyed, keyColumns } from "./address-key.ts";
import type { Row, Sql } from "./postgres.ts";

/** A tenant's channel. */
export interface TenantChannel {
  tenantId: string;
  channel: string;
}

// Each by the primary keys.
const HAS_UNWANTED = `
  select asked.n::int as n,
         exists (select from suppressions s where s.tenant_id = asked.tenant_id and s.channel = asked.channel)
         or exists (select from opt_outs o where o.tenant_id = asked.tenant_id and o.channel = asked.channel) as has_any
    from unnest($1::text[], $2::text[]) with ordinality as asked(tenant_id, channel, n)`;

/** Whether anybody there is to get nothing, or not everything, in the order of the question. */
export async function haveUnwanted(sql: Sql, asked: readonly TenantChannel[]): Promise<boolean[]> {
  const rows = await sql.query<{ n: number; has_any: boolean }>(HAS_UNWANTED, [
    asked.map(({ tenantId }) => tenantId),
    asked.map(({ channel }) => channel),
  ]);
  const answers: boolean[] = asked.map(() => false);
  for (const { n, has_any } of rows) answers[n - 1] = has_any;
  return answers;
}

/** What is about to be sent, and where to. */
export interface Outgoing extends TenantChannel {
  address: string;
  reminderId: number;
  eventType: string;
}

const ASKED = { key: "asked.key", ofBefore: "asked.key_of_before" };

// Each by the primary keys.
const READ = `
  with asked as materialized (
    select u.n::int as n, u.tenant_id, u.channel, u.reminder_id::text as reminder_id, u.event_type, ${keyColumns("u.address")}
      from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[])
             with ordinality as u(tenant_id, channel, address, reminder_id, event_type, n)
  )
  select asked.n, s.reason, s.because, s.expires_at, o.kind
    from asked
    left join suppressions s on s.tenant_id = asked.tenant_id and s.channel = asked.channel
                            and ${isKeyed("s", ASKED)}
                            and (s.expires_at is null or s.expires_at > reminder_now())
    left join lateral (
      select kind
        from opt_outs o
       where tenant_id = asked.tenant_id and channel = asked.channel and ${isKeyed("o", ASKED)}
         and (kind, about) in (('reminder', asked.reminder_id), ('event_type', asked.event_type))
       limit 1
    ) o on true
   where s.reason is not null or o.kind is not null`;

/** What is not to be sent to its address, and why, in the order of the question. */
export async function readUnwanted(sql: Sql, asked: readonly Outgoing[]): Promise<Unwanted[]> {
  const rows = await sql.query(READ, [
    asked.map(({ tenantId }) => tenantId),
    asked.map(({ channel }) => channel),
    asked.map(({ address }) => address),
    asked.map(({ reminderId }) => reminderId),
    asked.map(({ eventType }) => eventType),
  ]);
  const unwanted: Unwanted[] = asked.map(() => ({ suppressed: null, optedOutOf: null }));
  for (const row of rows) {
    unwanted[(row.n as number) - 1] = { suppressed: toSuppressed(row), optedOutOf: row.kind as Unwanted["optedOutOf"] };
  }
  return unwanted;
}

function toSuppressed({ reason, because, expires_at: expiresAt }: Row): SuppressedAs | null {
  if (reason === null) return null;
  return { reason: reason as string, because: because as string | null, expiresAt: expiresAt as number | null };
}
