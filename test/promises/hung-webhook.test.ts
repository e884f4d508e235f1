import { randomBytes } from "node:crypto";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { channelMap } from "../../src/channels/registry.ts";
import { createWebhookChannel } from "../../src/channels/webhook/webhook.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { loopbackHttp } from "../outgoing/receiver.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { type HttpReceiver, startHttpReceiver } from "../support/http-receiver.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";

const CONCURRENCY = 8;
/** Just long enough to be called slow. */
const TIMEOUT_MS = 5_500;
/** Nothing is given up while these tests look on. */
const FOR_EVER_MS = 60_000;

function sendWebhooks(database: TestDatabase, timeoutMs = TIMEOUT_MS): void {
  const log = pino({ level: "silent" });
  const signing = { secrets: [`whsec_${randomBytes(32).toString("base64")}`] };
  const http = loopbackHttp();
  const channel = createWebhookChannel({ signing, concurrency: CONCURRENCY, http, log, timeoutMs });
  // No poll comes to the help of a wake-up that is lost.
  const settings = { pollSeconds: 3_600 };
  const worker = startWorker({ database: workerDatabase(database), channels: channelMap([channel]), log, settings });
  onTestFinished(() => worker.stop());
}

async function insertDue(database: TestDatabase, tenant: string, url: string, count: number): Promise<void> {
  await database.query(
    `insert into reminder_jobs (tenant_id, entity_type, entity_id, event_type, channel, recipient, schedule_type, run_at)
     select $1, 'invoice', n::text, $2, 'webhook', $2, 'one_time', reminder_now() from generate_series(1, $3::int) n`,
    [tenant, url, count],
  );
}

/** Takes requests, and answers none. */
async function startHung(): Promise<HttpReceiver & { mostOpen: number }> {
  const receiver = Object.assign(await startHttpReceiver(), { mostOpen: 0 });
  let open = 0;
  receiver.behave = (response) => {
    open += 1;
    receiver.mostOpen = Math.max(receiver.mostOpen, open);
    response.once("close", () => {
      open -= 1;
    });
  };
  return receiver;
}

test("P7: a URL that was never slow, and hangs, delays no other tenant", async () => {
  const database = await freshDatabase();
  await createTenants(database, "acme", "globex");
  const [hung, well] = [await startHung(), await startHttpReceiver()];
  await insertDue(database, "acme", hung.url, 300);
  sendWebhooks(database, FOR_EVER_MS);
  await until(() => hung.received.length >= CONCURRENCY / 4, "it has what it gets");

  await insertDue(database, "globex", well.url, 60);
  await until(() => well.received.length === 60, "all of the other's are sent");

  expect(hung.mostOpen).toBeLessThan(CONCURRENCY);
});

test("P7: nor others of the same tenant: it has no more than a quarter of the places before it has answered", async () => {
  const database = await freshDatabase();
  const [hung, well] = [await startHung(), await startHttpReceiver()];
  await insertDue(database, "default", hung.url, 300);
  sendWebhooks(database, FOR_EVER_MS);
  await until(() => hung.received.length >= CONCURRENCY / 4, "it has what it gets");

  await insertDue(database, "default", well.url, 60);
  await until(() => well.received.length === 60, "all of the others are sent");

  expect(hung.mostOpen).toBe(CONCURRENCY / 4);
});

test("P7: nor once it is known to hang: what waits for it keeps no place from them", async () => {
  const database = await freshDatabase();
  await createTenants(database, "acme");
  const [hung, well] = [await startHung(), await startHttpReceiver()];
  await insertDue(database, "acme", hung.url, 300);
  sendWebhooks(database);
  await until(() => hung.received.length > CONCURRENCY / 4, "the first of them have given up");

  await insertDue(database, "acme", well.url, 60);
  await until(() => well.received.length === 60, "all of the others are sent");

  expect(hung.received.length).toBeLessThan(60);
  const waiting = "select from deliveries where recipient = $1 and status in ('pending', 'retrying', 'sending')";
  expect(await database.query(waiting, [hung.url])).toHaveLength(300);
});
