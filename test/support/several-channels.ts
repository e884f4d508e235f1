import { pino } from "pino";
import { onTestFinished } from "vitest";
import type { Channel } from "../../src/channels/channel.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { type Fallbacks, readFallbacks } from "../../src/core/fallback.ts";
import type { EngineSettings } from "../../src/engine/settings.ts";
import { startWorker, type Worker } from "../../src/engine/worker.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { type Sink, sinkChannel } from "./sink.ts";
import { until } from "./wait.ts";
import { type World, world } from "./world.ts";

/** A world with several channels, `first`, `second` and `third`, whose addresses contacts have by the channel's name alone. */
export interface SeveralChannels extends World {
  first: Sink;
  second: Sink;
  third: Sink;
  /** Starts a worker with these fallbacks, as settings write them, and with these channels; stopped when the test ends. */
  workWith(fallbacks: string, settings?: Partial<EngineSettings>, channels?: readonly Channel[]): Worker;
  /** Has a contact reached by the channels named. */
  contact(id: string, addresses: Record<string, string>, more?: Record<string, unknown>): Promise<void>;
  /** What became of the messages of a reminder, in the order of their numbers: channel, address and status. */
  ways(id: number): Promise<string[]>;
  /** Waits until that is so. */
  goes(id: number, expected: readonly string[]): Promise<void>;
  /** Of what kinds the timeline's events are, and why. */
  told(id: number): Promise<string[]>;
}

/** Fails in ways that may pass, the longer the later tried again. */
export const PATIENT = { maxAttempts: 5, baseSeconds: 3_600, factor: 2, capSeconds: 86_400 };

export async function severalChannels(): Promise<SeveralChannels> {
  const there = await world();
  const [first, second, third] = (["first", "second", "third"] as const).map((name) => {
    const sink = sinkChannel(name);
    sink.address = () => null;
    return sink;
  }) as [Sink, Sink, Sink];
  const ways = async (id: number): Promise<string[]> => {
    const rows = await there.database.query(
      "select * from deliveries where reminder_id = $1 order by occurrence_at, recipient_no",
      [id],
    );
    return rows.map(({ channel, recipient, status }) => `${channel} ${recipient} ${status}`);
  };
  return {
    ...there,
    ...{ first, second, third, ways },
    workWith: (fallbacks, settings = {}, channels = [first, second, third]) => {
      const names = channels.map(({ name }) => name);
      const worker = startWorker({
        database: workerDatabase(there.database),
        channels: channelMap(channels),
        log: pino({ level: process.env.TEST_LOG_LEVEL ?? "silent" }),
        settings: {
          ...settings,
          fallbacks: fallbacks === "" ? new Map() : (readFallbacks(fallbacks, names) as Fallbacks),
        },
      });
      onTestFinished(() => worker.stop());
      return worker;
    },
    contact: async (id, addresses, more = {}) => {
      const row = { entity_type: "person", entity_id: id, addresses, ...more };
      const names = Object.keys(row);
      await there.database.query(
        `insert into contacts (${names.join(", ")}) values (${names.map((_, place) => `$${place + 1}`).join(", ")})`,
        Object.values(row),
      );
    },
    goes: async (id, expected) => {
      await until(async () => (await ways(id)).join() === expected.join(), `its messages are ${expected.join(", ")}`);
    },
    told: async (id) => (await there.events(id)).map(({ type, because }) => `${type}: ${because}`),
  };
}

/** A reminder for a person, to be sent once over the first channel. */
export function once(entityId: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  const whose = { entity_type: "person", entity_id: entityId, recipient: null, channel: "first" };
  return { ...whose, schedule_type: "one_time", interval_minutes: null, run_at: new Date(0), ...more };
}
