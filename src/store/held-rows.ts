import { keyColumns } from "./delivery-keys.ts";
import { IS_HELD } from "./delivery-results.ts";
import type { HeldKey } from "./leases.ts";
import type { Sql } from "./postgres.ts";

const LOCK_FREE_REMINDERS = `
  select id
    from reminder_jobs
   where id = any($1::bigint[])
   order by id
     for update skip locked`;

const OTHERS_OF_THEM = "select id from reminder_jobs where id = any($1::bigint[]) and id <> all($2::bigint[])";

/** Locks those of these reminders that nobody else has locked, and returns the ids of the others. */
export async function lockFreeReminders(sql: Sql, ids: readonly number[]): Promise<Set<number>> {
  if (ids.length === 0) return new Set();
  const free = await sql.query<{ id: number }>(LOCK_FREE_REMINDERS, [ids]);
  if (free.length === ids.length) return new Set();
  const others = await sql.query<{ id: number }>(OTHERS_OF_THEM, [ids, free.map(({ id }) => id)]);
  return new Set(others.map(({ id }) => id));
}

/** From here on this transaction waits for nobody for longer than a moment. */
export async function waitForNobody(sql: Sql): Promise<void> {
  await sql.query("set local lock_timeout = '200ms'");
}

const HELD = `
  select u.place
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::uuid[]) with ordinality
           as u(reminder_id, occurrence_at, recipient_no, token, place)
    join deliveries d on ${IS_HELD}`;
const LOCK_FREE = `${HELD}
     for update of d skip locked`;

/** Those of these deliveries that are held under their token, whoever has their rows locked. */
export function stillHeld<K extends HeldKey>(sql: Sql, keys: readonly K[]): Promise<K[]> {
  return places(sql, HELD, keys);
}

/** Locks those of these deliveries that are held under their token and that nobody else has locked, and returns them. */
export function lockFreeDeliveries<K extends HeldKey>(sql: Sql, keys: readonly K[]): Promise<K[]> {
  return places(sql, LOCK_FREE, keys);
}

async function places<K extends HeldKey>(sql: Sql, text: string, keys: readonly K[]): Promise<K[]> {
  if (keys.length === 0) return [];
  const rows = await sql.query<{ place: number }>(text, [...keyColumns(keys), keys.map(({ token }) => token)]);
  return rows.map(({ place }) => keys[place - 1] as K);
}
