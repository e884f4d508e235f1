import type { Sql } from "./postgres.ts";

// The beat is real time even in a database whose clock is moved for a test: it tells whether a process is alive.
const BEAT = `
  insert into workers (id, name, beat_at) values ($1, $2, now())
  on conflict (id) do update set beat_at = now()`;

/** Says that this worker is alive. */
export async function beat(sql: Sql, worker: { id: string; name: string }): Promise<void> {
  await sql.query(BEAT, [worker.id, worker.name]);
}

const FORGET = "delete from workers where beat_at < now() - interval '1 hour'";

/** Takes those off the list who fell silent long ago. */
export async function forgetSilentWorkers(sql: Sql): Promise<void> {
  await sql.query(FORGET);
}

const REMOVE = "delete from workers where id = $1";

/** Takes this worker off the list. */
export async function removeWorker(sql: Sql, id: string): Promise<void> {
  await sql.query(REMOVE, [id]);
}
