import type { Sql } from "./postgres.ts";

// Real time, as the beat itself is.
const IS_WORKER_BEATING =
  "select exists (select from workers where beat_at > now() - $1 * interval '1 second') as beating";

/** True when some worker has said within `seconds` that it is alive. */
export async function isWorkerBeating(sql: Sql, seconds: number): Promise<boolean> {
  const [row] = await sql.query<{ beating: boolean }>(IS_WORKER_BEATING, [seconds]);
  return row?.beating ?? false;
}
