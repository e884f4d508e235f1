import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { EmbeddedError } from "./embedded-error.ts";
import { disownPid, isAlive, isServerOf, readPidFile, sendSignal } from "./postmaster-pid.ts";

/** How long an orphan gets for each way of stopping it; a full checkpoint on a slow disk takes seconds. */
const FAST_SHUTDOWN_MS = 20_000;
const IMMEDIATE_SHUTDOWN_MS = 5_000;
const CHECK_MS = 20;

/**
 * Stops the server that an earlier start, killed before it could, left running on this data. To be called by the only
 * owner of the data (see `claimDataDir`): then whatever runs there is an orphan.
 */
export async function stopOrphan(clusterDir: string, log: Logger): Promise<void> {
  const file = await readPidFile(clusterDir);
  if (!file || !isAlive(file.pid)) return;
  if (!(await isServerOf(clusterDir, file.pid))) return disownPid(clusterDir);

  log.warn(`stopping the PostgreSQL (process ${file.pid}) that an earlier start left running`);
  for (const [signal, ms] of [
    ["SIGINT", FAST_SHUTDOWN_MS],
    ["SIGQUIT", IMMEDIATE_SHUTDOWN_MS],
  ] as const) {
    sendSignal(file.pid, signal);
    for (const end = performance.now() + ms; performance.now() < end; await sleep(CHECK_MS)) {
      if (!(await isServerOf(clusterDir, file.pid))) return;
    }
  }
  throw new EmbeddedError(`a PostgreSQL (process ${file.pid}) still runs on ${clusterDir} and does not stop: end it`);
}
