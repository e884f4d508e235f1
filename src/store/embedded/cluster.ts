import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Account } from "./account.ts";
import type { Binaries } from "./binaries.ts";
import { EmbeddedError } from "./embedded-error.ts";
import { asAccount, nameOfWorkingFolder } from "./spawn-as.ts";

const MAJOR = "18";
/** Made by initdb. */
export const SUPERUSER = "reminder_engine";

/** What is written into postgresql.conf once; afterwards that file is the user's. */
const FIRST_SETTINGS = { max_connections: "100", shared_buffers: "128MB", timezone: "UTC", log_timezone: "UTC" };

/** What we must remember to reach the server. Kept inside its folder, so that the two can't be parted. */
export interface Access {
  /** Of the superuser. */
  password: string;
  /** Of the database's owner. */
  ownerPassword: string;
  /** 0 until one was chosen. */
  port: number;
}
const ACCESS_FILE = "reminder-engine.json";

/** Makes the cluster unless it is there, and returns how to reach it. A half-made one is never seen: see `create`. */
export async function ensureCluster(clusterDir: string, binaries: Binaries, account: Account | null): Promise<Access> {
  const version = await readFile(join(clusterDir, "PG_VERSION"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw new EmbeddedError(
      `can't read the database in ${clusterDir} (${error.code}): it belongs to another user; start as that user, or ` +
        "set another DATA_DIR",
    );
  });
  if (version === null) return create(clusterDir, binaries, account);
  if (version.trim() !== MAJOR) {
    throw new EmbeddedError(
      `the database in ${clusterDir} was made by PostgreSQL ${version.trim()}, and this is ${MAJOR}: set another DATA_DIR`,
    );
  }
  return readAccess(clusterDir, account);
}

/** An initdb whose starter was killed may still be writing there when we come to remove it. */
const REMOVAL = { recursive: true, force: true, maxRetries: 8, retryDelay: 50 };

/** Made under another name, synced to disk, then renamed: killed at any moment, it is all there or not at all. */
async function create(clusterDir: string, binaries: Binaries, account: Account | null): Promise<Access> {
  const half = `${clusterDir}.new-${randomBytes(4).toString("hex")}`;
  const access = { password: newPassword(), ownerPassword: newPassword(), port: 0 };
  await removeLeftovers(clusterDir);
  await mkdir(half, { mode: 0o700 });
  try {
    if (account) await chown(half, account.uid, account.gid);
    await initdb(half, access.password, binaries, account);
    await writeAccess(half, access, account);
    await rename(half, clusterDir);
    await removeLeftovers(clusterDir);
  } catch (error) {
    await rm(half, { recursive: true, force: true });
    if (isNotEmpty(error)) {
      throw new EmbeddedError(`${clusterDir} holds files that are no database of ours: set another DATA_DIR`);
    }
    throw error;
  }
  await sync(join(clusterDir, ".."));
  return access;
}

function newPassword(): string {
  return randomBytes(24).toString("base64url");
}

function isNotEmpty(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOTEMPTY" || code === "EEXIST" || code === "ENOTDIR";
}

/** What a start that was killed left behind. */
async function removeLeftovers(clusterDir: string): Promise<void> {
  const parent = join(clusterDir, "..");
  for (const name of await readdir(parent)) {
    const path = join(parent, name);
    if (path.startsWith(`${clusterDir}.new-`)) await rm(path, REMOVAL).catch(() => {});
  }
}

async function initdb(folder: string, password: string, binaries: Binaries, account: Account | null): Promise<void> {
  const passwordFile = `${folder}.password`;
  await writePrivately(passwordFile, `${password}\n`, account);
  const handle = await open(passwordFile, "r");
  const data = `--pgdata=${nameOfWorkingFolder(folder, account)}`;
  // Like the data, the password file may lie where the account can't go, so it goes as an open file.
  const settings = Object.entries(FIRST_SETTINGS).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  try {
    await runInitdb([
      ...[data, `--username=${SUPERUSER}`, "--pwfile=/dev/fd/3", "--auth=scram-sha-256"],
      // The same order and case rules on every machine, whatever its own locale is.
      ...["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
      ...["--no-sync", "--no-instructions", ...settings],
    ]);
    await runInitdb([data, "--sync-only"]);
  } finally {
    await handle.close();
    await rm(passwordFile, { force: true });
  }

  async function runInitdb(args: string[]): Promise<void> {
    const child = spawn(binaries.initdb, args, {
      ...asAccount(account),
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe", handle.fd],
    });
    const [said, code] = await Promise.all([
      text(child.stderr as NodeJS.ReadableStream),
      new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve)),
    ]);
    if (code !== 0) {
      const reason = said.split("\n").find((line) => /error|FATAL/.test(line)) ?? said.trim();
      throw new EmbeddedError(`could not create a database in ${folder}: ${reason}`);
    }
  }
}

/** Throws `EmbeddedError` when it can't be read. */
export async function readAccess(clusterDir: string, account: Account | null): Promise<Access> {
  const file = join(clusterDir, ACCESS_FILE);
  const access = await readFile(file, "utf8")
    .then((text) => JSON.parse(text) as Partial<Access>)
    .catch((): Partial<Access> => ({}));
  const { password, ownerPassword, port } = access;
  if (typeof password !== "string" || typeof port !== "number") {
    throw new EmbeddedError(
      `can't read the database's password in ${file}: restore that file, or set another DATA_DIR`,
    );
  }
  if (typeof ownerPassword === "string") return { password, ownerPassword, port };
  // An earlier version knew no owner.
  const completed = { password, ownerPassword: newPassword(), port };
  await writeAccess(clusterDir, completed, account);
  return completed;
}

/** Replaces the file as a whole: a crash leaves the old one or the new one. */
export async function writeAccess(clusterDir: string, access: Access, account: Account | null): Promise<void> {
  const file = join(clusterDir, ACCESS_FILE);
  await writePrivately(`${file}.new`, `${JSON.stringify(access)}\n`, account);
  await rename(`${file}.new`, file);
}

async function writePrivately(path: string, content: string, account: Account | null): Promise<void> {
  await rm(path, { force: true });
  // Exclusive: in a folder that another account owns, root must not follow a link.
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(content);
    if (account) await file.chown(account.uid, account.gid);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}
