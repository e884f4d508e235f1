import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Account } from "./account.ts";
import type { Binaries } from "./binaries.ts";
import { EmbeddedError } from "./embedded-error.ts";
import { readPidFile, sendSignal } from "./postmaster-pid.ts";
import type { ServerLog } from "./server-log.ts";
import { asAccount, nameOfWorkingFolder } from "./spawn-as.ts";

const READY_CHECK_MS = 10;
/** A server that is given up while it still recovers has nothing to put in order. */
const GIVE_UP_MS = 500;
/** How long a server may take to shut down at once before it is killed. */
const IMMEDIATE_SHUTDOWN_MS = 400;

export interface PostmasterOptions {
  clusterDir: string;
  port: number;
  binaries: Binaries;
  account: Account | null;
  serverLog: ServerLog;
  /** Settings that outrank postgresql.conf. */
  settings: Record<string, string>;
  /** Gives up waiting for it to be ready, and stops it. */
  signal: AbortSignal;
}

/** A running server: the one process whose end is the end of all of them. */
export interface Postmaster {
  pid: number;
  /** Resolves when the server has ended, with how. */
  ended: Promise<string>;
  /** Shuts it down in order, or after `graceMs` at once: nothing is lost, but its next start takes longer. */
  stop(graceMs: number): Promise<void>;
}

/** The server ended before it was ready. */
export class StartFailed extends EmbeddedError {
  override name = "StartFailed";
  /** Our port is somebody else's. */
  readonly portTaken: boolean;
  /** Another server, or what is left of one, holds the data. */
  readonly dataHeld: boolean;

  constructor(said: string) {
    super(`the embedded PostgreSQL did not start: ${reasonIn(said)}`);
    this.portTaken = /could not bind|could not create any TCP\/IP sockets/.test(said);
    this.dataHeld = /lock file "postmaster.pid" already exists|pre-existing shared memory block/.test(said);
  }
}

/** Starts a server and waits until it answers, however long its recovery takes. Throws `StartFailed`. */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  const { clusterDir, binaries, account, serverLog, signal } = options;
  signal.throwIfAborted();
  const logStart = await serverLog.size();
  const child = spawn(binaries.postgres, ["-D", nameOfWorkingFolder(clusterDir, account), ...settingsOf(options)], {
    ...asAccount(account),
    cwd: clusterDir,
    // A group of its own: Ctrl-C in the terminal is for us, and we still need the server to hand work back.
    detached: true,
    stdio: ["ignore", serverLog.fd, serverLog.fd],
    windowsHide: true,
  });
  const ended = endOf(child);
  // Waited for in the end; a failure to start must not count as unhandled until then.
  ended.catch(() => {});
  const postmaster = { pid: child.pid ?? 0, ended, stop: (graceMs: number) => stop(child, ended, binaries, graceMs) };

  let over = false;
  const failed = ended.then(async () => {
    over = true;
    signal.throwIfAborted();
    throw new StartFailed(await serverLog.since(logStart));
  });
  const giveUp = () => void postmaster.stop(GIVE_UP_MS);
  signal.addEventListener("abort", giveUp, { once: true });
  const ready = (async () => {
    while (!over && !(await isReady(clusterDir, postmaster.pid))) await sleep(READY_CHECK_MS);
  })();
  try {
    await Promise.race([failed, ready.then(() => (over ? failed : undefined))]);
  } finally {
    over = true;
    failed.catch(() => {});
    signal.removeEventListener("abort", giveUp);
  }
  return postmaster;
}

function settingsOf({ port, settings }: PostmasterOptions): string[] {
  const all = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    logging_collector: "off",
    log_destination: "stderr",
    ...settings,
  };
  return Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

async function isReady(clusterDir: string, pid: number): Promise<boolean> {
  const file = await readPidFile(clusterDir);
  return file?.pid === pid && file.ready;
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new EmbeddedError(`can't run the embedded PostgreSQL: ${error.message}`)));
    child.once("exit", (code, signal) => resolve(signal ? `ended by ${signal}` : `ended with exit code ${code}`));
  });
}

async function stop(child: ChildProcess, ended: Promise<string>, { pgCtl }: Binaries, graceMs: number): Promise<void> {
  const pid = child.pid ?? 0;
  const isOver = ended.then(
    () => true,
    () => true,
  );
  const endsWithin = (ms: number) => Promise.race([isOver, sleep(ms, false, { ref: false })]);
  for (const [signal, ms] of [
    ["INT", graceMs],
    ["QUIT", IMMEDIATE_SHUTDOWN_MS],
  ] as const) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    await sendSignal(pid, signal, pgCtl);
    if (await endsWithin(ms)) return;
  }
  child.kill("SIGKILL");
  await isOver;
}

/** The line that says why, out of a server's log. */
function reasonIn(said: string): string {
  const lines = said.split("\n").filter((line) => line.trim() !== "");
  const line = lines.findLast((text) => /FATAL|PANIC/.test(text)) ?? lines.at(-1) ?? "it said nothing";
  return line.replace(/^.*?(FATAL|PANIC|ERROR|LOG): +/, "");
}
