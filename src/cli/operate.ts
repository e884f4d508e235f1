import type { Keyring } from "../secrets/keyring.ts";
import type { Session } from "../store/postgres.ts";
import { openKeyring } from "./keyring.ts";
import { ownedDatabase } from "./owned-database.ts";
import type { Service } from "./run.ts";

/** The database as its owner has it, and the master keys. */
export interface Operated {
  database: Session;
  keyring: Keyring;
}

/** What the commands `channels` and `secrets` work with. */
export async function operate(service: Service, command: string): Promise<Operated> {
  const database = await ownedDatabase(service, command);
  const hasOwnKey = service.config.database.url === null;
  return { database, keyring: await openKeyring(service, hasOwnKey ? "data folder" : "configured") };
}
