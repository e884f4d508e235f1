import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { channelMap } from "../../src/channels/registry.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { sinkChannel } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

const NEVER = () => new Promise<never>(() => {});

test("P7: a receiver that never answers fills its own lane and delays nobody else", async () => {
  const { database, insert } = await world();
  const hung = sinkChannel("hung", { concurrency: 3 });
  const fine = sinkChannel("fine");
  hung.behave = NEVER;
  for (let n = 0; n < 200; n += 1) await insert({ channel: "hung", run_at: new Date() });
  const worker = startWorker({
    database: workerDatabase(database),
    channels: channelMap([hung, fine]),
    log: pino({ level: "silent" }),
  });
  onTestFinished(() => worker.stop());
  await until(() => hung.received.length === 3, "the hung lane is full");

  for (let n = 0; n < 200; n += 1) await insert({ channel: "fine", run_at: new Date() });
  await until(
    async () => (await database.query("select from deliveries where status = 'sent'")).length === 200,
    "the others are sent",
  );

  expect(fine.received).toHaveLength(200);
  expect(hung.received).toHaveLength(3);
  const waiting = await database.query(
    "select from deliveries where channel = 'hung' and status in ('sending', 'pending')",
  );
  expect(waiting).toHaveLength(200);
});

test("P7: a receiver that doesn't heed its time limit loses its place, and what waited behind it is sent", async () => {
  const { database, insert, sink, work, deliveryBecomes } = await world({ concurrency: 1, timeoutMs: 100 });
  sink.behave = () => (sink.received.length === 1 ? NEVER() : { providerId: null, demo: false });
  const first = await insert({ run_at: new Date() });
  work();
  await until(() => sink.received.length === 1, "the first hangs");
  const second = await insert({ run_at: new Date() });

  await deliveryBecomes(second, "sent");
  expect(await deliveryBecomes(first, "retrying")).toMatchObject({ reason: "the receiver did not answer in time" });
  expect(await database.query("select from deliveries")).toHaveLength(2);
});
