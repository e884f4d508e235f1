import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serverAccount } from "../../src/store/embedded/account.ts";
import { startPostmaster } from "../../src/store/embedded/postmaster.ts";
import { openServerLog } from "../../src/store/embedded/server-log.ts";
import { asAccount, nameOfWorkingFolder } from "../../src/store/embedded/spawn-as.ts";
import { freePort } from "./free-port.ts";

/** Where Debian's packages put the versions that still decided by membership alone who may become a role. */
const FOLDERS = ["15", "14"].map((version) => `/usr/lib/postgresql/${version}/bin`);

/** The programs of an older PostgreSQL that is installed here, if one is. */
export const OLDER = FOLDERS.find((folder) => existsSync(join(folder, "initdb"))) ?? null;

/** Starts it on a cluster of its own, in which everybody on this machine is who they say. */
export async function startOlderServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "reminder-older-"));
  const account = await serverAccount(folder);
  if (account) chownSync(folder, account.uid, account.gid);
  const data = nameOfWorkingFolder(folder, account);
  const initdb = [
    `--pgdata=${data}`,
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
  ];
  execFileSync(join(OLDER as string, "initdb"), initdb, { ...asAccount(account), cwd: folder, stdio: "ignore" });

  const serverLog = await openServerLog(`${folder}.log`);
  const port = await freePort();
  const server = await startPostmaster({
    clusterDir: folder,
    port,
    binaries: { initdb: join(OLDER as string, "initdb"), postgres: join(OLDER as string, "postgres") },
    account,
    serverLog,
    settings: { fsync: "off" },
    signal: new AbortController().signal,
  });
  return {
    url: `postgresql://postgres@127.0.0.1:${port}/postgres`,
    stop: async () => {
      await server.stop(2_000);
      await serverLog.close();
      await rm(folder, { recursive: true, force: true });
      await rm(`${folder}.log`, { force: true });
    },
  };
}
