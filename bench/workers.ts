import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import type { Database } from "../src/store/postgres.ts";
import { cpuSecondsOf, cpuSecondsOfServer, tellsCpuOfOthers } from "./support/cpu.ts";
import { pause, untilSent } from "./support/measure.ts";
import { insertReminders, makeDue } from "./support/rows.ts";
import type { Figure, Scenario } from "./support/scenario.ts";
import { mostFrequent, type Waits, watchWaits } from "./support/waits.ts";

const DUE = 40_000;
const ROUNDS = 3;
const PROCESSES = [1, 2, 4];
const WORKER = fileURLToPath(new URL("support/worker-process.ts", import.meta.url));
const APPLICATION = "reminder-engine bench worker";

/** The same backlog by one, two and four worker processes: where more of them don't help, and what is used up by then. */
export const workers: Scenario = {
  name: "workers",
  run: async (stage) => {
    const database = await stage.fresh();
    await insertReminders(database, DUE, "due", 86_400);
    await database.runAlone("vacuum analyze reminder_jobs");
    const isCpuSplit = tellsCpuOfOthers();
    const figures: Figure[] = [];
    let ofOne = 0;
    for (const count of PROCESSES) {
      const { rate, busy, workers, postgres, waits } = await measure(database, count, isCpuSplit);
      ofOne ||= rate;
      const against = count === 1 ? {} : { ratio: rate / ofOne, against: "one worker" };
      const plural = count === 1 ? "process" : "processes";
      figures.push({ what: `${DUE} due, ${count} worker ${plural}`, value: rate, unit: "/s", ...against });
      figures.push({ what: "... all cores busy", value: busy * 100, unit: "%" });
      if (isCpuSplit) {
        figures.push({ what: "... by the workers", value: workers * 100, unit: "%" });
        figures.push({ what: "... by PostgreSQL", value: postgres * 100, unit: "%" });
        figures.push({ what: "... by all else", value: (busy - workers - postgres) * 100, unit: "%" });
      }
      const most = mostFrequent(waits);
      const wait = most?.wait ?? "none";
      figures.push({
        what: `... of the workers' backends at work, most frequent wait: ${wait}`,
        value: (most?.share ?? 0) * 100,
        unit: "%",
      });
    }
    return figures;
  },
};

/** One round: its rate, and shares of all cores. */
interface Round {
  rate: number;
  busy: number;
  workers: number;
  postgres: number;
}

/** Seconds of CPU that were used so far, and `all` that there were. */
type Used = "busy" | "workers" | "postgres" | "all";

/** The round with the median rate, and what the workers' backends waited for in all of them. */
async function measure(
  database: Database & { url: string },
  count: number,
  isCpuSplit: boolean,
): Promise<Round & { waits: Waits }> {
  const rounds: Round[] = [];
  const waits: Waits = new Map();
  const children = Array.from({ length: count }, () => fork(WORKER, [database.url, APPLICATION]));
  await Promise.all(children.map((child) => once(child, "message")));
  const used = async () => ({
    postgres: isCpuSplit ? await cpuSecondsOfServer(database) : 0,
    workers: isCpuSplit ? children.reduce((sum, { pid }) => sum + cpuSecondsOf(pid as number), 0) : 0,
    busy: busySeconds(),
    all: (performance.now() / 1_000) * cpus().length,
  });
  for (let round = 0; round < ROUNDS; round += 1) {
    await database.query("truncate deliveries, reminder_events");
    await database.runAlone("checkpoint");
    await pause(200);
    const endWatch = watchWaits(database.url, APPLICATION, waits);
    try {
      rounds.push(await measureRound(database, used));
    } finally {
      await endWatch();
    }
  }
  await Promise.all(children.map(end));
  const middle = rounds.sort((a, b) => a.rate - b.rate)[Math.floor(ROUNDS / 2)];
  return { ...(middle as Round), waits };
}

async function measureRound(database: Database, used: () => Promise<Record<Used, number>>): Promise<Round> {
  await makeDue(database, "due");
  const startedAt = performance.now();
  const before = await used();
  await untilSent(database, DUE);
  const rate = DUE / ((performance.now() - startedAt) / 1000);
  const after = await used();
  const share = (what: Used): number => (after[what] - before[what]) / (after.all - before.all);
  return { rate, busy: share("busy"), workers: share("workers"), postgres: share("postgres") };
}

async function end(child: ChildProcess): Promise<void> {
  child.kill("SIGTERM");
  await once(child, "exit");
}

/** Seconds for which all cores together have been busy so far. */
function busySeconds(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1_000;
}
