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
  const sends = countdown(due);
  const startedAt = performance.now();
  const worker = startEngine(database, nothingChannel(sends.one));
  // Before the last has left, to ask the store would only cost the worker its time.
  await sends.all;
  await untilSent(database, due);
  const rate = perSecond(due, startedAt);
  await worker.stop();
  return rate;
}

// By the indexes of what is due and of what is open, in their own words: to go through the tables would cost the workers their time.
const IS_AT_REST = `
  select not exists (select from reminder_jobs
                      where status = 'ACTIVE' and deleted_at is null and next_run_at is not null and not is_asked
                        and next_run_at <= reminder_now()
                      order by next_run_at
                      limit 1)
     and not exists (select from deliveries where status = 'sending' and digest_at is null)
     and not exists (select from deliveries where status in ('pending', 'retrying') and digest_at is null) as is_at_rest`;

/** Waits until the store shows that many deliveries as sent, and nothing more to be done. */
export async function untilSent(database: Database, count: number): Promise<void> {
  for (;;) {
    const [row] = await database.query<{ is_at_rest: boolean }>(IS_AT_REST);
    if (row?.is_at_rest && (await countSent(database)) >= count) return;
    await pause(POLL_MS);
  }
}

async function countSent(database: Database): Promise<number> {
  const [row] = await database.query<{ sent: number }>("select count(*) as sent from deliveries where status = 'sent'");
  return row?.sent ?? 0;
}

/** `all` resolves once `one` was called so often. */
function countdown(count: number): { one: () => void; all: Promise<void> } {
  let one = (): void => {};
  const all = new Promise<void>((resolve) => {
    let left = count;
    one = () => {
      left -= 1;
      if (left === 0) resolve();
    };
  });
  return { one, all };
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
