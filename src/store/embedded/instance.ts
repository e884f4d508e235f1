import { createHash } from "node:crypto";
import { link, mkdtemp, realpath, rename, rm, rmdir, symlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { EmbeddedError } from "./embedded-error.ts";

/** The data belongs to another process that runs right now. */
export class AlreadyRunning extends EmbeddedError {
  override name = "AlreadyRunning";
}

/** The one process that may use a data folder. */
export interface Instance {
  /** What a second start is told about this one: where it can be reached. */
  announce(where: string): void;
  release(): Promise<void>;
}

/**
 * Claims a data folder, or throws `AlreadyRunning`. The claim is an open socket in that folder: it answers as long as its
 * process lives and not a moment longer, whatever kills it, so no process id has to be believed.
 */
export async function claimDataDir(dataDir: string): Promise<Instance> {
  const address = await addressOf(await realpath(dataDir));
  let where = "";
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.end(`process ${process.pid}${where && `, ${where}`}`);
  });
  try {
    for (;;) {
      if (await listens(server, address.path)) break;
      await removeStale(address.path, dataDir);
    }
  } finally {
    await address.forget();
  }
  server.unref();
  return {
    announce: (text) => {
      where = text;
    },
    release: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

interface Address {
  path: string;
  forget(): Promise<void>;
}

const SOCKET = "running.sock";
/** What fits into a socket's address on every system. */
const MAX_PATH_BYTES = 100;

/** A long path is reached through a short link, so that the socket lies in the data folder itself in any case. */
async function addressOf(dataDir: string): Promise<Address> {
  if (process.platform === "win32") {
    const name = createHash("sha256").update(dataDir.toLowerCase()).digest("hex");
    return { path: `\\\\.\\pipe\\reminder-engine-${name}`, forget: async () => {} };
  }
  const path = join(dataDir, SOCKET);
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return { path, forget: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), "reminder-"));
  const short = join(folder, "d");
  await symlink(dataDir, short);
  return {
    path: join(short, SOCKET),
    forget: async () => {
      await rm(short);
      await rmdir(folder);
    },
  };
}

function listens(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(new EmbeddedError(`can't use the data folder: ${error.message}`));
    };
    server.once("error", failed).listen(path, () => {
      server.off("error", failed);
      resolve(true);
    });
  });
}

/**
 * Takes a dead process's socket out of the way. It is renamed before it is asked for the last time, so that of two that
 * start at once neither can remove the other's fresh one.
 */
async function removeStale(path: string, dataDir: string): Promise<void> {
  const running = await ask(path);
  if (running !== null) throw alreadyRunning(dataDir, running);
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const woken = await ask(aside);
  if (woken !== null) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
  if (woken !== null) throw alreadyRunning(dataDir, woken);
}

const ANSWER_MS = 1_000;

/** What the socket's owner says about itself ("" if it is too busy to answer), or null when nobody owns it. */
function ask(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("error", () => resolve(null));
    socket.once("connect", () => {
      socket.setTimeout(ANSWER_MS, () => {
        resolve("");
        socket.destroy();
      });
      text(socket).then(resolve, () => resolve(""));
    });
  });
}

function alreadyRunning(dataDir: string, who: string): AlreadyRunning {
  return new AlreadyRunning(`Reminder Engine is already running on the data in ${dataDir}${who && ` (${who})`}`);
}
