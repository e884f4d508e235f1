import { startEngine } from "./support/engine.ts";
import { pause } from "./support/measure.ts";
import { insertReminders } from "./support/rows.ts";
import type { Scenario } from "./support/scenario.ts";

const WAITING = Number(process.env.BENCH_WAITING ?? 1_000_000);
const SECONDS = 60;

/** What a worker costs while a million reminders wait and none is due. */
export const idle: Scenario = {
  name: "idle",
  run: async (stage) => {
    const database = await stage.fresh();
    await insertReminders(database, WAITING, "waiting", 365 * 86_400);
    await database.runAlone("vacuum analyze");
    const worker = startEngine(database);
    await pause(5_000);
    globalThis.gc?.();
    const before = { cpu: process.cpuUsage(), heap: process.memoryUsage().heapUsed };
    await pause(SECONDS * 1_000);
    const cpu = process.cpuUsage(before.cpu);
    globalThis.gc?.();
    const grown = process.memoryUsage().heapUsed - before.heap;
    await worker.stop();
    return [
      {
        what: "share of a core used by an idle worker",
        value: ((cpu.user + cpu.system) / (SECONDS * 1e6)) * 100,
        unit: "%",
      },
      { what: `heap grown in ${SECONDS} s`, value: grown / 2 ** 20, unit: "MiB" },
    ];
  },
};
