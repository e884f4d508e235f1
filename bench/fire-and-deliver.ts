import { rateOfBare, rateOfWorker } from "./support/measure.ts";
import { insertReminders } from "./support/rows.ts";
import { median, type Scenario } from "./support/scenario.ts";

const DUE = 20_000;
const ROUNDS = 5;

/** Fires and delivers 20,000 due reminders, each with its own flag, by one worker, against the bare SQL. */
export const fireAndDeliver: Scenario = {
  name: "fire-and-deliver",
  run: async (stage) => {
    const database = await stage.fresh();
    await insertReminders(database, DUE, "due", 86_400);
    await database.runAlone("vacuum analyze reminder_jobs");
    const bare: number[] = [];
    const engine: number[] = [];
    // What runs for weeks is measured warm.
    await rateOfBare(database, "due", DUE);
    await rateOfWorker(database, "due", DUE);
    for (let round = 0; round < ROUNDS; round += 1) {
      bare.push(await rateOfBare(database, "due", DUE));
      engine.push(await rateOfWorker(database, "due", DUE));
    }
    const ratio = median(engine.map((rate, round) => rate / (bare[round] as number)));
    return [
      { what: "20,000 due, bare SQL on one connection", value: median(bare), unit: "/s" },
      { what: "20,000 due, one worker", value: median(engine), unit: "/s", ratio, against: "bare SQL" },
    ];
  },
};
