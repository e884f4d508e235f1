import { execSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { bigFlag } from "./big-flag.ts";
import { create } from "./create.ts";
import { fireAndDeliver } from "./fire-and-deliver.ts";
import { heldSnapshot } from "./held-snapshot.ts";
import { idle } from "./idle.ts";
import { lateness } from "./lateness.ts";
import { resident } from "./resident.ts";
import { stop } from "./stop.ts";
import type { Figure, Scenario } from "./support/scenario.ts";
import { setStage } from "./support/stage.ts";
import { workers } from "./workers.ts";

const SCENARIOS: readonly Scenario[] = [
  fireAndDeliver,
  workers,
  resident,
  lateness,
  create,
  stop,
  heldSnapshot,
  bigFlag,
  idle,
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
if (unknown.length > 0) {
  console.error(
    `no scenario ${unknown.join(", ")}; there are: ${SCENARIOS.map((scenario) => scenario.name).join(", ")}`,
  );
  process.exit(1);
}

const stage = await setStage();
const results: { scenario: string; figures: Figure[] }[] = [];
try {
  const postgres = await serverVersion();
  for (const scenario of SCENARIOS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    console.error(`running ${scenario.name} ...`);
    try {
      results.push({ scenario: scenario.name, figures: await scenario.run(stage) });
    } catch (error) {
      // What was measured before is not to be lost with it.
      console.error(`${scenario.name} failed:`, error);
      process.exitCode = 1;
    }
  }
  const machine = { cpu: cpus()[0]?.model ?? "", cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30) };
  const versions = { node: process.version, postgres, commit: commit() };
  writeFileSync("bench-results.json", `${JSON.stringify({ machine, versions, results }, null, 2)}\n`);
  console.log(table(results));
} finally {
  await stage.strike();
}

async function serverVersion(): Promise<string> {
  const database = await stage.fresh(1);
  const [row] = await database.query<{ server_version: string }>("show server_version");
  return row?.server_version ?? "";
}

function commit(): string {
  return execSync("git rev-parse --short HEAD", { encoding: "utf8" }).trim();
}

function table(all: typeof results): string {
  const lines = ["| scenario | what | figure | ratio |", "|---|---|---:|---:|"];
  for (const { scenario, figures } of all) {
    for (const { what, value, unit, ratio, against } of figures) {
      const figure = `${value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(2)} ${unit}`;
      lines.push(
        `| ${scenario} | ${what} | ${figure} | ${ratio === undefined ? "" : `${ratio.toFixed(2)} of ${against}`} |`,
      );
    }
  }
  return lines.join("\n");
}
