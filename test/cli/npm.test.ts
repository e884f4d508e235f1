import { join } from "node:path";
import { beforeAll, test } from "vitest";
import {
  buildProgram,
  isRunning,
  newFolder,
  type Program,
  postmasterPid,
  ROOT,
  runProgram,
} from "../support/program.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

const ON = { PORT: "0", HOST: "127.0.0.1", DATABASE_URL: "", SMTP_HOST: "" };

async function npmStart(folder: string, command: [string, ...string[]]): Promise<Program> {
  const env = { ...ON, DATA_DIR: join(folder, ".data") };
  const program = runProgram([], env, { command, folder: ROOT, detached: true });
  await program.says("🟢 Scheduler started");
  return program;
}

test.each<[string, [string, ...string[]], (pid: number) => void]>([
  ["Ctrl-C on npm start", ["npm", "start"], (pid) => process.kill(-pid, "SIGINT")],
  ["SIGTERM for npm start", ["npm", "start"], (pid) => process.kill(pid, "SIGTERM")],
  ["Ctrl-C on npx", ["npx", "reminder-engine", "start"], (pid) => process.kill(-pid, "SIGINT")],
  ["SIGTERM for npx", ["npx", "reminder-engine", "start"], (pid) => process.kill(pid, "SIGTERM")],
])("%s stops everything in order", async (_what, command, stop) => {
  const folder = newFolder();
  const program = await npmStart(folder, command);
  const server = postmasterPid(folder) as number;
  stop(program.pid);
  await program.ended;
  await until(() => !isRunning(server), "the server is stopped");
  await until(() => postmasterPid(folder) === null, "in order: its pid file is gone");
});
