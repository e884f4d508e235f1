import type { FastifyInstance } from "fastify";
import { buildServer } from "../api/server.ts";
import { InvalidRecipient } from "../channels/channel.ts";
import { BrokenAccount, type EmailAccount, toEmailAccount } from "../channels/email/account.ts";
import { type Channels, createChannels } from "../channels/registry.ts";
import type { Outside } from "../engine/asking/outside.ts";
import { DEFAULT_SETTINGS } from "../engine/settings.ts";
import { TenantSettings } from "../engine/tenant-settings.ts";
import { startWorker, type Worker } from "../engine/worker.ts";
import type { Keyring } from "../secrets/keyring.ts";
import type { ApiDatabase, WorkerDatabase } from "../store/tenant-database.ts";
import type { Service } from "./run.ts";
import { CannotRun, say } from "./say.ts";
import { refuseOpenDoor } from "./way-in.ts";

// The parts that commands are made of, each made from the configuration here and nowhere else.

/** With `tenants`, each of them sends by what it has set for itself. Who only checks recipients needs none of that. */
export function openChannels(
  { config, opened }: Service,
  tenants?: { database: WorkerDatabase; keyring: Keyring },
): Channels {
  const accounts = tenants && ownEmailAccounts(tenants.database, tenants.keyring);
  const ownEmailAccount = accounts && ((tenantId: string) => accounts.of(tenantId));
  const channels = withCheckedSender(() => createChannels({ email: config.email, print: say, ownEmailAccount }));
  opened.add("channels", () => Promise.all([...channels.values()].map((channel) => channel.close())));
  return channels;
}

/** Throws `CannotRun` where the API would be open to everybody. */
export async function makeApi(
  service: Service,
  { database, channels, keyring }: { database: ApiDatabase; channels: Channels; keyring: Keyring },
): Promise<FastifyInstance> {
  await refuseOpenDoor(service, database);
  const { access, minIntervalSeconds, engine } = service.config;
  const { ceiling } = engine;
  return buildServer({ database, channels, keyring, log: service.log, access, minIntervalSeconds, ceiling });
}

export function makeWorker(
  { config, log }: Service,
  database: WorkerDatabase,
  channels: Channels,
  outside: Outside,
): Worker {
  const settings = {
    ...config.engine,
    retry: { ...DEFAULT_SETTINGS.retry, ...config.engine.retry },
    hold: { ...DEFAULT_SETTINGS.hold, ...config.engine.hold },
  };
  return startWorker({ database, channels, log, outside, settings });
}

function ownEmailAccounts(database: WorkerDatabase, keyring: Keyring): TenantSettings<EmailAccount> {
  const cannotOpen = (sentence: string) => new BrokenAccount(sentence);
  return new TenantSettings({ database, keyring, channel: "email", make: toEmailAccount, cannotOpen });
}

/** Mail knows stricter rules for addresses than a look at the settings. */
function withCheckedSender<T>(create: () => T): T {
  try {
    return create();
  } catch (error) {
    if (error instanceof InvalidRecipient) throw new CannotRun(`SMTP_FROM_EMAIL ${error.message}`);
    throw error;
  }
}
