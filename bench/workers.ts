import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import type { Database } from "../src/store/postgres.ts";
import { pause, untilSent } from "./support/measure.ts";
import { insertReminders, makeDue } from "./support/rows.ts";
import { type Figure, median, type Scenario } from "./support/scenario.ts";

const DUE = 40_000;
const ROUNDS = 3;
const PROCESSES = [1, 2, 4];
const WORKER = fileURLToPath(new URL("support/worker-process.ts", import.meta.url));

/** The same backlog by one, two and four worker processes: where more of them don't help, and what is used up by then. */
export const workers: Scenario = {
  name: "workers",
  run: async (stage) => {
    const database = await stage.fresh();
    await insertReminders(database, DUE, "due", 86_400);
    await database.runAlone("vacuum analyze reminder_jobs");
    const figures: Figure[] = [];
    let ofOne = 0;
    for (const count of PROCESSES) {
      const { rate, busy } = await measure(database, count);
      ofOne ||= rate;
      const against = count === 1 ? {} : { ratio: rate / ofOne, against: "one worker" };
      const plural = count === 1 ? "process" : "processes";
      figures.push({ what: `${DUE} due, ${count} worker ${plural}`, value: rate, unit: "/s", ...against });
      figures.push({ what: `... all cores busy`, value: busy * 100, unit: "%" });
    }
    return figures;
  },
};

async function measure(database: Database & { url: string }, count: number): Promise<{ rate: number; busy: number }> {
  const rates: number[] = [];
  const shares: number[] = [];
  const children = Array.from({ length: count }, () => fork(WORKER, [database.url]));
  await Promise.all(children.map((child) => once(child, "message")));
  for (let round = 0; round < ROUNDS; round += 1) {
    await database.query("truncate deliveries, reminder_events");
    await database.runAlone("checkpoint");
    await pause(200);
    const cpuBefore = cpuTimes();
    await makeDue(database, "due");
    const startedAt = performance.now();
    await untilSent(database, DUE);
    rates.push(DUE / ((performance.now() - startedAt) / 1000));
    const cpu = cpuTimes();
    shares.push((cpu.busy - cpuBefore.busy) / (cpu.total - cpuBefore.total));
  }
  await Promise.all(children.map(end));
  return { rate: median(rates), busy: median(shares) };
}

async function end(child: ChildProcess): Promise<void> {
  child.kill("SIGTERM");
  await once(child, "exit");
}

function cpuTimes(): { busy: number; total: number } {
  let busy = 0;
  let total = 0;
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.irq + times.idle;
    busy += all - times.idle;
    total += all;
  }
  return { busy, total };
}
