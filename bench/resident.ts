import { rateOfWorker } from "./support/measure.ts";
import { insertReminders } from "./support/rows.ts";
import { median, type Scenario } from "./support/scenario.ts";
import type { Stage } from "./support/stage.ts";

const DUE = 20_000;
const WAITING = Number(process.env.BENCH_WAITING ?? 1_000_000);
const ROUNDS = 5;
const NEXT_YEAR = 365 * 86_400;
/** After the insert of many, to make some due takes its time: their pages have left the memory. */
const DUE_IN_SECONDS = 4 + Math.ceil(WAITING / 500_000);

type Bench = Awaited<ReturnType<Stage["fresh"]>>;

/**
 * The same 20,000 due reminders beside a million that wait for the far future: in the first seconds after their insert, after a
 * checkpoint, and after vacuum.
 */
export const resident: Scenario = {
  name: "resident",
  run: async (stage) => {
    const alone = await withDue(stage);
    const beside = await withDue(stage);
    // Neither waits for a checkpoint, as nobody does after a mass insert; the server may make one by itself meanwhile.
    const atOnce = { withCheckpoints: false, dueInSeconds: DUE_IN_SECONDS };
    const before = await rateOfWorker(alone, "due", DUE, atOnce);
    await insertReminders(beside, WAITING, "waiting", NEXT_YEAR);
    const first = await rateOfWorker(beside, "due", DUE, atOnce);
    const unvacuumed = await inTurns(alone, beside);
    for (const database of [alone, beside]) {
      await database.runAlone("vacuum analyze");
      await setAutovacuum(database, true);
    }
    const later = await inTurns(alone, beside);

    const waiting = WAITING.toLocaleString("en");
    const against = "alone";
    return [
      { what: "20,000 due, nothing else", value: median([...unvacuumed.alone, ...later.alone]), unit: "/s" },
      {
        what: `... in the first seconds after ${waiting} waiting were inserted, one round`,
        value: first,
        unit: "/s",
        ratio: first / before,
        against: "alone, the round before",
      },
      { what: `... beside ${waiting} waiting, after a checkpoint`, ...besideThose(unvacuumed), unit: "/s", against },
      { what: `... beside ${waiting} waiting, after vacuum`, ...besideThose(later), unit: "/s", against },
    ];
  },
};

async function withDue(stage: Stage): Promise<Bench> {
  const database = await stage.fresh();
  await setAutovacuum(database, false);
  await insertReminders(database, DUE, "due", 86_400);
  await database.runAlone("vacuum analyze reminder_jobs");
  // What runs for weeks is measured warm.
  await rateOfWorker(database, "due", DUE);
  return database;
}

/** While it is off, what is measured before vacuum is measured before vacuum, however long the insert takes. */
async function setAutovacuum(database: Bench, isOn: boolean): Promise<void> {
  for (const table of ["reminder_jobs", "status_flags"])
    await database.query(`alter table ${table} set (autovacuum_enabled = ${isOn})`);
}

/** One after the other, time and again: the machine is faster at one time than at another. */
async function inTurns(alone: Bench, beside: Bench): Promise<{ alone: number[]; beside: number[] }> {
  const rates = { alone: [] as number[], beside: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    rates.alone.push(await rateOfWorker(alone, "due", DUE));
    rates.beside.push(await rateOfWorker(beside, "due", DUE));
  }
  return rates;
}

function besideThose({ alone, beside }: { alone: number[]; beside: number[] }): { value: number; ratio: number } {
  return {
    value: median(beside),
    ratio: median(beside.map((rate, round) => rate / (alone[round] as number))),
  };
}
