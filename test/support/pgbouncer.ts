import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { onTestFinished } from "vitest";
import { openDatabase } from "../../src/store/postgres.ts";
import { freePort } from "./free-port.ts";
import { until } from "./wait.ts";

export interface PgBouncer {
  /** The same database, through the pooler. */
  url: string;
  /** SIGKILL; its clients' connections break. */
  kill(): Promise<void>;
  /** Starts it again on the same port, and waits until it serves. */
  restart(): Promise<void>;
}

/** The pooler's program, if this machine has it. Debian keeps it where only root's PATH looks. */
export const PGBOUNCER = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]
  .map((folder) => join(folder, "pgbouncer"))
  .find((file) => existsSync(file));

/** It refuses to be root. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/**
 * A real PgBouncer in transaction mode in front of a database, with so few connections to it that no client ever keeps
 * one. Ended when the test ends.
 */
export async function startPgBouncer(databaseUrl: string): Promise<PgBouncer> {
  const target = new URL(databaseUrl);
  const name = target.pathname.slice(1);
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "reminder-pgbouncer-"));
  const file = join(folder, "pgbouncer.ini");
  writeFileSync(file, configuration(target, name, port));
  chmodSync(folder, 0o755);
  if (NOBODY.uid) for (const path of [folder, file]) chownSync(path, NOBODY.uid, NOBODY.gid);

  const url = `postgresql://anyone@127.0.0.1:${port}/${name}`;
  let running: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    const child = spawn(PGBOUNCER as string, ["-q", file], { stdio: "ignore", ...NOBODY });
    running = child;
    const probe = openDatabase({ url, poolSize: 1 });
    await until(() => child.exitCode !== null || probe.query("select 1").catch(() => false), "PgBouncer serves");
    await probe.close();
    if (child.exitCode !== null) throw new Error(`PgBouncer ended with ${child.exitCode}`);
  };
  const kill = async (): Promise<void> => {
    const child = running;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  };
  onTestFinished(async () => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  });
  await start();
  return { url, kill, restart: start };
}

function configuration(target: URL, name: string, port: number): string {
  const { hostname, port: serverPort, username, password } = target;
  const login = [
    `user=${decodeURIComponent(username)}`,
    ...(password ? [`password=${decodeURIComponent(password)}`] : []),
  ];
  return `
[databases]
${name} = host=${hostname} port=${serverPort || 5432} dbname=${name} ${login.join(" ")}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
`;
}
