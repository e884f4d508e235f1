import { lookup } from "node:dns/promises";
import { isLoopback } from "../api/access/reach.ts";
import { hasKeys } from "../store/keys.ts";
import type { ApiDatabase } from "../store/tenant-database.ts";
import type { Service } from "./run.ts";
import { CannotRun } from "./say.ts";

/** Throws `CannotRun` where others than this machine could reach the API while nobody has to say who they are. */
export async function refuseOpenDoor({ config }: Service, database: ApiDatabase): Promise<void> {
  const { host } = config.http;
  if (config.access.oidc !== null || (await isThisMachineOnly(host)) || (await hasKeys(database))) return;
  throw new CannotRun(
    `HOST is ${host}, where others can reach the API, and nobody has a key yet: make one first ` +
      "(npx reminder-engine keys create), or set OIDC_ISSUER, or leave HOST at 127.0.0.1",
  );
}

async function isThisMachineOnly(host: string): Promise<boolean> {
  // A name that leads nowhere is complained about when it is listened on.
  const addresses = await lookup(host, { all: true }).catch(() => []);
  return addresses.every(({ address }) => isLoopback(address));
}
