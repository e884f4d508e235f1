import type { Database } from "../src/store/postgres.ts";
import { fireBare } from "./support/bare.ts";
import { startEngine } from "./support/engine.ts";
import { insertReminders, makeDue } from "./support/rows.ts";
import { type Figure, median, type Scenario } from "./support/scenario.ts";

const DUE = 20_000;
const ROUNDS = 5;
const BARE_BATCH = 1_000;

/** Fires and delivers 20,000 due reminders, each with its own flag, by one worker, against the bare SQL. */
export const fireAndDeliver: Scenario = {
  name: "fire-and-deliver",
  run: async (stage) => {
    const database = await stage.fresh();
    await insertReminders(database, DUE, "due", 86_400);
    const bare: number[] = [];
    const engine: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      bare.push(await perSecond(database, () => fireBare(database, BARE_BATCH)));
      engine.push(await perSecond(database, () => fireByWorker(database)));
    }
    const figures: Figure[] = [{ what: `${DUE} due, bare SQL on one connection`, value: median(bare), unit: "/s" }];
    const ratio = median(engine.map((rate, round) => rate / (bare[round] as number)));
    figures.push({ what: `${DUE} due, one worker`, value: median(engine), unit: "/s", ratio, against: "bare SQL" });
    return figures;
  },
};

async function perSecond(database: Database, work: () => Promise<unknown>): Promise<number> {
  await database.query("truncate deliveries, reminder_events");
  await makeDue(database, "due");
  await database.query("vacuum analyze reminder_jobs");
  await database.query("checkpoint");
  const startedAt = performance.now();
  await work();
  return DUE / ((performance.now() - startedAt) / 1000);
}

async function fireByWorker(database: Database): Promise<void> {
  const worker = startEngine(database);
  for (;;) {
    const [row] = await database.query<{ left: number }>(
      "select $1 - count(*) as left from deliveries where status = 'sent'",
      [DUE],
    );
    if (row?.left === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await worker.stop();
}
