import { onTestFinished } from "vitest";
import { openDatabase } from "../../src/store/postgres.ts";

/**
 * Somebody's transaction that looked at the database and stays open until the test ends: while it does, nothing that died
 * since can be cleared away.
 */
export async function holdSnapshot(url: string): Promise<void> {
  const other = openDatabase({ url, poolSize: 1 });
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await new Promise<void>((held, reject) => {
    const holding = other.transaction(async (sql) => {
      await sql.query("set local idle_in_transaction_session_timeout = 0");
      // An xid keeps what died since from being cleared as well as a snapshot does, at every isolation level.
      await sql.query("select txid_current()");
      held();
      await released;
    });
    holding.catch(reject);
    onTestFinished(async () => {
      release();
      await holding;
      await other.close();
    });
  });
}
