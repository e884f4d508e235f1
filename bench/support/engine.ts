import { pino } from "pino";
import type { Channel, Message } from "../../src/channels/channel.ts";
import { channelMap } from "../../src/channels/registry.ts";
import type { EngineSettings } from "../../src/engine/settings.ts";
import { startWorker, type Worker } from "../../src/engine/worker.ts";
import type { Database } from "../../src/store/postgres.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";

/** A channel that does nothing, so that the engine itself is measured. */
export function nothingChannel(onSend: (message: Message) => void = () => {}): Channel {
  return {
    name: "nothing",
    concurrency: 500,
    timeoutMs: 30_000,
    parseRecipient: (text) => text,
    address: () => null,
    send: async (message) => {
      onSend(message);
      return { providerId: null, demo: false };
    },
    close: async () => {},
  };
}

export function startEngine(
  database: Database,
  channel: Channel = nothingChannel(),
  settings: Partial<EngineSettings> = {},
): Worker {
  const log = pino({ level: "warn" }, process.stderr);
  return startWorker({ database: workerDatabase(database), channels: channelMap([channel]), log, settings });
}
