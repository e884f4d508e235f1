import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Keyring } from "../secrets/keyring.ts";
import { BadKey, type MasterKey, newMasterKey, parseMasterKeys } from "../secrets/master-key.ts";
import type { Sql } from "../store/postgres.ts";
import { keysInUse } from "../store/secrets.ts";
import type { Service } from "./run.ts";
import { CannotRun } from "./say.ts";

/** Beside the embedded database: the key that `start` makes for itself, so that who tries it out needs to know nothing. */
const OWN_KEY_FILE = "secrets.key";

/**
 * The master keys: those of SECRETS_KEY, then those in SECRETS_KEY_FILE. With the embedded database the one in DATA_DIR comes
 * last; it is made when there is no other. Throws `CannotRun` with what is wrong with a file.
 */
export async function openKeyring(
  { config: { secrets, dataDir } }: Service,
  from: "configured" | "data folder" = "configured",
): Promise<Keyring> {
  const keys = secrets.keys === null ? [] : parseMasterKeys(secrets.keys);
  if (secrets.keyFile !== null) keys.push(...(await keysIn(secrets.keyFile, "SECRETS_KEY_FILE")));
  if (from === "configured") return new Keyring(keys);

  const path = join(dataDir, OWN_KEY_FILE);
  const own = (await keysIfThere(path)) ?? (keys.length === 0 ? await makeKeyFile(path) : []);
  return new Keyring([...keys, ...own]);
}

/** Says in the log which secrets nobody here can open. It is no reason not to start: only what needs them fails. */
export async function reportMissingKeys({ log }: Pick<Service, "log">, sql: Sql, keyring: Keyring): Promise<void> {
  for (const { keyId, secrets, tenants } of await keysInUse(sql)) {
    if (keyring.has(keyId)) continue;
    log.error(
      { key: keyId, secrets, tenants },
      "secrets are sealed with a key that is in neither SECRETS_KEY nor SECRETS_KEY_FILE: what of these tenants needs them " +
        "doesn't work until it is added there",
    );
  }
}

async function keysIn(path: string, setting: string): Promise<MasterKey[]> {
  try {
    return parseMasterKeys(await readFile(path, "utf8"));
  } catch (error) {
    if (error instanceof BadKey) throw new CannotRun(`what is in ${setting} (${path}) must be ${error.message}`);
    throw new CannotRun(`can't read ${setting}: ${(error as Error).message}`);
  }
}

async function keysIfThere(path: string): Promise<MasterKey[] | null> {
  const isThere = await readFile(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== "ENOENT",
  );
  return isThere ? keysIn(path, "the key file") : null;
}

/** Whole and synced to disk before it has its name. The data folder is ours alone. */
async function makeKeyFile(path: string): Promise<MasterKey[]> {
  const half = `${path}.${randomBytes(4).toString("hex")}`;
  const file = await open(half, "wx", 0o600);
  try {
    await file.writeFile(`${newMasterKey()}\n`);
    await file.sync();
    await rename(half, path);
  } finally {
    await file.close();
    await rm(half, { force: true });
  }
  return keysIn(path, "the key file");
}
