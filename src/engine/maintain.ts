import type { Logger } from "pino";
import { dropOldPartitions, ensurePartitions } from "../store/partitions.ts";
import type { Database } from "../store/postgres.ts";

const WEEKS_AHEAD = 5;
const HOUR_MS = 3_600_000;

/**
 * Keeps the ledger and the timeline in shape: partitions for the weeks ahead, and none older than the retention. Any worker
 * may do it, and any number at once. Resolves to the milliseconds until it is due again.
 */
export async function maintain(database: Database, retentionDays: number, log: Logger): Promise<number> {
  await ensurePartitions(database, WEEKS_AHEAD);
  const dropped = await dropOldPartitions(database, retentionDays);
  if (dropped > 0) log.info({ dropped, retentionDays }, "dropped old weeks of the ledger and the timeline");
  return HOUR_MS;
}
