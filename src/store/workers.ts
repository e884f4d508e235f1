import type { Sql } from "./postgres.ts";

// The beat is real time even in a database whose clock is moved for a test: it tells whether a process is alive.
const BEAT = `
  insert into workers (id, name, beat_at) values ($1, $2, now())
  on conflict (id) do update set beat_at = now()`;

/** Says that this worker is alive. */
export async function beat(sql: Sql, worker: { id: string; name: string }): Promise<void> {
  await sql.query(BEAT, [worker.id, worker.name]);
}

const REMOVE = "delete from workers where id = $1 or beat_at < now() - interval '1 hour'";

/** Takes this worker off the list, and any that fell silent long ago. */
export async function removeWorker(sql: Sql, id: string): Promise<void> {
  await sql.query(REMOVE, [id]);
}
