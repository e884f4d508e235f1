import { execFile } from "node:child_process";
import { readFile, readlink, realpath, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** `postmaster.pid`: what a running server, or one that was killed, says about itself. */
export interface PidFile {
  pid: number;
  ready: boolean;
}

export async function readPidFile(clusterDir: string): Promise<PidFile | null> {
  const text = await readFile(join(clusterDir, "postmaster.pid"), "utf8").catch(() => null);
  // One value a line: pid, data directory, start time, port, socket directory, address, shared memory, status.
  const lines = text?.split("\n") ?? [];
  const pid = Math.abs(Number.parseInt(lines[0] ?? "", 10));
  return pid > 0 ? { pid, ready: lines[7]?.trim() === "ready" } : null;
}

/**
 * Makes a pid file whose pid now belongs to another process point at none. Without that PostgreSQL refuses to start;
 * with the file removed instead it would not check whether processes of the old server still use the data.
 */
export async function disownPid(clusterDir: string): Promise<void> {
  const path = join(clusterDir, "postmaster.pid");
  const [, ...rest] = (await readFile(path, "utf8")).split("\n");
  await writeFile(path, [NOBODYS_PID, ...rest].join("\n"));
}
/** Above what any system gives out. */
const NOBODYS_PID = 2 ** 31 - 1;

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Whether the process is a PostgreSQL server on this very data, and no stranger that got a dead server's pid. */
export async function isServerOf(clusterDir: string, pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  try {
    if (process.platform === "linux") {
      const [exe, cwd] = await Promise.all([readlink(`/proc/${pid}/exe`), readlink(`/proc/${pid}/cwd`)]);
      return basename(exe).startsWith("postgres") && cwd === (await realpath(clusterDir));
    }
    const { stdout } = await run("ps", ["-o", "args=", "-p", String(pid)]);
    return stdout.includes("postgres") && stdout.includes(clusterDir);
  } catch {
    return false;
  }
}

/** SIGINT asks a server for a fast, orderly shutdown, SIGQUIT for an immediate one. */
export function sendSignal(pid: number, signal: "SIGINT" | "SIGQUIT"): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in this moment.
  }
}
