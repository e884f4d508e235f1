import { randomUUID } from "node:crypto";
import { MOST_ITEMS } from "../core/digest.ts";
import type { Instant } from "../core/instant.ts";
import { deliveryId } from "../core/reminder.ts";
import type { Tenant } from "../core/tenant.ts";
import { aloneFromAttempt, type Room, type SuspectPlaces, suspectFromAttempt } from "./claimable.ts";
import { type Row, type Sql, toTimestamptz } from "./postgres.ts";
import { WAITING } from "./wake.ts";

export interface DigestClaim {
  channel: string;
  /** Digests. */
  limit: number;
  /** What each tenant may have of it. */
  room: Room;
  /** Tenants that are to have none of it. */
  except: readonly Tenant[];
  /** How many of those may be among them with which workers died or fell silent at least twice. */
  suspects: SuspectPlaces;
  maxAttempts: number;
}

interface LockedDigest {
  id: string;
  rows: Row[];
}

/** In the words of the indexes: with `or` in it, all that is open would be read and sorted for each look. */
const OPEN = "status in ('pending', 'sending', 'retrying')";
/** Any fixed number: whoever puts a digest together has the lock of this and its own hash. */
const DIGEST_LOCK = 7_269_102;
/** Each look goes over so many deliveries for each digest that it may find. */
const ROWS_PER_DIGEST = 20;

// One worker puts a digest together, so that it isn't sent in two halves; for that row locks alone wouldn't do, since what another
// worker has locked would be passed over. A row that somebody took while this waited isn't as it was, and is left to them.
// `due_at`: the newest of its reminder's occurrences after it that doesn't wait for a later message; `leaves_at`: when the first of those does that wait.
// What was begun by a worker that has died is known by its id, and is kept apart from what came since; so is what was begun by itself, and
// what may have arrived by itself. Of what was begun together, all is taken or nothing (`whole`): where somebody has one of its rows locked,
// it would come again with less in it, and the rest later, under an id that the receiver knows already. The tenants of $3 have no room,
// or had some just now, and what waits of them isn't in the way of the others'.
const LOCK_DIGESTS = `
  with due as materialized (
    select distinct tenant_id, recipient, digest_at, digest_id
      from (select tenant_id, recipient, digest_at, digest_id
              from deliveries
             where channel = $1 and digest_at is not null and ${OPEN}
               and next_attempt_at <= reminder_now() and tenant_id <> all($3::text[])
             order by next_attempt_at
             limit $2 * ${ROWS_PER_DIGEST}) longest
     limit $2
  ), mine as materialized (
    select *
      from due
     where pg_try_advisory_xact_lock(${DIGEST_LOCK},
             hashtext(concat_ws(' ', tenant_id, $1::text, recipient, extract(epoch from digest_at), digest_id)))
  )
  select d.tenant_id, d.reminder_id, d.occurrence_at, d.recipient_no, d.bucket, d.recipient, d.attempts, d.addressed, d.digest_at,
         d.digest_id, d.digest_id is null and (d.status = 'sending' or coalesce(d.may_have_arrived, false)) as was_alone,
         newer.due_at as newest_due_at, newer.leaves_at as newer_leaves_at, d.left_under = d.lease_token as may_have_left,
         d.status = 'sending' and d.attempts >= $4 as was_cut_short,
         case when d.status = 'sending' and d.attempts >= $4 and d.attempts < $5 then 'suspect' else 'digest' end as part,
         whole.count as whole
    from mine
   cross join lateral (
     select *
       from deliveries
      where channel = $1 and digest_at = mine.digest_at and tenant_id = mine.tenant_id and recipient = mine.recipient
        and digest_id is not distinct from mine.digest_id
        and ${OPEN} and (${WAITING} or next_attempt_at <= reminder_now())
      order by occurrence_at, reminder_id, recipient_no
      limit ${MOST_ITEMS}
        for update skip locked
   ) d
   cross join lateral (
     select max(n.occurrence_at) filter (where n.digest_at is null or n.digest_at <= reminder_now()) as due_at,
            min(n.digest_at) filter (where n.digest_at > reminder_now()) as leaves_at
       from deliveries n
      where n.reminder_id = d.reminder_id and n.recipient_no = d.recipient_no and n.occurrence_at > d.occurrence_at
   ) newer
   cross join lateral (
     select count(*)::integer
       from deliveries
      where mine.digest_id is not null
        and channel = $1 and digest_at = mine.digest_at and tenant_id = mine.tenant_id and recipient = mine.recipient
        and digest_id = mine.digest_id and ${OPEN}
   ) whole`;

const NAME = `
  update deliveries d
     set digest_id = u.digest_id
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::text[])
           as u(reminder_id, occurrence_at, recipient_no, digest_id)
   where d.reminder_id = any (array[u.reminder_id]) and d.occurrence_at = u.occurrence_at and d.recipient_no = u.recipient_no`;

/**
 * Locks the digests of a channel that are due, and gives each an id for ever, which says its first delivery's and is no
 * delivery's own: that one may come by itself later. What is alone needs none: it goes as if it weren't to be one.
 */
export async function lockDigests(sql: Sql, claim: DigestClaim): Promise<LockedDigest[]> {
  const { channel, limit, room, except, maxAttempts } = claim;
  let { alone, together } = claim.suspects;
  const params = [channel, limit, [...room.full(), ...except], suspectFromAttempt(maxAttempts), maxAttempts];
  const rows = await sql.query(LOCK_DIGESTS, params);
  // What isn't taken is let go when the transaction ends, as it was.
  const mayBeTaken = (rows: readonly Row[]): boolean => {
    if (rows.length < (rows[0]?.whole as number)) return false;
    const suspects = rows.filter(({ part }) => part === "suspect");
    const isAlone = suspects.some(({ attempts }) => (attempts as number) >= aloneFromAttempt(maxAttempts));
    if (suspects.length > 0 && (isAlone ? alone : together) <= 0) return false;
    if (!room.tryTake(rows[0]?.tenant_id as Tenant)) return false;
    if (isAlone) [alone, together] = [alone - 1, 0];
    else if (suspects.length > 0) [alone, together] = [0, together - 1];
    return true;
  };
  const digests = [...groupBy(rows, keyOf).values()]
    .filter(mayBeTaken)
    .map((rows) => ({ id: (rows[0]?.digest_id as string | null) ?? newId(rows), rows }));
  const unnamed = digests.flatMap(({ id, rows }) =>
    rows.length === 1 || rows[0]?.digest_id !== null ? [] : rows.map((row) => ({ id, row })),
  );
  if (unnamed.length > 0) {
    await sql.query(NAME, [
      unnamed.map(({ row }) => row.reminder_id),
      unnamed.map(({ row }) => toTimestamptz(row.occurrence_at as Instant)),
      unnamed.map(({ row }) => row.recipient_no),
      unnamed.map(({ id }) => id),
    ]);
  }
  return digests;
}

const NEXT_DIGEST = `
  select channels.name, (extract(epoch from found.at - reminder_now()) * 1000)::float8 as in_ms
    from unnest($1::text[]) as channels(name)
   cross join lateral (
     select next_attempt_at as at
       from deliveries
      where channel = channels.name and digest_at is not null and ${OPEN}
      order by next_attempt_at
      limit 1
   ) found`;

/** Of those of these channels that have any: milliseconds until the next digest may be taken. */
export async function nextDigests(sql: Sql, channels: readonly string[]): Promise<Map<string, number>> {
  const rows = await sql.query<{ name: string; in_ms: number }>(NEXT_DIGEST, [channels]);
  return new Map(rows.map(({ name, in_ms }) => [name, in_ms]));
}

/** What was sent by itself and may have arrived has arrived under its own id, under which nothing else may come. */
function keyOf(row: Row): string {
  const { tenant_id, recipient, digest_at, digest_id } = row;
  return JSON.stringify([tenant_id, recipient, digest_at, row.was_alone ? idOf(row) : digest_id, row.was_alone]);
}

function newId(rows: readonly Row[]): string {
  const first = idOf(rows[0] as Row);
  return rows.length === 1 ? first : `${first}-${randomUUID().slice(0, 8)}`;
}

function idOf({ reminder_id, occurrence_at, recipient_no }: Row): string {
  return deliveryId({
    reminderId: reminder_id as number,
    occurrenceAt: occurrence_at as Instant,
    recipientNo: recipient_no as number,
  });
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
