import type { Sql } from "./postgres.ts";

export interface Addressed {
  reminderId: number;
  recipient: string;
}

// Each goes by the primary key from the newest week back, and ends with the first that it finds.
const LAST_SENT = `
  select asked.n::int as n, last.provider_id
    from unnest($2::bigint[], $3::text[]) with ordinality as asked(reminder_id, recipient, n)
   cross join lateral (
     select d.provider_id
       from deliveries d
      where d.reminder_id = asked.reminder_id and d.channel = $1 and d.recipient = asked.recipient
        and d.status = 'sent' and d.provider_id is not null and d.digest_id is null
      order by d.occurrence_at desc
      limit 1
   ) last`;

/**
 * The provider's id of the newest message that each reminder sent by this channel to this recipient, in the order of the
 * question; null where there is none, or it is older than deliveries are kept.
 */
export async function lastSent(sql: Sql, channel: string, asked: readonly Addressed[]): Promise<(string | null)[]> {
  const rows = await sql.query<{ n: number; provider_id: string }>(LAST_SENT, [
    channel,
    asked.map(({ reminderId }) => reminderId),
    asked.map(({ recipient }) => recipient),
  ]);
  const found: (string | null)[] = asked.map(() => null);
  for (const { n, provider_id } of rows) found[n - 1] = provider_id;
  return found;
}
