import type { FastifyInstance } from "fastify";
import { buildServer } from "../api/server.ts";
import { type Channels, channelMap } from "../channels/registry.ts";
import { DEFAULT_SETTINGS } from "../engine/settings.ts";
import { startWorker, type Worker } from "../engine/worker.ts";
import type { Database } from "../store/postgres.ts";
import type { Service } from "./run.ts";

// The parts that commands are made of, each made from the configuration here and nowhere else.

export function openChannels({ opened }: Service): Channels {
  const channels = channelMap([]);
  opened.add("channels", () => Promise.all([...channels.values()].map((channel) => channel.close())));
  return channels;
}

export function makeApi({ log }: Service, database: Database, channels: Channels): Promise<FastifyInstance> {
  return buildServer({ database, channels, log });
}

export function makeWorker({ config, log }: Service, database: Database, channels: Channels): Worker {
  const { pollSeconds, batchSize, retry } = config.engine;
  const settings = { pollSeconds, batchSize, retry: { ...DEFAULT_SETTINGS.retry, ...retry } };
  return startWorker({ database, channels, log, settings });
}
