import type { JsonObject } from "../core/json.ts";
import type { Sql } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** How long an event is known: longer than senders go on trying, which is a day or so. */
const KEPT = "interval '7 days'";

// Whoever asks waits for the answer: better to say soon that it can't be done now.
const DONT_WAIT_LONG = "set local lock_timeout = '3s'";

// A second transaction with the same event waits here for the end of the first: then there is a row, or its turn has come.
// One that is too old and hasn't been removed yet is as good as none.
const TAKE = `
  insert into inbound_events (tenant_id, origin, id) values ($1, $2, $3)
  on conflict (tenant_id, origin, id)
  do update set created_at = excluded.created_at, outcome = null
   where inbound_events.created_at <= reminder_now() - ${KEPT}
  returning 1`;

const READ = "select outcome from inbound_events where tenant_id = $1 and origin = $2 and id = $3";

/** Whose ids an event's is among, and which it is. */
export interface EventName {
  origin: string;
  id: string;
}

/**
 * Takes an event for this transaction: null if it is new, else what was done about it the first time. What somebody else holds
 * for longer than 3 s, now or later in this transaction, fails (`isHeldElsewhere`).
 */
export async function takeEvent(sql: TenantSql, name: EventName | null): Promise<JsonObject | null> {
  if (name === null) {
    await sql.query(DONT_WAIT_LONG);
    return null;
  }
  const parameters = [sql.tenant, name.origin, name.id];
  const [, [taken]] = await Promise.all([sql.query(DONT_WAIT_LONG), sql.query(TAKE, parameters)]);
  if (taken) return null;
  const [row] = await sql.query<{ outcome: JsonObject }>(READ, parameters);
  return row?.outcome ?? {};
}

const KEEP = "update inbound_events set outcome = $4 where tenant_id = $1 and origin = $2 and id = $3";

/** Keeps what was done about an event that this transaction has taken. */
export async function keepOutcome(sql: TenantSql, { origin, id }: EventName, outcome: JsonObject): Promise<void> {
  await sql.query(KEEP, [sql.tenant, origin, id, JSON.stringify(outcome)]);
}

const FORGET = `
  delete from inbound_events
   where (tenant_id, origin, id) in (select tenant_id, origin, id
                                       from inbound_events
                                      where created_at <= reminder_now() - ${KEPT}
                                      order by created_at
                                      limit $1
                                        for update skip locked)
  returning 1`;

/** Removes up to `limit` of those that are too old, and returns how many there were. */
export async function forgetOldEvents(sql: Sql, limit: number): Promise<number> {
  return (await sql.query(FORGET, [limit])).length;
}
