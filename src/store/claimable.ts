import type { Instant } from "../core/instant.ts";
import type { Tenant } from "../core/tenant.ts";
import { evenly, takeTurns } from "../core/turns.ts";
import type { Row, Sql } from "./postgres.ts";
import { ALONE, LEASED, sinceInstant, WAITING } from "./wake.ts";

/** Which open deliveries a worker takes. */
export interface Claimable {
  channel: string;
  limit: number;
  /** Beside the `limit`. */
  suspects: SuspectPlaces;
  /** Nothing is known to wait before this instant, so it isn't looked for there (see `LowMark`); null: anywhere. */
  from: Instant | null;
  /** Null: what waits the longest. Else the same share for each tenant, beginning with the one after this. */
  after: string | null;
  /** What each tenant may have of the `limit`; left out: as much as there is. */
  room?: Room;
  maxAttempts: number;
}

/**
 * How many of those may be taken with which workers died or fell silent at least twice, and that are to be sent: `together` of
 * those that may be beside each other, unless there is one that must be `alone` (see `aloneFromAttempt`), of which as many are
 * taken instead.
 */
export interface SuspectPlaces {
  together: number;
  alone: number;
}

/** Places of which no tenant may have all. */
export interface Room {
  leftFor(tenant: Tenant): number;
  tryTake(tenant: Tenant): boolean;
  /** Those for whom nothing is left. */
  full(): Tenant[];
}

/** Locked deliveries, in the order in which they are to be sent. */
interface Locked {
  rows: Row[];
  /** With which `after` to claim what more there is; null when there was room for all that waits. */
  next: string | null;
}

const TAKEABLE = `channel = $1 and ${ALONE} and next_attempt_at <= reminder_now() and next_attempt_at >= $3::timestamptz`;
const COLUMNS =
  "tenant_id, reminder_id, occurrence_at, recipient_no, recipient, attempts, next_attempt_at, addressed, " +
  `left_under = lease_token as may_have_left, ${LEASED} and attempts >= $4 as was_cut_short`;

// False for what isn't to be sent any more: in SQL, what `recheck` says of the reminder, its stop condition left out. It ends no worker, so
// none has to be careful with it. Asked of suspects alone, one by one: a subquery for one value is, while `exists` might read all
// reminders into a table first. What only tells that its reminder is done is sent because it is.
const MAY_BE_SENT = `(addressed -> 'tells' is not null or (
         select r.status = 'ACTIVE' and r.deleted_at is null
                and coalesce(r.silent_until <= deliveries.occurrence_at, true)
                and (r.misfire_policy is not distinct from 'all'
                     or coalesce(r.last_occurrence_at <= deliveries.occurrence_at, true))
           from reminder_jobs r
          where r.id = deliveries.reminder_id) is true)`;

// What a worker held until its lease ran out comes first, so that no backlog is in its way. A suspect is what worker after
// worker died or fell silent with ($4 attempts or more, but not all of its $5), and is to be sent; from $6 attempts on it is alone.
// These are taken beside the limit of $2. The tenants of $9 have no room.
const suspects = (attempts: string, limit: string): string => `
    select ${COLUMNS}, 'suspect' as part
      from deliveries
     where ${TAKEABLE} and ${LEASED} and ${attempts} and ${MAY_BE_SENT} and tenant_id <> all($9::text[])
     order by next_attempt_at
     limit ${limit}
       for update skip locked`;

const LEASES_RUN_OUT = `
  unsuspected as materialized (
    select ${COLUMNS}, 'leased' as part
      from deliveries
     where ${TAKEABLE} and ${LEASED} and not (attempts >= $4 and attempts < $5 and ${MAY_BE_SENT}) and tenant_id <> all($9::text[])
     order by next_attempt_at
     limit $2
       for update skip locked
  ), alone as materialized (${suspects("attempts >= $6 and attempts < $5", "$7")}
  ), together as materialized (${suspects("attempts >= $4 and attempts < $6", "case when exists (select from alone) then 0 else $8 end")}
  ), suspects as (
    select * from alone union all select * from together
  )`;

const LOCK_LONGEST = `
  with ${LEASES_RUN_OUT}, waiting as materialized (
    select ${COLUMNS}, 'oldest' as part
      from deliveries
     where ${TAKEABLE} and ${WAITING}
     order by next_attempt_at
     limit greatest(0, $2 - (select count(*) from unsuspected))
       for update skip locked
  )
  select * from unsuspected union all select * from suspects union all select * from waiting`;

const waitingOfShare = (part: "oldest" | "newest", order: string): string => `
    select w.*, '${part}' as part
      from shares
     cross join lateral (
       select ${COLUMNS}
         from deliveries
        where ${TAKEABLE} and ${WAITING} and tenant_id = shares.tenant_id
        order by ${order}
        limit shares.${part}
          for update skip locked
     ) w`;

const LOCK_SHARES = `
  with ${LEASES_RUN_OUT}, shares as (
    select *
      from unnest($10::text[], $11::int[], $12::int[]) as s(tenant_id, oldest, newest)
  ), oldest as materialized (${waitingOfShare("oldest", "next_attempt_at")}
  ), newest as materialized (${waitingOfShare("newest", "next_attempt_at desc")}
  )
  select * from unsuspected union all select * from suspects union all select * from oldest union all select * from newest`;

// From one tenant to the next by the index, however many deliveries lie between; a bounded number of steps.
const WAITING_TENANTS = `
  with recursive visited as (
    (select tenant_id, next_attempt_at, 1 as place
       from deliveries
      where channel = $1 and ${WAITING} and ${ALONE} and next_attempt_at >= $2::timestamptz and tenant_id > $3
      order by tenant_id, next_attempt_at
      limit 1)
    union all
    select following.tenant_id, following.next_attempt_at, visited.place + 1
      from visited
     cross join lateral (
       select tenant_id, next_attempt_at
         from deliveries
        where channel = $1 and ${WAITING} and ${ALONE} and next_attempt_at >= $2::timestamptz and tenant_id > visited.tenant_id
        order by tenant_id, next_attempt_at
        limit 1
     ) following
     where visited.place < $4
  )
  select tenant_id, next_attempt_at <= reminder_now() as is_due
    from visited`;

/** How many tenants one look goes over, and how many share one claim. */
const LARGEST_LOOK = 200;
const TENANTS_AT_ONCE = 32;

/** Locks what may be sent: leases that ran out, what is due for a retry, and what waits for its turn. */
export async function lockClaimable(sql: Sql, claim: Claimable): Promise<Locked> {
  const { channel, limit, suspects, from, after, room, maxAttempts } = claim;
  const full = room?.full() ?? [];
  const leases = [suspectFromAttempt(maxAttempts), maxAttempts, aloneFromAttempt(maxAttempts)];
  const params = [channel, limit, sinceInstant(from), ...leases, suspects.alone, suspects.together, full];
  // By instant, much of a tenant that has no room would be in the way of the others.
  if (after !== null || full.length > 0) return lockShares(sql, claim, params, after ?? "", new Set(full));

  const locked = await sql.query(LOCK_LONGEST, params);
  const rows = withRoom(room, locked);
  const isMore = rows.length < locked.length || rows.filter((row) => row.part !== "suspect").length >= limit;
  return { rows, next: isMore ? "" : null };
}

/** Those for which their tenants have room. The others are let go when the transaction ends, as they were. */
function withRoom(room: Room | undefined, rows: Row[]): Row[] {
  return room ? rows.filter((row) => room.tryTake(row.tenant_id as Tenant)) : rows;
}

/** With as many attempts, none of which came to an end, a delivery is suspected of ending the workers that send it. */
const SUSPECT_ATTEMPTS = 2;

/** After how many attempts it is suspected: one at least is left for when it is alone among its kind. */
export function suspectFromAttempt(maxAttempts: number): number {
  return Math.min(SUSPECT_ATTEMPTS, maxAttempts - 1);
}

/** After how many it must be alone: where more than the last are left, the first of them may be made side by side with its kind. */
export function aloneFromAttempt(maxAttempts: number): number {
  const suspectFrom = suspectFromAttempt(maxAttempts);
  return maxAttempts - suspectFrom > 1 ? suspectFrom + 1 : suspectFrom;
}

async function lockShares(
  sql: Sql,
  { channel, limit, from, room }: Claimable,
  params: unknown[],
  after: string,
  full: ReadonlySet<Tenant>,
): Promise<Locked> {
  const look = [channel, sinceInstant(from), after, LARGEST_LOOK];
  const visited = await sql.query<{ tenant_id: string; is_due: boolean }>(WAITING_TENANTS, look);
  const due = visited
    .filter((tenant) => tenant.is_due && !full.has(tenant.tenant_id))
    .map(({ tenant_id }) => tenant_id);
  const tenants = due.slice(0, Math.min(TENANTS_AT_ONCE, limit));
  const lookedAt = due.length > tenants.length ? tenants.at(-1) : visited.at(LARGEST_LOOK - 1)?.tenant_id;

  const shares = evenly(limit, Math.max(1, tenants.length))
    .slice(0, tenants.length)
    .map((share, place) => Math.min(share, room?.leftFor(tenants[place] as Tenant) ?? share));
  const oldest = shares.map((share) => Math.ceil(share / 2));
  const newest = shares.map((share) => Math.floor(share / 2));
  const locked = await sql.query(LOCK_SHARES, [...params, tenants, oldest, newest]);

  const turns = new Map(tenants.map((tenant) => [tenant, { oldest: [] as Row[], newest: [] as Row[] }]));
  for (const row of unique(locked)) {
    if (row.part === "oldest" || row.part === "newest") turns.get(row.tenant_id as string)?.[row.part].push(row);
  }
  const isMore = [...turns.values()].some((turn, place) => turn.oldest.length >= (oldest[place] as number));
  const leased = locked.filter((row) => row.part === "leased" || row.part === "suspect");
  return {
    rows: withRoom(room, [...leased, ...takeTurns([...turns.values()].flatMap((turn) => [turn.newest, turn.oldest]))]),
    next: lookedAt ?? (isMore ? "" : null),
  };
}

/** Where little waits, the longest waiting are also the last that came. */
function unique(rows: readonly Row[]): Row[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const key = `${row.reminder_id}-${row.occurrence_at}-${row.recipient_no}`;
    return !seen.has(key) && seen.add(key);
  });
}
