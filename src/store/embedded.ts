import { mkdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { serverAccount } from "./embedded/account.ts";
import { findBinaries } from "./embedded/binaries.ts";
import { ensureCluster, readAccess, SUPERUSER, writeAccess } from "./embedded/cluster.ts";
import { EmbeddedError } from "./embedded/embedded-error.ts";
import { claimDataDir } from "./embedded/instance.ts";
import { stopOrphan } from "./embedded/orphan.ts";
import { DATABASE, ensureOwnedDatabase, OWNER } from "./embedded/owner.ts";
import { freePort } from "./embedded/port.ts";
import { type Postmaster, StartFailed, startPostmaster } from "./embedded/postmaster.ts";
import { openServerLog } from "./embedded/server-log.ts";

export { EmbeddedError } from "./embedded/embedded-error.ts";
export { AlreadyRunning } from "./embedded/instance.ts";

const STOP_GRACE_MS = 2_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 10_000;
/** What a killed server left behind (processes, their shared memory) goes away by itself in this time. */
const DATA_HELD_MS = 10_000;

export interface EmbeddedOptions {
  /** Made when it is missing. The database lies in its folder `postgres`. */
  dataDir: string;
  log: Logger;
  /** PostgreSQL settings that outrank postgresql.conf. */
  settings?: Record<string, string>;
  /** Gives up starting. */
  signal?: AbortSignal;
}

export interface Embedded {
  /**
   * A postgresql:// URL with its password, of the role that owns the database and is no superuser. It stays the same as long
   * as its port is free at each start.
   */
  url: string;
  /** The same for the superuser, to whom row-level security shows all. */
  superuserUrl: string;
  /** Tells a second start on the same data where this one can be reached. */
  announce(where: string): void;
  /**
   * Shuts the server down in order, or after `graceMs` (2 s unless told otherwise) at once, which loses nothing but lets
   * the next start take longer.
   */
  stop(graceMs?: number): Promise<void>;
}

/**
 * Starts the PostgreSQL that npm brought, on the data in `dataDir`, and keeps it running: should it end before `stop`, it
 * is started again. Takes care of what an earlier start left behind, however that ended.
 *
 * Throws `AlreadyRunning` when another process uses the data, and `EmbeddedError` when the server can't be had.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { dataDir, log, settings = {} } = options;
  const folder = absolute(dataDir);
  const clusterDir = join(folder, "postgres");
  await makeFolder(folder);
  const instance = await claimDataDir(folder);
  const cleanUp: ((graceMs: number) => Promise<void>)[] = [() => instance.release()];
  const stopped = new AbortController();
  const signal = options.signal ? AbortSignal.any([stopped.signal, options.signal]) : stopped.signal;
  const stop = async (graceMs = STOP_GRACE_MS) => {
    stopped.abort();
    for (let step = cleanUp.pop(); step; step = cleanUp.pop()) await step(graceMs);
  };

  try {
    const account = await serverAccount(clusterDir);
    const binaries = await findBinaries(folder, account, log);
    const access = await ensureCluster(clusterDir, binaries, account);
    const serverLog = await openServerLog(join(folder, "postgres.log"));
    cleanUp.push(() => serverLog.close());

    const launch = async (choosePort: () => number | Promise<number>) => {
      // Before the port is looked at: an orphan holds it.
      await stopOrphan(clusterDir, log);
      const port = await choosePort();
      const options = { clusterDir, binaries, account, serverLog, settings, signal, port };
      return { port, postmaster: await startPostmaster(options) };
    };
    const { postmaster, port } = await launchPatiently(() => launch(() => freePort(access.port)));
    const keeper = keepRunning(postmaster, async () => (await launch(() => port)).postmaster, signal, log);
    cleanUp.push(keeper.stop);
    if (port !== access.port) await writeAccess(clusterDir, { ...access, port }, account);

    const superuserUrl = (name: string) => urlOf(SUPERUSER, access.password, port, name);
    await ensureOwnedDatabase(superuserUrl, access.ownerPassword);
    const url = urlOf(OWNER, access.ownerPassword, port, DATABASE);
    return { url, superuserUrl: superuserUrl(DATABASE), announce: instance.announce, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The URL of the embedded database that another process runs on `dataDir`. Throws `EmbeddedError` when it can't be read. */
export async function embeddedUrl(dataDir: string): Promise<string> {
  const clusterDir = join(absolute(dataDir), "postgres");
  const { ownerPassword, port } = await readAccess(clusterDir, await serverAccount(clusterDir));
  return urlOf(OWNER, ownerPassword, port, DATABASE);
}

function urlOf(user: string, password: string, port: number, name: string): string {
  return `postgresql://${user}:${password}@127.0.0.1:${port}/${name}`;
}

function absolute(dataDir: string): string {
  try {
    return resolve(dataDir);
  } catch {
    throw new EmbeddedError("the current folder is gone: go to one that exists, or set DATA_DIR to an absolute path");
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await makeWithParents(folder);
  } catch (error) {
    throw new EmbeddedError(`can't make the data folder ${folder}: ${(error as Error).message}`);
  }
}

/** What Node's own `recursive` does, except that where nothing can be made (`/proc/x/y`) that never returns. */
async function makeWithParents(folder: string): Promise<void> {
  const make = () => mkdir(folder, { mode: 0o700 });
  try {
    await make();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && dirname(folder) !== folder) {
      await makeWithParents(dirname(folder));
      await make();
    } else if (!(await isFolder(folder))) {
      throw error;
    }
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (it) => it.isDirectory(),
    () => false,
  );
}

/** Tries again where a little time, or another port, helps. */
async function launchPatiently<T>(launch: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + DATA_HELD_MS;
  for (;;) {
    try {
      return await launch();
    } catch (error) {
      // Between our look at the port and the server's, somebody else may have taken it.
      const passes = error instanceof StartFailed && (error.portTaken || error.dataHeld);
      if (!passes || performance.now() > giveUpAt) throw error;
      await sleep(FIRST_RETRY_MS);
    }
  }
}

/** Starts the server again whenever it ends, on the same port since its URL is in use, waiting longer each time. */
function keepRunning(
  first: Postmaster,
  relaunch: () => Promise<Postmaster>,
  signal: AbortSignal,
  log: Logger,
): { stop(graceMs: number): Promise<void> } {
  let current: Postmaster | null = first;
  const keeping = (async () => {
    while (current) {
      const how = await current.ended;
      current = null;
      for (let waitMs = FIRST_RETRY_MS; !current && !signal.aborted; waitMs = Math.min(waitMs * 2, LAST_RETRY_MS)) {
        log.warn(`the embedded PostgreSQL ${how}; it is started again`);
        try {
          await sleep(waitMs, undefined, { signal });
          current = await relaunch();
          log.info("the embedded PostgreSQL is back");
        } catch (error) {
          if (!signal.aborted) log.error((error as Error).message);
        }
      }
    }
  })();
  return {
    async stop(graceMs) {
      await current?.stop(graceMs);
      await keeping;
    },
  };
}
