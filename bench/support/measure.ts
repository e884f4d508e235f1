import type { Database } from "../../src/store/postgres.ts";
import { fireBare } from "./bare.ts";
import { nothingChannel, startEngine } from "./engine.ts";
import { makeDue } from "./rows.ts";

const BARE_BATCH = 1_000;
const POLL_MS = 20;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Makes the reminders of this kind due, and has them fired by the bare SQL. Fires per second. */
export async function rateOfBare(database: Database, kind: string, due: number): Promise<number> {
  await prepare(database, kind);
  const startedAt = performance.now();
  await fireBare(database, BARE_BATCH);
  return perSecond(due, startedAt);
}

/** Makes the reminders of this kind due, and has them fired and delivered by one worker. Fires per second. */
export async function rateOfWorker(database: Database, kind: string, due: number): Promise<number> {
  await prepare(database, kind);
  const startedAt = performance.now();
  const worker = startEngine(database, nothingChannel());
  await untilSent(database, due);
  const rate = perSecond(due, startedAt);
  await worker.stop();
  return rate;
}

/** Waits until the store shows that many deliveries as sent. */
export async function untilSent(database: Database, count: number): Promise<void> {
  for (;;) {
    const [row] = await database.query<{ sent: number }>(
      "select count(*) as sent from deliveries where status = 'sent'",
    );
    if ((row?.sent ?? 0) >= count) return;
    await pause(POLL_MS);
  }
}

/** The ledger is emptied and the checkpoint is past, so that each round begins alike. */
async function prepare(database: Database, kind: string): Promise<void> {
  await database.query("truncate deliveries, reminder_events");
  await makeDue(database, kind);
  await database.runAlone("checkpoint");
}

function perSecond(count: number, startedAt: number): number {
  return count / ((performance.now() - startedAt) / 1000);
}
