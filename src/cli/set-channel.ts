import type { JsonObject } from "../core/json.ts";
import type { SealedSecret } from "../core/secret.ts";
import { NoKey } from "../secrets/keyring.ts";
import { secretKind, writeChannelSettings } from "../store/channel-settings.ts";
import { isTenant } from "../store/tenants.ts";
import { note } from "./note.ts";
import { operate } from "./operate.ts";
import type { Service } from "./run.ts";
import { CannotRun } from "./say.ts";

/** What is to be stored for a tenant's channel. Secrets are by name, as they are. */
export interface ToStore {
  settings: JsonObject;
  secrets: Readonly<Record<string, string>>;
}

export interface Setting {
  tenantId: string;
  channel: string;
  /** False where there will be no secret, and so no key is needed. */
  hasSecrets: boolean;
  /** Asked once it is clear that it can be stored: before anybody types a secret. */
  read(): Promise<ToStore>;
}

/** Stores what a tenant sets for a channel, in place of all that it had set, and notes it in the audit. Throws `CannotRun`. */
export async function setChannel(service: Service, { tenantId, channel, hasSecrets, read }: Setting): Promise<void> {
  const { database, keyring } = await operate(service, "channels set");
  if (!(await isTenant(database, tenantId))) {
    throw new CannotRun(`there is no tenant ${tenantId}: create it with \`reminder-engine tenants create\``);
  }
  if (hasSecrets && keyring.newestId === null) throw new CannotRun(new NoKey().message);
  const { settings, secrets } = await read();
  const sealed = Object.entries(secrets).map(([name, value]): [string, SealedSecret] => {
    return [name, keyring.seal({ tenantId, kind: secretKind(channel), name }, value)];
  });
  await database.transaction(async (sql) => {
    await writeChannelSettings(sql, { tenantId, channel, settings, secrets: new Map(sealed) });
    await note(sql, tenantId, { operation: "channels set", target: `channel ${channel}`, details: { ...settings } });
  });
}
