import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";
import { EmbeddedError } from "./embedded-error.ts";

const run = promisify(execFile);

/** The OS user that the server runs as. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

const NAME = "postgres";

/** Ways to add a system user: shadow's useradd (most distributions), and busybox' adduser. */
const WAYS_TO_ADD: [string, string[]][] = [
  ["useradd", ["--system", "--user-group", "--no-create-home", "--shell", "/bin/false", NAME]],
  ["adduser", ["-S", "-D", "-H", "-s", "/bin/false", NAME]],
];

/**
 * Who runs the server: null means we ourselves. PostgreSQL refuses to run as root, so for root it is the owner of the
 * data that is already there, else the system user `postgres`, which is made when it is missing.
 */
export async function serverAccount(clusterDir: string): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  const owner = await ownerOf(clusterDir);
  if (owner) return owner;
  return (await lookUp(NAME)) ?? (await add());
}

async function ownerOf(folder: string): Promise<Account | null> {
  const found = await stat(folder).catch(() => null);
  if (!found || found.uid === 0) return null;
  return { name: `#${found.uid}`, uid: found.uid, gid: found.gid };
}

async function lookUp(name: string): Promise<Account | null> {
  try {
    const [uid, gid] = await Promise.all([run("id", ["-u", name]), run("id", ["-g", name])]);
    return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}

async function add(): Promise<Account> {
  for (const [command, args] of WAYS_TO_ADD) {
    await run(command, args).catch(() => {});
    const added = await lookUp(NAME);
    if (added) return added;
  }
  throw new EmbeddedError(
    `as root the embedded PostgreSQL needs a system user named ${NAME}, and none could be added: add one, ` +
      "start as another user, or set DATABASE_URL",
  );
}
