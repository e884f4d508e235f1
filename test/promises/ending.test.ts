import { pino } from "pino";
import { expect, test } from "vitest";
import { Retryable } from "../../src/channels/channel.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { Asker, type AskerOptions } from "../../src/engine/asking/asker.ts";
import { DEFAULT_SETTINGS } from "../../src/engine/settings.ts";
import type { Limits } from "../../src/store/postgres.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { lockWaits } from "../support/database.ts";
import { holding } from "../support/holding.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

const once = (fields: Record<string, unknown> = {}) => ({
  ...{ schedule_type: "one_time", interval_minutes: null, run_at: new Date(), ...fields },
});
const ASKED = { stop_condition_type: "expression", stop_condition_value: "false" };

test("what gets its place only when the worker has aborted all it sends doesn't leave any more", async () => {
  const { database, sink, work, insert, deliveries } = await world();
  let isAborted = false;
  sink.behave = (_, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        isAborted = true;
        reject(new Retryable("cut off"));
      });
    });
  const worker = work({ limits: { perMinute: null, perRecipientPerHour: 5 }, graceMs: 0 });
  await insert(once({ recipient: "ann@example.org" }));
  await until(() => sink.received.length === 1, "one is under way");
  const letGo = await holding(database, "lock table pace in exclusive mode");
  const id = await insert(once({ recipient: "bob@example.org" }));
  await until(async () => (await lockWaits(database)) > 0, "another asks for its place");

  const stopped = worker.stop();
  await until(() => isAborted, "all is aborted");
  await letGo();
  await stopped;

  await until(async () => (await deliveries(id))[0]?.status !== "sending", "it is handed back");
  expect((await deliveries(id))[0]).toMatchObject({ status: "pending", attempts: 0 });
  expect(sink.received.map(({ recipient }) => recipient)).toEqual(["ann@example.org"]);
});

test("what is to be asked, and is claimed while the asking ends, is given back at once", async () => {
  const { database, sink, insert, reminder } = await world();
  const id = await insert(once(ASKED));
  const base = workerDatabase(database);
  const asker: Asker = new Asker({
    database: {
      ...base,
      transaction: async (run: Parameters<typeof base.transaction>[0], limits?: Limits) => {
        const claimed = await base.transaction(run, limits);
        expect(await reminder(id)).toMatchObject({ ask_token: expect.any(String) });
        await asker.stop();
        return claimed;
      },
    },
    channels: channelMap([sink]),
    settings: DEFAULT_SETTINGS,
    questions: { stop: () => {} },
    log: pino({ level: "silent" }),
    onSooner: () => {},
  } as unknown as AskerOptions);

  expect(await asker.claim()).toBe(Number.POSITIVE_INFINITY);
  expect(await reminder(id)).toMatchObject({ ask_token: null });
});

test("a worker waits for what is being fired once it was asked about, and hands back what comes of it", async () => {
  const { database, sink, work, insert, deliveries } = await world();
  const letGo = await holding(database, "lock table deliveries in share mode");
  const id = await insert(once(ASKED));
  const worker = work({ graceMs: 60_000 });
  await until(async () => (await lockWaits(database)) > 0, "it is being fired");

  const stopped = worker.stop();
  // Longer than its loops and its asking are waited for.
  setTimeout(() => void letGo(), 1_500);
  await stopped;

  await until(async () => (await deliveries(id)).length === 1, "it was fired");
  expect((await deliveries(id))[0]).toMatchObject({ status: "pending", attempts: 0, lease_token: null });
  expect(sink.received).toEqual([]);
});
