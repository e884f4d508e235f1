import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { until } from "./wait.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PROGRAM = join(ROOT, "dist/cli.js");

/** The program as users run it: the built one, in a process of its own. */
export interface Program {
  pid: number;
  stdout(): string;
  stderr(): string;
  /** Everything it has said so far, on both streams. */
  output(): string;
  /** Waits until standard output has this, and fails with all that was said if the program ends first. */
  says(text: string | RegExp): Promise<void>;
  /** The value of a line of the banner. */
  told(name: string): string;
  /** False when it has ended. */
  kill(signal: NodeJS.Signals): boolean;
  /** How it ended: its exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
}

export interface RunOptions {
  /** The folder to run in; `.env` and `.data` are relative to it. A new one unless given. */
  folder?: string;
  /** Another command than the built program. */
  command?: [string, ...string[]];
  /** What it reads from standard input; without it, there is none. */
  input?: string;
  /** Whom to run as. */
  user?: { uid: number; gid: number };
  /** In a process group of its own, as a terminal gives to each command. */
  detached?: boolean;
}

/** Runs `reminder-engine <args>` with nothing in its environment but what it needs, and `env`. Killed when the test ends. */
export function runProgram(args: string[], env: Record<string, string> = {}, options: RunOptions = {}): Program {
  const { folder = newFolder(), command = [process.execPath, PROGRAM], user, detached = false, input } = options;
  const [file, ...first] = command;
  const child = spawn(file, [...first, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/", PORT: "0", LOG_LEVEL: "warn", ...env },
    stdio: ["pipe", "pipe", "pipe"],
    detached,
    ...user,
  });
  // Whoever ends without reading it breaks the pipe.
  child.stdin.on("error", () => {}).end(input);
  const said = { stdout: "", stderr: "", output: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
      said.output += text;
    });
  }
  const ended = endOf(child);
  let isOver = false;
  ended.then(() => {
    isOver = true;
  });
  onTestFinished(async () => {
    // A command in a group of its own, like npm, has children that would outlive it.
    if (detached && !isOver) process.kill(-(child.pid as number), "SIGKILL");
    child.kill("SIGKILL");
    await ended;
  });

  return {
    pid: child.pid as number,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    output: () => said.output,
    async says(text) {
      const found = () => (typeof text === "string" ? said.stdout.includes(text) : text.test(said.stdout));
      await until(() => found() || isOver, `the program says ${text}`);
      if (!found()) throw new Error(`the program ended without saying ${text}:\n${said.output}`);
    },
    told(name) {
      const value = new RegExp(`^${name}: +(.*)$`, "m").exec(said.stdout)?.[1];
      if (!value) throw new Error(`no ${name} in:\n${said.stdout}`);
      return value;
    },
    kill: (signal) => child.kill(signal),
    ended,
  };
}

function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(signal ?? code ?? -1));
  });
}

/** `start`, once it says that it runs. */
export async function startProgram(env: Record<string, string> = {}, options: RunOptions = {}): Promise<Program> {
  const program = runProgram(["start"], env, options);
  await program.says("🟢 Scheduler started");
  return program;
}

/** A folder that only its owner can enter, gone when the test ends together with any server that is left on it. */
export function newFolder(owner?: { uid: number; gid: number }): string {
  const folder = mkdtempSync(join(tmpdir(), "reminder-cli-"));
  if (owner) chownSync(folder, owner.uid, owner.gid);
  onTestFinished(() => {
    const server = postmasterPid(folder);
    if (server && isRunning(server)) process.kill(server, "SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });
  return folder;
}

/** The process of the embedded server whose data is in this folder, as its pid file says. */
export function postmasterPid(folder: string): number | null {
  const file = join(folder, ".data/postgres/postmaster.pid");
  return existsSync(file) ? Number.parseInt(readFileSync(file, "utf8"), 10) : null;
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A killed process whose parent hasn't looked yet still has its pid.
  return !/^\d+ \(.*\) Z/.test(readStat(pid));
}

function readStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
}

/** Makes sure that what is tested is what the sources say, also when a single test is run. */
export function buildProgram(): void {
  execFileSync(process.execPath, [join(ROOT, "scripts/build.mjs"), "--if-needed"], { stdio: "inherit" });
}
