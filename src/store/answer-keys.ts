import type { Row, Sql } from "./postgres.ts";

/** One row of `answer_keys`: what links in messages are signed with. */
export interface StoredAnswerKey {
  id: number;
  secret: Buffer;
}

const READ = `
  select id, secret
    from answer_keys
   where ends_at is null or ends_at > reminder_now()
   order by ends_at is null desc, ends_at desc`;

/** The keys whose signatures are good, the one that signs first. None before the first link was made. */
export async function readAnswerKeys(sql: Sql): Promise<StoredAnswerKey[]> {
  return (await sql.query(READ)).map(toKey);
}

// Whoever comes second finds the first one's, by the index that allows one newest.
const MAKE_FIRST = "insert into answer_keys (id, secret) values (0, $1) on conflict do nothing";

/** Keeps this as the first key, unless there is one. */
export async function makeFirstAnswerKey(sql: Sql, secret: Buffer): Promise<void> {
  await sql.query(MAKE_FIRST, [secret]);
}

const LOCK = "lock table answer_keys in share row exclusive mode";
const FORGET = "delete from answer_keys where ends_at <= reminder_now()";
// Instants are kept in whole milliseconds, and rounded up this one wouldn't have come yet.
const END = `
  update answer_keys
     set ends_at = least(ends_at, date_trunc('milliseconds', reminder_now()) + $1 * interval '1 day')`;
const ADD = `
  insert into answer_keys (id, secret)
  select id, $1
    from generate_series(0, 255) as free (id)
   where not exists (select from answer_keys k where k.id = free.id)
   order by (id + 255 - coalesce((select k.id from answer_keys k order by created_at desc, k.id desc limit 1), 255)) % 256
   limit 1
  returning id, secret`;

/**
 * Signs with this from now on; what the others have signed is good for so many days more, 0: at once no more. Null where some
 * are to stay good and all numbers of keys are taken: then it was rotated 256 times within that time, and nothing changes. Within a transaction of the tables' owner.
 */
export async function rotateAnswerKey(sql: Sql, secret: Buffer, overlapDays: number): Promise<StoredAnswerKey | null> {
  await sql.query(LOCK);
  await sql.query(FORGET);
  const [known] = await sql.query<{ count: number }>("select count(*)::int as count from answer_keys");
  const isFull = (known?.count ?? 0) > 255;
  if (isFull && overlapDays > 0) return null;
  await sql.query(END, [overlapDays]);
  if (isFull) await sql.query(FORGET);
  const [added] = await sql.query(ADD, [secret]);
  return added ? toKey(added) : null;
}

function toKey(row: Row): StoredAnswerKey {
  return { id: row.id as number, secret: row.secret as Buffer };
}
