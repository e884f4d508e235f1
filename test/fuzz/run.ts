import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { pino } from "pino";
import { startEmbedded } from "../../src/store/embedded.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openDatabase } from "../../src/store/postgres.ts";
import { keyHolders, NO_RATE_LIMITS } from "./actors.ts";
import { ANYBODY, campaign } from "./campaign.ts";
import { OUTSIDE, Outsiders } from "./outsiders.ts";
import type { Actor } from "./play.ts";
import { report } from "./report.ts";
import { startService } from "./service.ts";

const USAGE = `npm run fuzz -- [--requests N] [--seed S] [--only SEQUENCE] [--tenants T] [--concurrency C] [--report FILE]

Sends N (20000) requests drawn from seed S to the built service on a database of its own, and reports what was not as it
promises. The same seed draws the same sequences; --only plays a single one of them. With --tenants there are so many tenants with keys,
and somebody without, who all use each other's ids.`;

const MEMORY_SAMPLES = 8;

/** The long form: see docs/fuzzing.md. The exit code is 1 if anything was found. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      requests: { type: "string", default: "20000" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
      concurrency: { type: "string", default: "16" },
      only: { type: "string" },
      tenants: { type: "string", default: "0" },
      report: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const [requests, seed, concurrency] = [Number(values.requests), Number(values.seed), Number(values.concurrency)];
  const folder = await mkdtemp(join(tmpdir(), "reminder-fuzz-"));
  const server = await startEmbedded({
    dataDir: folder,
    log: pino({ level: "silent" }),
    settings: { fsync: "off", synchronous_commit: "off", full_page_writes: "off" },
  });
  try {
    const actors = values.tenants === "0" ? [] : await withTenants(server.url, Number(values.tenants));
    const service = await startService(server.url, { ...NO_RATE_LIMITS, ...OUTSIDE });
    const outsiders = await Outsiders.setUp(service.url, actors.length > 0 ? actors : [ANYBODY]);
    const memoryMb: number[] = [];
    const sample = () => {
      const now = service.memoryMb();
      if (now !== null) memoryMb.push(now);
    };
    sample();
    const tally = await campaign({
      url: service.url,
      requests,
      seed,
      concurrency,
      outsiders,
      ...(actors.length > 0 ? { actors } : {}),
      ...(values.only === undefined ? {} : { only: Number(values.only) }),
      progress: (answered) => {
        if (answered % (Math.ceil(requests / MEMORY_SAMPLES / 1_000) * 1_000) === 0) sample();
        if (answered % 10_000 === 0) console.error(`${answered} of ${requests} requests`);
      },
    });
    sample();
    if (!service.isUp()) service.faults.push("the service ended by itself");
    const ended = await service.stop();
    if (ended !== 0) service.faults.push(`the service ended with ${ended} when it was told to stop`);
    const command = `npm run fuzz -- --requests ${requests} --seed ${seed} --tenants ${values.tenants}`;
    const text = report(tally, { seed, command, memoryMb, faults: service.faults });
    if (values.report !== undefined) await writeFile(values.report, text);
    console.log(text);
    return tally.found.length + service.faults.length === 0 ? 0 : 1;
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function withTenants(url: string, tenants: number): Promise<Actor[]> {
  const database = openDatabase({ url, poolSize: 1 });
  try {
    await migrate(database);
    return await keyHolders(database, tenants);
  } finally {
    await database.close();
  }
}

process.exitCode = await main();
