import { FIRE_AHEAD_MS } from "../../src/engine/settings.ts";
import type { Database } from "../../src/store/postgres.ts";
import { fireBare } from "./bare.ts";
import { nothingChannel, startEngine } from "./engine.ts";
import { makeDue, msUntil } from "./rows.ts";

const BARE_BATCH = 1_000;
/** Within this a worker has done what it does when it starts. */
const STARTS_MS = 1_500;
const DUE_IN_SECONDS = 4;
/** So long nothing goes on before the measured time begins, at least. */
const AT_REST_MS = 500;
const POLL_MS = 20;
const SELDOM_MS = 50;

/** The machine's clock, in milliseconds and their parts, to be held against the server's, which is the same. */
export const clockMs = (): number => performance.timeOrigin + performance.now();

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Has the reminders of this kind fall due at one instant, and be fired by the bare SQL from then on. Fires per second. */
export async function rateOfBare(database: Database, kind: string, due: number): Promise<number> {
  const dueAtMs = await prepare(database, kind);
  // A timer may end a little early, and whoever asks too early finds nothing.
  await pause(dueAtMs - performance.now() + 2);
  const startedAt = performance.now();
  const fired = await fireBare(database, BARE_BATCH);
  if (fired !== due) throw new Error(`the bare SQL has fired ${fired} of ${due}`);
  return perSecond(due, startedAt);
}

/** Without checkpoints, it is measured in whatever state the server is. */
export interface Preparation {
  withCheckpoints?: boolean;
  dueInSeconds?: number;
}

/** The same, fired and delivered by one worker, which is at work already: what its start takes isn't counted. */
export async function rateOfWorker(
  database: Database,
  kind: string,
  due: number,
  preparation: Preparation = {},
): Promise<number> {
  const sends = countdown(due);
  const worker = startEngine(database, nothingChannel(sends.one));
  try {
    await pause(STARTS_MS);
    const dueAtMs = await prepare(database, kind, preparation);
    // Before the last has left, to ask the store would only cost the worker its time.
    await sends.all;
    await untilSent(database, due);
    return perSecond(due, dueAtMs - FIRE_AHEAD_MS);
  } finally {
    await worker.stop();
  }
}

// By the indexes of what is due and of what is open, in their own words: to go through the tables would cost the workers their time.
const LEFT_TO_DO = `
  select exists (select from reminder_jobs
                  where status = 'ACTIVE' and deleted_at is null and next_run_at is not null and not is_asked
                    and next_run_at <= reminder_now()
                  order by next_run_at
                  limit 1) as is_due,
         exists (select from deliveries where status = 'sending' and digest_at is null)
      or exists (select from deliveries where status in ('pending', 'retrying') and digest_at is null) as is_open`;

/** Waits until the store shows that many deliveries as sent, and nothing more to be done. As long as the end is far, it is seldom asked. */
export async function untilSent(database: Database, count: number): Promise<void> {
  for (;;) {
    const [left] = await database.query<{ is_due: boolean; is_open: boolean }>(LEFT_TO_DO);
    const isAtRest = left && !left.is_due && !left.is_open;
    if (isAtRest && (await countSent(database)) >= count) return;
    await pause(left?.is_due ? SELDOM_MS : POLL_MS);
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

/**
 * The ledger is emptied and the checkpoint, unless there is to be none, is past before anything is due, so that each round begins
 * alike. Returns when that is, by `performance.now()`.
 */
async function prepare(
  database: Database,
  kind: string,
  { withCheckpoints = true, dueInSeconds = DUE_IN_SECONDS }: Preparation = {},
): Promise<number> {
  const checkpoint = async (): Promise<void> => (withCheckpoints ? database.runAlone("checkpoint") : undefined);
  await database.query("truncate deliveries, reminder_events");
  // Once before as well: after a mass insert it takes longer than the time that is left then.
  await checkpoint();
  const dueAt = await makeDue(database, kind, dueInSeconds);
  await checkpoint();
  const inMs = await msUntil(database, dueAt);
  if (inMs < AT_REST_MS) throw new Error("the machine is too slow for this: what was to be measured has begun");
  return performance.now() + inMs;
}

function perSecond(count: number, startedAt: number): number {
  return count / ((performance.now() - startedAt) / 1000);
}
