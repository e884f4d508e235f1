import type { Instant } from "../core/instant.ts";
import { hasAny, type Kind, type Pace, type Slots } from "../core/pace.ts";
import type { DeliveryKey } from "../core/reminder.ts";
import type { Tenant } from "../core/tenant.ts";
import { keyColumns } from "./delivery-keys.ts";
import type { HeldKey } from "./leases.ts";
import { type Sql, toTimestamptz } from "./postgres.ts";

/** How many messages may begin; null: as many as there are. */
export interface Limits {
  perMinute: number | null;
  perRecipientPerHour: number | null;
}

const LIMITS_OF_TENANTS = `
  select name, sends_per_minute as "perMinute", sends_per_recipient_per_hour as "perRecipientPerHour"
    from tenants
   where sends_per_minute is not null or sends_per_recipient_per_hour is not null`;

/** The limits of those tenants that have any of their own. */
export async function limitsOfTenants(sql: Sql): Promise<Map<Tenant, Limits>> {
  const rows = await sql.query<Limits & { name: Tenant } & Record<string, unknown>>(LIMITS_OF_TENANTS);
  return new Map(rows.map(({ name, perMinute, perRecipientPerHour }) => [name, { perMinute, perRecipientPerHour }]));
}

export interface PaceKey {
  tenantId: Tenant;
  kind: Kind;
  /** The channel and the recipient in it, or the person's contact; empty for a tenant's. */
  key: string;
}

export interface KeptPace extends PaceKey {
  pace: Pace;
}

// Everybody makes and locks them in the order of their keys.
const MAKE = `
  insert into pace (tenant_id, kind, key)
  select u.tenant_id, u.kind, u.key
    from unnest($1::text[], $2::text[], $3::text[]) as u(tenant_id, kind, key)
   where not exists (select from pace p where (p.tenant_id, p.kind, p.key) = (u.tenant_id, u.kind, u.key))
   order by u.tenant_id, u.kind, u.key
      on conflict do nothing`;

const LOCK = `
  select p.tenant_id as "tenantId", p.kind, p.key, p.places, p.promised_until as "promisedUntil"
    from unnest($1::text[], $2::text[], $3::text[]) as u(tenant_id, kind, key)
    join pace p on (p.tenant_id, p.kind, p.key) = (u.tenant_id, u.kind, u.key)
   order by p.tenant_id, p.kind, p.key
     for update of p`;

// Not the instant at which the transaction began: those who had the locks before have used instants since then.
const NOW = "select clock_timestamp() + (reminder_now() - now()) as now";

/** Locks the paces of these keys, none of which is there twice, and reads the clock once they are locked. */
export async function lockPaces(sql: Sql, keys: readonly PaceKey[]): Promise<{ paces: KeptPace[]; now: Instant }> {
  const params = columns(keys);
  const [, rows, [clock]] = await Promise.all([
    sql.query(MAKE, params),
    sql.query<PaceKey & Pace & Record<string, unknown>>(LOCK, params),
    sql.query<{ now: Instant }>(NOW),
  ]);
  const paces = rows.map(({ tenantId, kind, key, places, promisedUntil }) => {
    return { tenantId, kind, key, pace: { places, promisedUntil } };
  });
  return { paces, now: (clock as { now: Instant }).now };
}

const WRITE = `
  update pace p
     set places = u.places, promised_until = u.promised_until, used_at = reminder_now()
    from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::timestamptz[])
      as u(tenant_id, kind, key, places, promised_until)
   where (p.tenant_id, p.kind, p.key) = (u.tenant_id, u.kind, u.key)`;

export async function writePaces(sql: Sql, kept: readonly KeptPace[]): Promise<void> {
  await sql.query(WRITE, [
    ...columns(kept),
    kept.map(({ pace }) => JSON.stringify(pace.places)),
    kept.map(({ pace }) => nullable(pace.promisedUntil)),
  ]);
}

// An occurrence that was promised a place and didn't leave passes it on to the one that took its place; looked for among
// the last few, since those in between may never have asked. One that a worker holds has it until it is used (see
// GIVE_UP_SLOTS): it may just be learning that it was superseded. One that asks along with the others keeps it. The numbers of
// recipients move up when one has done theirs, and steps of a policy have others: what one was promised is of no use to another.
// A worker of before 0034 kept what it promised for a person with the recipient's, one instant for both. Its words tell it from what waits for its
// recipient alone: whose contact wants so many a day only since then was promised nothing of the day.
const SLOTS = `
  with u as (
    select *
      from unnest($1::bigint[], $2::timestamptz[], $3::smallint[]) with ordinality
        as u(reminder_id, occurrence_at, recipient_no, place)
  )
  select coalesce(own.person_slot_at, case when own.reason like '%messages a day' then own.recipient_slot_at end, former.person_slot_at) as person,
         coalesce(own.recipient_slot_at, former.recipient_slot_at) as recipient,
         coalesce(own.tenant_slot_at, former.tenant_slot_at) as tenant,
         former.occurrence_at as "from"
    from u
    left join deliveries own on own.reminder_id = any (array[u.reminder_id]) and own.occurrence_at = u.occurrence_at
                            and own.recipient_no = u.recipient_no
    left join lateral (
      select last.*
        from (select occurrence_at, status, tenant_slot_at,
                     case when d.recipient is not distinct from own.recipient then recipient_slot_at end as recipient_slot_at,
                     case when d.recipient is not distinct from own.recipient
                          then coalesce(person_slot_at, case when reason like '%messages a day' then recipient_slot_at end) end as person_slot_at
                from deliveries d
               where d.reminder_id = u.reminder_id and d.recipient_no = u.recipient_no and d.occurrence_at < u.occurrence_at
               order by occurrence_at desc
               limit 5) last
       where coalesce(tenant_slot_at, recipient_slot_at, person_slot_at) is not null
         and status in ('pending', 'retrying', 'sending', 'suppressed')
         and coalesce(own.tenant_slot_at, own.recipient_slot_at, own.person_slot_at) is null
         and not exists (select from u asks where (asks.reminder_id, asks.occurrence_at, asks.recipient_no)
                                                = (u.reminder_id, last.occurrence_at, u.recipient_no))
       order by occurrence_at desc
       limit 1
    ) former on true
   order by u.place`;

/** What deliveries were promised, and the occurrence that they have it from, where that isn't their own. */
export async function readSlots(
  sql: Sql,
  keys: readonly DeliveryKey[],
): Promise<{ slots: Slots; from: Instant | null }[]> {
  const rows = await sql.query<Slots & { from: Instant | null } & Record<string, unknown>>(SLOTS, keyColumns(keys));
  return rows.map(({ person, recipient, tenant, from }) => ({ slots: { person, recipient, tenant }, from }));
}

const POSTPONE = `
  update deliveries d
     set status = case when d.attempts - u.overcount > 1 then 'retrying' else 'pending' end, attempts = d.attempts - u.overcount - 1, lease_token = null,
         next_attempt_at = greatest(u.until, d.occurrence_at), reason = u.reason,
         tenant_slot_at = u.tenant_slot_at, recipient_slot_at = u.recipient_slot_at, person_slot_at = u.person_slot_at,
         digest_at = coalesce(u.digest_at, d.digest_at), digest_id = case when u.digest_at is null or d.may_have_arrived then d.digest_id end
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::uuid[], $5::timestamptz[], $6::text[],
                $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::int[]) with ordinality
      as u(reminder_id, occurrence_at, recipient_no, token, until, reason, tenant_slot_at, recipient_slot_at, person_slot_at, digest_at, overcount,
           place)
   where d.reminder_id = any (array[u.reminder_id]) and d.occurrence_at = u.occurrence_at and d.recipient_no = u.recipient_no
     and d.lease_token = u.token
  returning u.place`;

export interface Postponed extends HeldKey {
  until: Instant;
  slots: Slots;
  reason: string;
  /** When it goes along with others; null: as it would have. */
  digestAt: Instant | null;
}

/** Puts deliveries back until then, the attempt that had begun not counted. Returns those that were still held under their token: the others are as they were. */
export async function postpone<P extends Postponed>(sql: Sql, postponed: readonly P[]): Promise<P[]> {
  if (postponed.length === 0) return [];
  const rows = await sql.query<{ place: number }>(POSTPONE, [
    ...keyColumns(postponed),
    postponed.map(({ token }) => token),
    postponed.map(({ until }) => toTimestamptz(until)),
    postponed.map(({ reason }) => reason),
    ...slotColumns(postponed),
    postponed.map(({ digestAt }) => nullable(digestAt)),
    postponed.map(({ overcount = 0 }) => overcount),
  ]);
  return rows.map(({ place }) => postponed[place - 1] as P);
}

// One that still waits is due at once, to be told that it has been superseded.
const GIVE_UP_SLOTS = `
  update deliveries d
     set tenant_slot_at = null, recipient_slot_at = null, person_slot_at = null,
         next_attempt_at = case when d.status in ('pending', 'retrying') then least(d.next_attempt_at, reminder_now())
                                else d.next_attempt_at end
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[]) as u(reminder_id, occurrence_at, recipient_no)
   where d.reminder_id = any (array[u.reminder_id]) and d.occurrence_at = u.occurrence_at and d.recipient_no = u.recipient_no`;

/** Takes from deliveries what they were promised: it has been used, or passed on. */
export async function giveUpSlots(sql: Sql, keys: readonly DeliveryKey[]): Promise<void> {
  if (keys.length > 0) await sql.query(GIVE_UP_SLOTS, keyColumns(keys));
}

const KEEP_SLOTS = `
  update deliveries d
     set tenant_slot_at = u.tenant_slot_at, recipient_slot_at = u.recipient_slot_at, person_slot_at = u.person_slot_at
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[])
      as u(reminder_id, occurrence_at, recipient_no, tenant_slot_at, recipient_slot_at, person_slot_at)
   where d.reminder_id = any (array[u.reminder_id]) and d.occurrence_at = u.occurrence_at and d.recipient_no = u.recipient_no
     and d.status in ('pending', 'retrying', 'sending')`;

const PASS_ON_SLOTS = `${KEEP_SLOTS} and coalesce(d.tenant_slot_at, d.recipient_slot_at, d.person_slot_at) is null`;

type WithSlots = DeliveryKey & { slots: Slots };

/** Leaves to deliveries that are still to be sent what they had taken, as if it had been promised, or were promised. */
export async function keepSlots(sql: Sql, kept: readonly WithSlots[]): Promise<void> {
  await writeSlots(sql, KEEP_SLOTS, kept);
}

/** The same for those that were claimed anew since: where they were promised something meanwhile, that stays. */
export async function passOnSlots(sql: Sql, passedOn: readonly WithSlots[]): Promise<void> {
  await writeSlots(sql, PASS_ON_SLOTS, passedOn);
}

async function writeSlots(sql: Sql, statement: string, of: readonly WithSlots[]): Promise<void> {
  const capped = of.filter(({ slots }) => hasAny(slots));
  if (capped.length > 0) await sql.query(statement, [...keyColumns(capped), ...slotColumns(capped)]);
}

const FORGET = `
  with idle as materialized (
    select tenant_id, kind, key
      from pace
     where used_at < reminder_now() - interval '1 day'
       and (promised_until is null or promised_until < reminder_now() - interval '1 day')
     limit $1
       for update skip locked
  )
  delete from pace p
   using idle
   where (p.tenant_id, p.kind, p.key) = (idle.tenant_id, idle.kind, idle.key)
  returning 1`;

/** Removes up to `limit` that no longer limit anything, and returns how many there were: a day is longer than any window. */
export async function forgetIdlePaces(sql: Sql, limit: number): Promise<number> {
  return (await sql.query(FORGET, [limit])).length;
}

function columns(keys: readonly PaceKey[]): unknown[] {
  return [keys.map(({ tenantId }) => tenantId), keys.map(({ kind }) => kind), keys.map(({ key }) => key)];
}

/** Of the tenant, the recipient and the person. */
function slotColumns(of: readonly { slots: Slots }[]): (string | null)[][] {
  return (["tenant", "recipient", "person"] as const).map((kind) => of.map(({ slots }) => nullable(slots[kind])));
}

function nullable(at: Instant | null): string | null {
  return at === null ? null : toTimestamptz(at);
}
