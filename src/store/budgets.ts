import { wantedPerDay } from "../core/pace.ts";
import { namedSo } from "../core/people.ts";
import type { DeliveryKey, Instant } from "../core/reminder.ts";
import { keyColumns, toKey } from "./delivery-keys.ts";
import { nullable, type PaceKey } from "./pace.ts";
import { type Sql, toTimestamptz } from "./postgres.ts";
import { WAITING } from "./wake.ts";

/** A person who may want no more than so many messages a day, by the key of their pace. */
export type PersonKey = Pick<PaceKey, "tenantId" | "key">;

// Of several contacts that may be called so, the one that wants the fewest.
const NUMBERS = `
  select u.place,
         min(case jsonb_typeof(c.preferences -> 'max_per_day') when 'number' then (c.preferences ->> 'max_per_day')::float8 end) as number
    from unnest($1::int[], $2::text[], $3::text[], $4::text[]) as u(place, tenant_id, entity_type, entity_id)
    join contacts c on (c.tenant_id, c.entity_type, c.entity_id) = (u.tenant_id, u.entity_type, u.entity_id)
   group by u.place`;

/** How many messages a day each of these wants at most, in their order; null: as many as there are. */
export async function numbersOf(sql: Sql, persons: readonly PersonKey[]): Promise<(number | null)[]> {
  if (persons.length === 0) return [];
  const all = persons.flatMap(({ tenantId, key }, place) => namedSo(key).map((name) => ({ place, tenantId, ...name })));
  const rows = await sql.query<{ place: number; number: number | null }>(NUMBERS, [
    all.map(({ place }) => place),
    all.map(({ tenantId }) => tenantId),
    all.map(({ entityType }) => entityType),
    all.map(({ entityId }) => entityId),
  ]);
  const numbers = new Map(rows.map(({ place, number }) => [place, wantedPerDay(number)]));
  return persons.map((_, place) => numbers.get(place) ?? null);
}

const WAITED_FOR = `
  select tenant_id as "tenantId", key, per_day as "perDay"
    from pace
   where held_until is not null and held_until > reminder_now() and kind = 'person' and (tenant_id, key) > ($1, $2)
   order by tenant_id, key
   limit $3`;

/** Those after this one for whom something waits for a place, and by which number it was promised. */
export async function personsWaitedFor(
  sql: Sql,
  after: PersonKey | null,
  limit: number,
): Promise<(PersonKey & { perDay: number | null })[]> {
  const params = [after?.tenantId ?? "", after?.key ?? "", limit];
  return sql.query<PersonKey & { perDay: number | null } & Record<string, unknown>>(WAITED_FOR, params);
}

/** A delivery that waits for a place of its person's day. */
export interface Waiting extends DeliveryKey {
  /** What it was promised; null: nothing, as it gathers with others or goes in the same message as one that was. */
  slotAt: Instant | null;
  /** The same for all that go in one message with it. */
  message: string;
}

// Whoever has one locked is about to ask with it, or ends it. Nobody is waited for, so nobody can wait for this in a circle.
const LOCK_WAITING = `
  select reminder_id, occurrence_at, recipient_no, person_slot_at as "slotAt",
         case when digest_at is null then concat_ws(' ', reminder_id, occurrence_at, recipient_no)
              else concat_ws(' ', channel, recipient, digest_at, digest_id) end as message
    from deliveries
   where tenant_id = $1 and held_for = $2 and ${WAITING}
   order by person_slot_at, occurrence_at, reminder_id, recipient_no
     for update skip locked`;

const COUNT_WAITING = `select count(*)::int as count from deliveries where tenant_id = $1 and held_for = $2 and ${WAITING}`;

/** Locks what waits for a person, the first that was promised a place first. `isAll`: there is no more. */
export async function lockWaiting(
  sql: Sql,
  { tenantId, key }: PersonKey,
): Promise<{ waiting: Waiting[]; isAll: boolean }> {
  const rows = await sql.query(LOCK_WAITING, [tenantId, key]);
  const [all] = await sql.query<{ count: number }>(COUNT_WAITING, [tenantId, key]);
  const waiting = rows.map((row) => {
    return { ...toKey(row), slotAt: row.slotAt as Instant | null, message: row.message as string };
  });
  return { waiting, isAll: all?.count === rows.length };
}

// What it was promised under other caps it keeps, and it doesn't ask before.
const PROMISE_ANEW = `
  update deliveries d
     set person_slot_at = u.slot_at, reason = coalesce(u.reason, d.reason),
         next_attempt_at = greatest(case when u.is_sooner then least(d.next_attempt_at, u.until) else u.until end,
                                    d.tenant_slot_at, d.recipient_slot_at, d.occurrence_at)
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::timestamptz[], $5::timestamptz[], $6::boolean[], $7::text[])
      as u(reminder_id, occurrence_at, recipient_no, slot_at, until, is_sooner, reason)
   where d.reminder_id = any (array[u.reminder_id]) and d.occurrence_at = u.occurrence_at and d.recipient_no = u.recipient_no`;

export interface Anew extends DeliveryKey {
  slotAt: Instant | null;
  until: Instant;
  /** True where it is to wait no longer than it did. */
  isSooner: boolean;
  /** Null: as it was. */
  reason: string | null;
}

/** Has these, which are locked, wait until then. */
export async function waitAnew(sql: Sql, anew: readonly Anew[]): Promise<void> {
  if (anew.length === 0) return;
  await sql.query(PROMISE_ANEW, [
    ...keyColumns(anew),
    anew.map(({ slotAt }) => nullable(slotAt)),
    anew.map(({ until }) => toTimestamptz(until)),
    anew.map(({ isSooner }) => isSooner),
    anew.map(({ reason }) => reason),
  ]);
}
