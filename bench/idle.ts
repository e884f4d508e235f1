import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { cpuSecondsOfServer, tellsCpuOfOthers } from "./support/cpu.ts";
import { startEngine } from "./support/engine.ts";
import { pause } from "./support/measure.ts";
import { insertReminders } from "./support/rows.ts";
import type { Figure, Scenario } from "./support/scenario.ts";

const WAITING = Number(process.env.BENCH_WAITING ?? 1_000_000);
const SECONDS = 120;

/** What a worker costs while a million reminders wait and none is due. */
export const idle: Scenario = {
  name: "idle",
  run: async (stage) => {
    const database = await stage.fresh();
    await insertReminders(database, WAITING, "waiting", 365 * 86_400);
    await database.runAlone("vacuum analyze");
    // What the server still has to write of the insert isn't the worker's.
    await database.runAlone("checkpoint");
    const isServerSeen = tellsCpuOfOthers();
    const cpuOfServer = async (): Promise<number> => (isServerSeen ? cpuSecondsOfServer(database) : 0);
    const collectGarbage = garbageCollection();
    const worker = startEngine(database);
    await pause(5_000);
    collectGarbage();
    const before = { server: await cpuOfServer(), cpu: process.cpuUsage(), memory: process.memoryUsage() };
    await pause(SECONDS * 1_000);
    const cpu = process.cpuUsage(before.cpu);
    const server = (await cpuOfServer()) - before.server;
    collectGarbage();
    const memory = process.memoryUsage();
    await worker.stop();

    const figures: Figure[] = [
      {
        what: "share of a core used by an idle worker",
        value: ((cpu.user + cpu.system) / (SECONDS * 1e6)) * 100,
        unit: "%",
      },
    ];
    if (isServerSeen) figures.push({ what: "... by PostgreSQL meanwhile", value: (server / SECONDS) * 100, unit: "%" });
    figures.push(
      { what: `heap grown in ${SECONDS} s`, value: toMiB(memory.heapUsed - before.memory.heapUsed), unit: "MiB" },
      { what: `resident memory grown in ${SECONDS} s`, value: toMiB(memory.rss - before.memory.rss), unit: "MiB" },
    );
    return figures;
  },
};

/** What a process can't have collected unless it was started so, or asks for it like this. */
function garbageCollection(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}

function toMiB(bytes: number): number {
  return bytes / 2 ** 20;
}
