import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/store/postgres.ts";
import { openNetwork } from "../chaos/proxy.ts";
import { freshDatabase } from "../support/database.ts";
import { until } from "../support/wait.ts";
import { worldOn } from "../support/world.ts";

/** A worker behind a network that can fail, and a way around it for the test. */
async function worldBehindNetwork() {
  const direct = await freshDatabase();
  const network = await openNetwork(direct.url);
  const database = openDatabase({ url: network.url });
  onTestFinished(async () => {
    await network.close();
    await database.close();
  });
  const { sink, work } = worldOn({ ...database, url: network.url });
  return { network, database, sink, work, insert: worldOn(direct).insert };
}

test("P8: when all of a worker's connections go silent without a word, it is back at work within 20 s", async () => {
  const { network, database, sink, work, insert } = await worldBehindNetwork();
  work();
  await insert({ run_at: new Date() });
  await until(() => sink.received.length === 1, "the first is sent");
  // As many connections as there may be, so that trying one after the other would take for ever.
  await Promise.all(Array.from({ length: 20 }, () => database.query("select pg_sleep(0.1)")));

  expect(network.freeze(1)).toBeGreaterThanOrEqual(10);
  const silentSince = performance.now();
  await insert({ run_at: new Date() });
  await until(() => sink.received.length === 2, "the next is sent", 120_000);

  expect((performance.now() - silentSince) / 1000).toBeLessThan(20);
}, 300_000);
