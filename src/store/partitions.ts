import type { Session } from "./postgres.ts";

// Adding or dropping a partition locks its parent for a moment. Whoever reads or writes it now goes first: rather than
// queue in front of others, this gives up and is tried again later.
const YIELD_TO_OTHERS = "set local lock_timeout = '200ms'";

const ENSURE = "select ensure_partitions(reminder_now(), $1)";

/** Creates the ledger's and the timeline's partitions for the coming weeks where they are missing. */
export async function ensurePartitions(database: Session, weeks: number): Promise<void> {
  await database.transaction(async (sql) => {
    await sql.query(YIELD_TO_OTHERS);
    await sql.query(ENSURE, [weeks]);
  });
}

const DROP = "select drop_partitions_before(reminder_now() - $1 * interval '1 day') as dropped";

/** Drops what is older than `retentionDays` from the ledger and the timeline, a week at a time. Returns how many tables went. */
export async function dropOldPartitions(database: Session, retentionDays: number): Promise<number> {
  return database.transaction(async (sql) => {
    await sql.query(YIELD_TO_OTHERS);
    const [row] = await sql.query<{ dropped: number }>(DROP, [retentionDays]);
    return row?.dropped ?? 0;
  });
}
