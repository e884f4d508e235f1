import { randomBytes } from "node:crypto";
import { readdir, realpath, rename, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { EmbeddedError } from "./embedded-error.ts";
import { shortPath } from "./short-path.ts";

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

/** What a socket's owner says about itself. */
interface Owner {
  /** False while it still looks whether it is alone. */
  runs: boolean;
  pid: number;
  where: string;
}

const SOCKET = /^running-[0-9a-f]{16}\.sock$/;
const LOOK_AGAIN_MS = 20;
/** An owner that takes longer to answer is there all the same. */
const ANSWER_MS = 1_000;

/**
 * Claims a data folder, or throws `AlreadyRunning`. The claim is an open socket in that folder: it answers as long as its
 * process lives and not a moment longer, whatever kills it, so no process id has to be believed.
 *
 * Each process has a socket with a name of its own, shows it, and only then looks at the others: of two, at least one
 * sees the other. It gives way to one that runs, and, as long as both still look, to the one whose name sorts first,
 * which waits for it to do so. A name is never used twice, so a socket that nobody answers is dead for good.
 */
export async function claimDataDir(dataDir: string): Promise<Instance> {
  const name = `running-${randomBytes(8).toString("hex")}.sock`;
  const me: Owner = { runs: false, pid: process.pid, where: "" };
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.end(JSON.stringify(me));
  });
  const release = async () => {
    await rm(join(dataDir, name), { force: true }).catch(() => {});
    await new Promise((resolve) => server.close(resolve));
  };
  try {
    await claim(dataDir, name, server);
  } catch (error) {
    await release();
    throw error instanceof OwnedBy ? alreadyRunning(dataDir, error.owner) : cannotUse(dataDir, error);
  }
  me.runs = true;
  server.unref();
  return {
    announce: (where) => {
      me.where = where;
    },
    release,
  };
}

async function claim(dataDir: string, name: string, server: Server): Promise<void> {
  const folder = await shortPath(await realpath(dataDir));
  try {
    await show(server, folder.path, name);
    while (!(await isAlone(folder.path, name))) await sleep(LOOK_AGAIN_MS);
  } finally {
    await folder.forget();
  }
}

/** Under its own name only once it answers: between its birth and that it would look like a dead one. */
async function show(server: Server, folder: string, name: string): Promise<void> {
  const unborn = join(folder, `${name}.new`);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(unborn, () => {
      server.off("error", reject);
      resolve();
    });
  });
  await rename(unborn, join(folder, name));
}

/** Somebody else has the folder. */
class OwnedBy extends Error {
  readonly owner: Owner | null;

  constructor(owner: Owner | null) {
    super("the folder is owned");
    this.owner = owner;
  }
}

/** Throws `OwnedBy` if we have to give way, and is false while somebody has to give way to us, or just does. */
async function isAlone(folder: string, mine: string): Promise<boolean> {
  const others = (await readdir(folder)).filter((name) => SOCKET.test(name) && name !== mine);
  for (const name of others) {
    const owner = await ask(join(folder, name));
    if (owner === "nobody") await rm(join(folder, name), { force: true });
    else if (owner === "silent") throw new OwnedBy(null);
    else if (owner === "leaving") return false;
    else if (owner.runs || name < mine) throw new OwnedBy(owner);
    else return false;
  }
  return true;
}

/** How the system says that nobody listens. Anything else, such as "permission denied", says nothing about that. */
const NOBODY_THERE = new Set(["ECONNREFUSED", "ENOENT", "ENOTSOCK"]);

/** `leaving`: it ended, or gave way, as it was asked, to be asked again. */
function ask(path: string): Promise<Owner | "silent" | "leaving" | "nobody"> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (NOBODY_THERE.has(error.code ?? "")) resolve("nobody");
      else reject(error);
    });
    socket.once("connect", () => {
      socket.setTimeout(ANSWER_MS, () => {
        resolve("silent");
        socket.destroy();
      });
      text(socket).then(
        (answer) => resolve(answer ? (JSON.parse(answer) as Owner) : "leaving"),
        () => resolve("leaving"),
      );
    });
  });
}

function cannotUse(dataDir: string, error: unknown): EmbeddedError {
  const { code, message } = error as NodeJS.ErrnoException;
  const why = code === "EACCES" || code === "EPERM" ? "it belongs to another user" : message;
  return new EmbeddedError(`can't use the data folder ${dataDir}: ${why}; start as its owner, or set another DATA_DIR`);
}

function alreadyRunning(dataDir: string, owner: Owner | null): AlreadyRunning {
  const who = owner ? ` (process ${owner.pid}${owner.where && `, ${owner.where}`})` : "";
  return new AlreadyRunning(`Reminder Engine is already running on the data in ${dataDir}${who}`);
}
