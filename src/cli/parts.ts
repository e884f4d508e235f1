import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";
import { buildServer } from "../api/server.ts";
import { InvalidRecipient } from "../channels/channel.ts";
import { BrokenAccount, toEmailAccount } from "../channels/email/account.ts";
import { BadDkim, type Dkim, readDkim } from "../channels/email/dkim.ts";
import { BrokenSettings } from "../channels/own-settings.ts";
import { toPushAccount } from "../channels/push/account.ts";
import { type Channels, createChannels } from "../channels/registry.ts";
import { type ServiceAccess, toAccess } from "../channels/services/access.ts";
import { toSlackAccount } from "../channels/slack/account.ts";
import { toSmsAccount } from "../channels/sms/account.ts";
import { toSigning } from "../channels/webhook/signing.ts";
import type { Installation } from "../conditions/condition.ts";
import type { Outside } from "../engine/asking/outside.ts";
import { PushDevices } from "../engine/push-devices.ts";
import { DEFAULT_SETTINGS } from "../engine/settings.ts";
import { TenantSettings, type TenantSettingsOptions } from "../engine/tenant-settings.ts";
import { Threads } from "../engine/threads.ts";
import { startWorker, type Worker } from "../engine/worker.ts";
import { certainlyRefused } from "../outgoing/certainly-refused.ts";
import { guardedHttp } from "../outgoing/guarded-http.ts";
import type { Keyring } from "../secrets/keyring.ts";
import { type NamedQueries, usableQuery } from "../store/sql-queries.ts";
import type { ApiDatabase, WorkerDatabase } from "../store/tenant-database.ts";
import type { Service } from "./run.ts";
import { CannotRun, say } from "./say.ts";
import { refuseOpenDoor } from "./way-in.ts";

// The parts that commands are made of, each made from the configuration here and nowhere else.

/** With `tenants`, each of them sends by what it has set for itself. Who only checks recipients needs none of that. */
export function openChannels({ config, log, opened }: Service, tenants?: Tenants): Channels {
  const http = guardedHttp(config.outgoing);
  opened.add("channels' connections to URLs of users", async () => http.close());
  const { slack, webhook, services } = config;
  const threads = tenants && new Threads(tenants.database, "slack");
  const mailThreads = tenants && new Threads(tenants.database, "email");
  const channels = withCheckedSender(() =>
    createChannels({
      email: {
        ...config.email,
        dkim: readInstallationDkim(config),
        ...(mailThreads ? { threadRoot: (message, afterDays) => mailThreads.root(message, afterDays) } : {}),
        ownAccount: tenants && ownSettings(tenants, "email", toEmailAccount, (why) => new BrokenAccount(why)),
      },
      slack: {
        ...slack,
        http,
        own: tenants && ownSettings(tenants, "slack", toSlackAccount, (why) => new BrokenSettings(why)),
        ...(threads ? { lastSent: (id, recipient) => threads.lastSent(id, recipient) } : {}),
      },
      webhook: {
        signing: { secrets: webhook.secrets },
        concurrency: webhook.concurrency,
        own: tenants && ownSettings(tenants, "webhook", toSigning, (why) => new BrokenSettings(why)),
        ...{ http, refusesUrl: certainlyRefused(config.outgoing) },
        log,
      },
      sms: {
        ...config.sms,
        publicUrl: config.links?.publicUrl ?? null,
        own: tenants && ownSettings(tenants, "sms", toSmsAccount, (why) => new BrokenSettings(why)),
        http,
      },
      push: {
        account: config.push,
        ...(tenants ? { devices: new PushDevices(tenants.database, log) } : {}),
        own: tenants && ownSettings(tenants, "push", toPushAccount, (why) => new BrokenSettings(why)),
        http,
      },
      service: (service) => {
        const make: TenantSettingsOptions<ServiceAccess>["make"] = (...stored) => toAccess(service, ...stored);
        return {
          access: services[service.name] ?? null,
          own: tenants && ownSettings(tenants, service.name, make, (why) => new BrokenSettings(why)),
          http,
        };
      },
      print: say,
    }),
  );
  opened.add("channels", () => Promise.all([...channels.values()].map((channel) => channel.close())));
  return channels;
}

interface ForApi {
  database: ApiDatabase;
  channels: Channels;
  keyring: Keyring;
  /** The queries of the worker that is in the same process; null: only workers elsewhere know them. */
  named: NamedQueries | null;
}

/** Throws `CannotRun` where the API would be open to everybody. */
export async function makeApi(
  service: Service,
  { database, channels, keyring, named }: ForApi,
): Promise<FastifyInstance> {
  await refuseOpenDoor(service, database);
  const { access, minIntervalSeconds, engine, outgoing, email, slack, links, answerDays, push } = service.config;
  const { ceiling } = engine;
  const installation: Installation = {
    refusesUrl: certainlyRefused(outgoing),
    hasQuery: (name, tenantId) => named && usableQuery(named, name, tenantId) !== null,
  };
  const http = guardedHttp(outgoing);
  service.opened.add("the API's connections to mail providers and Slack", async () => http.close());
  const bounceSecret = email.bounces?.secret ?? null;
  const options = {
    installation,
    access,
    minIntervalSeconds,
    ceiling,
    http,
    bounceSecret,
    slack,
    answerDays,
    publicUrl: links?.publicUrl ?? null,
    pushKey: push?.publicKey ?? null,
  };
  return buildServer({ database, channels, keyring, log: service.log, ...options });
}

export function makeWorker(
  { config, log }: Service,
  database: WorkerDatabase,
  channels: Channels,
  outside: Outside,
): Worker {
  const settings = {
    ...config.engine,
    links: config.links,
    answerDays: config.answerDays,
    retry: { ...DEFAULT_SETTINGS.retry, ...config.engine.retry },
    hold: { ...DEFAULT_SETTINGS.hold, ...config.engine.hold },
  };
  return startWorker({ database, channels, log, outside, settings });
}

/** Where tenants' own settings are, and what opens their secrets. */
interface Tenants {
  database: WorkerDatabase;
  keyring: Keyring;
}

function ownSettings<T>(
  tenants: Tenants,
  channel: string,
  make: TenantSettingsOptions<T>["make"],
  cannotOpen: (sentence: string) => Error,
): (tenantId: string) => Promise<T | null> {
  const settings = new TenantSettings({ ...tenants, channel, make, cannotOpen });
  return (tenantId) => settings.of(tenantId);
}

/** Throws `CannotRun` where the key can't be read or used. */
function readInstallationDkim({ email: { dkim, from } }: Service["config"]): Dkim | null {
  if (dkim === null) return null;
  const { keyFile, ...named } = dkim;
  try {
    return readDkim(from.address, { ...named, pem: readFileSync(keyFile, "utf8") });
  } catch (error) {
    if (error instanceof BadDkim)
      throw new CannotRun(`DKIM_KEY_FILE, DKIM_SELECTOR and DKIM_DOMAIN: it ${error.message}`);
    throw new CannotRun(`DKIM_KEY_FILE can't be read: ${(error as Error).message}`);
  }
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
