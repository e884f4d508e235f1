import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Account } from "./account.ts";
import type { Binaries } from "./binaries.ts";
import { EmbeddedError } from "./embedded-error.ts";
import { readPidFile } from "./postmaster-pid.ts";
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
  });
  const ended = endOf(child);
  // Waited for in the end; a failure to start must not count as unhandled until then.
  ended.catch(() => {});
  const stop = (graceMs: number) => stopChild(child, ended, graceMs);
  const giveUp = () => void stop(GIVE_UP_MS);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    while (!hasEnded(child) && !(await isReady(clusterDir, child))) await sleep(READY_CHECK_MS);
    if (hasEnded(child)) {
      await ended;
      signal.throwIfAborted();
      throw new StartFailed(await serverLog.since(logStart));
    }
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
  return { ended, stop };
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

async function isReady(clusterDir: string, child: ChildProcess): Promise<boolean> {
  const file = await readPidFile(clusterDir);
  return file?.pid === child.pid && file?.ready === true;
}

/** Or never began. */
function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new EmbeddedError(`can't run the embedded PostgreSQL: ${error.message}`)));
    child.once("exit", (code, signal) => resolve(signal ? `ended by ${signal}` : `ended with exit code ${code}`));
  });
}

async function stopChild(child: ChildProcess, ended: Promise<string>, graceMs: number): Promise<void> {
  const endsWithin = (ms: number) => Promise.race([ended, sleep(ms, null, { ref: false })]);
  if (hasEnded(child)) return;
  child.kill("SIGINT");
  if (await endsWithin(graceMs)) return;
  child.kill("SIGQUIT");
  if (await endsWithin(IMMEDIATE_SHUTDOWN_MS)) return;
  child.kill("SIGKILL");
  await ended;
}

/** The line that says why, out of a server's log. */
function reasonIn(said: string): string {
  const lines = said.split("\n").filter((line) => line.trim() !== "");
  const line = lines.findLast((text) => /FATAL|PANIC/.test(text)) ?? lines.at(-1) ?? "it said nothing";
  return line.replace(/^.*?(FATAL|PANIC|ERROR|LOG): +/, "");
}
