import { pino } from "pino";
import { onTestFinished } from "vitest";
import { channelMap } from "../../src/channels/registry.ts";
import type { Outside } from "../../src/engine/asking/outside.ts";
import type { EngineSettings } from "../../src/engine/settings.ts";
import { startWorker, type Worker } from "../../src/engine/worker.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { advance } from "./clock.ts";
import { freshDatabase, type TestDatabase } from "./database.ts";
import { type Sink, sinkChannel } from "./sink.ts";
import { until } from "./wait.ts";

export interface World {
  database: TestDatabase;
  sink: Sink;
  /** Starts a worker that is stopped when the test ends. */
  work(settings?: Partial<EngineSettings>, outside?: Outside): Worker;
  /** Inserts a reminder as plain SQL would, and returns its id. */
  insert(columns?: Record<string, unknown>): Promise<number>;
  setFlag(key: string, value: boolean): Promise<void>;
  reminder(id: number): Promise<Record<string, unknown>>;
  deliveries(id: number): Promise<Record<string, unknown>[]>;
  events(id: number): Promise<Record<string, unknown>[]>;
  advance(by: { seconds?: number; minutes?: number; days?: number }): Promise<void>;
  /** Waits until the reminder's row says this. */
  becomes(id: number, expected: Record<string, unknown>): Promise<void>;
  /** Waits until the reminder's newest delivery has this status. */
  deliveryBecomes(id: number, status: string): Promise<Record<string, unknown>>;
}

let counter = 0;

/** A database of its own, a receiver of its own, and hands to move both. */
export async function world(options: Parameters<typeof sinkChannel>[1] = {}): Promise<World> {
  return worldOn(await freshDatabase(), options);
}

/** The same on a database that the test brings. */
export function worldOn(database: TestDatabase, options: Parameters<typeof sinkChannel>[1] = {}): World {
  const sink = sinkChannel("sink", options);
  const log = pino({ level: process.env.TEST_LOG_LEVEL ?? "silent" });

  const reminder = async (id: number): Promise<Record<string, unknown>> => {
    const [row] = await database.query("select * from reminder_jobs where id = $1", [id]);
    if (!row) throw new Error(`no reminder ${id}`);
    return row;
  };
  const deliveries = (id: number): Promise<Record<string, unknown>[]> =>
    database.query("select * from deliveries where reminder_id = $1 order by occurrence_at", [id]);

  return {
    database,
    sink,
    work: (settings, outside) => {
      const worker = startWorker({
        database: workerDatabase(database),
        channels: channelMap([sink]),
        log,
        ...(settings ? { settings } : {}),
        ...(outside ? { outside } : {}),
      });
      onTestFinished(() => worker.stop());
      return worker;
    },
    insert: async (columns = {}) => {
      counter += 1;
      const row = {
        entity_type: "invoice",
        entity_id: `INV_${counter}`,
        event_type: "payment",
        channel: "sink",
        recipient: "someone@example.org",
        schedule_type: "recurring",
        interval_minutes: 60,
        ...columns,
      };
      const names = Object.keys(row);
      const [inserted] = await database.query<{ id: number }>(
        `insert into reminder_jobs (${names.join(", ")}) values (${names.map((_, index) => `$${index + 1}`).join(", ")})
         returning id`,
        Object.values(row),
      );
      return inserted?.id as number;
    },
    setFlag: async (key, value) => {
      await database.query(
        `insert into status_flags (key, value) values ($1, $2)
         on conflict (tenant_id, key) do update set value = excluded.value`,
        [key, value],
      );
    },
    reminder,
    deliveries,
    events: (id) => database.query("select * from reminder_events where reminder_id = $1 order by id", [id]),
    advance: (by) => advance(database, by),
    becomes: async (id, expected) => {
      await until(
        async () => {
          const row = await reminder(id);
          return Object.entries(expected).every(([name, value]) => row[name] === value);
        },
        `reminder ${id} is ${JSON.stringify(expected)}`,
      );
    },
    deliveryBecomes: async (id, status) =>
      until(async () => {
        const newest = (await deliveries(id)).at(-1);
        return newest?.status === status ? newest : null;
      }, `the newest delivery of reminder ${id} is ${status}`),
  };
}
