import type { FastifyInstance } from "fastify";
import { buildServer } from "../api/server.ts";
import { InvalidRecipient } from "../channels/channel.ts";
import { type Channels, createChannels } from "../channels/registry.ts";
import { DEFAULT_SETTINGS } from "../engine/settings.ts";
import { startWorker, type Worker } from "../engine/worker.ts";
import type { ApiDatabase, WorkerDatabase } from "../store/tenant-database.ts";
import type { Service } from "./run.ts";
import { CannotRun, say } from "./say.ts";

// The parts that commands are made of, each made from the configuration here and nowhere else.

export function openChannels({ config, opened }: Service): Channels {
  const channels = withCheckedSender(() => createChannels({ email: config.email, print: say }));
  opened.add("channels", () => Promise.all([...channels.values()].map((channel) => channel.close())));
  return channels;
}

export function makeApi({ log }: Service, database: ApiDatabase, channels: Channels): Promise<FastifyInstance> {
  return buildServer({ database, channels, log });
}

export function makeWorker({ config, log }: Service, database: WorkerDatabase, channels: Channels): Worker {
  const settings = { ...config.engine, retry: { ...DEFAULT_SETTINGS.retry, ...config.engine.retry } };
  return startWorker({ database, channels, log, settings });
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
