import { rateOfWorker } from "./support/measure.ts";
import { insertReminders } from "./support/rows.ts";
import { type Figure, median, type Scenario } from "./support/scenario.ts";

const DUE = 20_000;
const WAITING = Number(process.env.BENCH_WAITING ?? 1_000_000);
const ROUNDS = 3;
const NEXT_YEAR = 365 * 86_400;

/** The same 20,000 due reminders beside a million that wait for the far future: at once after their insert, and later. */
export const resident: Scenario = {
  name: "resident",
  run: async (stage) => {
    const database = await stage.fresh();
    await insertReminders(database, DUE, "due", 86_400);
    await database.runAlone("vacuum analyze reminder_jobs");
    const rates = async (): Promise<number[]> => {
      const measured: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) measured.push(await rateOfWorker(database, "due", DUE));
      return measured;
    };

    const alone = median(await rates());
    await insertReminders(database, WAITING, "waiting", NEXT_YEAR);
    const atOnce = median(await rates());
    await database.runAlone("vacuum analyze");
    const later = median(await rates());

    const waiting = WAITING.toLocaleString("en");
    const figures: Figure[] = [
      { what: "20,000 due, nothing else", value: alone, unit: "/s" },
      {
        what: `... right after ${waiting} waiting were inserted`,
        value: atOnce,
        unit: "/s",
        ratio: atOnce / alone,
        against: "alone",
      },
      {
        what: `... beside ${waiting} waiting, after vacuum`,
        value: later,
        unit: "/s",
        ratio: later / alone,
        against: "alone",
      },
    ];
    return figures;
  },
};
