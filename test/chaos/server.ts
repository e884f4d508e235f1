import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { pino } from "pino";
import { startEmbedded } from "../../src/store/embedded.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openDatabase } from "../../src/store/postgres.ts";
import { LOG_LINE_PREFIX } from "./traces.ts";

/** A PostgreSQL that may be broken, with the tables in it. */
export interface Server {
  url: string;
  /** Kills the postmaster, as the kernel does when memory is short, and resolves when the server answers again. */
  killPostmaster(): Promise<void>;
  /** Kills one backend, for which the postmaster ends all others and recovers; resolves when the server answers again. False: it had ended by itself. */
  killBackend(pid: number): Promise<boolean>;
  /** Fills the disk that the data is on, and returns what empties it again; null where the disk isn't ours. */
  fillDisk: null | (() => Promise<() => Promise<void>>);
  /** What the server writes. */
  logFile: string;
  stop(): Promise<void>;
}

const SETTINGS = {
  // What a killed process has written is safe with the kernel, and nobody pulls the plug here. But it may be killed in the middle of a page.
  fsync: "off",
  max_connections: "45",
  deadlock_timeout: "100ms",
  max_wal_size: "96MB",
  min_wal_size: "32MB",
  log_line_prefix: LOG_LINE_PREFIX,
  // The checker asks when something was stored, and not when its storing began.
  track_commit_timestamp: "on",
};
const DISK_MB = 400;
/** So long after the postmaster has taken note of a backend's end, all others have ended, if they are to. */
const OTHERS_END_MS = 10_000;
const LOOK_MS = 50;
const CHUNK = Buffer.alloc(1 << 20);

export async function startServer(): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "reminder-chaos-"));
  const isOwnDisk = mountDisk(folder);
  const dataDir = join(folder, "data");
  const embedded = await startEmbedded({ dataDir, log: pino({ level: "silent" }), settings: SETTINGS });
  const stop = async () => {
    await embedded.stop();
    if (isOwnDisk) execFileSync("umount", ["--lazy", folder], { stdio: "ignore" });
    await rm(folder, { recursive: true, force: true });
  };
  const database = openDatabase({ url: embedded.url, poolSize: 1 });
  await migrate(database);
  await database.close();
  return {
    url: embedded.url,
    killPostmaster: async () => {
      const [pid] = (await readFile(join(dataDir, "postgres", "postmaster.pid"), "utf8")).split("\n");
      process.kill(Number(pid), "SIGKILL");
      await untilAnswering(embedded.url);
    },
    killBackend: async (pid) => {
      // Until the postmaster has noticed, the server answers as if nothing had happened: a session of our own tells when it has.
      const witness = new pg.Client({ connectionString: embedded.url, application_name: "chaos" });
      witness.on("error", () => {});
      const hasEnded = new Promise<boolean>((resolve) => witness.once("end", () => resolve(true)));
      await witness.connect();
      try {
        process.kill(pid, "SIGKILL");
        while (existsSync(`/proc/${pid}`)) await sleep(LOOK_MS);
        // One that was just ending can't be killed any more: the others go on.
        if (!(await Promise.race([hasEnded, sleep(OTHERS_END_MS, false)]))) return false;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
        throw error;
      } finally {
        await witness.end();
      }
      await untilAnswering(embedded.url);
      return true;
    },
    fillDisk: isOwnDisk
      ? async () => {
          const ballast = join(folder, "ballast");
          await fill(ballast);
          return async () => {
            await rm(ballast);
            await untilAnswering(embedded.url);
          };
        }
      : null,
    logFile: join(dataDir, "postgres.log"),
    stop,
  };
}

/** A small disk of our own, in memory; only root can have one. */
function mountDisk(folder: string): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MB}m,mode=0755`, "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function fill(path: string): Promise<void> {
  const file = await open(path, "w");
  try {
    // Down to the last page: what is left in a half-filled chunk would feed a server for a while.
    for (let size = CHUNK.length; size >= 4096; ) {
      const written = await file.write(CHUNK, 0, size).then(
        ({ bytesWritten }) => bytesWritten === size,
        () => false,
      );
      if (!written) size /= 2;
    }
  } finally {
    await file.close();
  }
}

async function untilAnswering(url: string): Promise<void> {
  for (;;) {
    const database = openDatabase({ url, poolSize: 1, applicationName: "chaos" });
    const answers = await database.query("select 1").then(
      () => true,
      () => false,
    );
    await database.close();
    if (answers) return;
    await sleep(50);
  }
}
