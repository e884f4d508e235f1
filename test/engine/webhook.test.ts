import { randomBytes } from "node:crypto";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { BrokenSettings } from "../../src/channels/own-settings.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { SIGNING_SECRETS, toSigning } from "../../src/channels/webhook/signing.ts";
import { createWebhookChannel } from "../../src/channels/webhook/webhook.ts";
import { TenantSettings } from "../../src/engine/tenant-settings.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { Keyring } from "../../src/secrets/keyring.ts";
import { newMasterKey, parseMasterKeys } from "../../src/secrets/master-key.ts";
import { secretKind, writeChannelSettings } from "../../src/store/channel-settings.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { loopbackHttp } from "../outgoing/receiver.ts";
import { startApi } from "../support/api.ts";
import { answer, startHttpReceiver } from "../support/http-receiver.ts";
import { outlast, until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

const log = pino({ level: "silent" });
const newSecret = (): string => `whsec_${randomBytes(32).toString("base64")}`;
const HOUR_S = 3_600;

/** A worker that sends webhooks, each tenant's signed with what it has set. */
function workOn({ database }: World, keyring = new Keyring([])): void {
  const settings = new TenantSettings({
    ...{ database: workerDatabase(database), keyring, channel: "webhook", make: toSigning, freshMs: 0 },
    cannotOpen: (why) => new BrokenSettings(why),
  });
  const own = (tenantId: string) => settings.of(tenantId);
  const signing = { secrets: [newSecret()] };
  const channel = createWebhookChannel({ signing, concurrency: 5, http: loopbackHttp(), log, own });
  const worker = startWorker({ database: workerDatabase(database), channels: channelMap([channel]), log });
  onTestFinished(() => worker.stop());
}

test("a receiver that is away for days is tried ten times by the plan, with one id, and then given up", async () => {
  const { insert, deliveries, advance, ...rest } = await world();
  const receiver = await startHttpReceiver();
  receiver.behave = answer(502);
  workOn({ insert, deliveries, advance, ...rest });
  const id = await insert({
    ...{ channel: "webhook", recipient: receiver.url, schedule_type: "one_time", interval_minutes: null },
    next_run_at: new Date(),
  });
  const attempted = (attempts: number, status: string) =>
    until(async () => {
      const [delivery] = await deliveries(id);
      return delivery?.attempts === attempts && delivery.status === status ? delivery : null;
    }, `attempt ${attempts} has failed`);

  const plan = [5, 300, 1_800, 2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S, 14 * HOUR_S, 20 * HOUR_S, 24 * HOUR_S];
  for (const [index, seconds] of plan.entries()) {
    await attempted(index + 1, "retrying");
    const [row] = await rest.database.query<{ wait: number }>(
      "select extract(epoch from next_attempt_at - reminder_now())::float8 as wait from deliveries",
    );
    expect(row?.wait).toBeLessThanOrEqual(seconds * 1.2);
    await advance({ seconds: seconds * 1.2 });
  }

  expect(await attempted(10, "failed")).toMatchObject({
    reason: expect.stringMatching(/^gave up after 10 delivery attempts: 127\.0\.0\.1:\d+ answered .* status 502$/),
  });
  expect(receiver.received).toHaveLength(10);
  expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  const times = receiver.received.map(({ headers }) => Number(headers["webhook-timestamp"]));
  expect(times.at(-1)).toBeGreaterThan((times[0] as number) + 75 * HOUR_S);
});

test("a receiver that asks for a later try gets it, and not one before", async () => {
  const here = await world();
  const receiver = await startHttpReceiver();
  receiver.behave = answer(429, { "retry-after": "3000" });
  workOn(here);
  const id = await here.insert({ channel: "webhook", recipient: receiver.url, run_at: new Date() });
  await here.deliveryBecomes(id, "retrying");
  receiver.behave = answer(204);

  await here.advance({ seconds: 2_900 });
  const [row] = await here.database.query("select next_attempt_at > reminder_now() as waits from deliveries");
  expect(row).toEqual({ waits: true });
  await here.advance({ seconds: 100 });

  await here.deliveryBecomes(id, "sent");
  expect(receiver.received).toHaveLength(2);
});

test("a URL that is gone fails its message at once, and gets none any more until somebody releases it; the reminder goes on", async () => {
  const here = await world();
  const receiver = await startHttpReceiver();
  receiver.behave = answer(410);
  workOn(here);
  const id = await here.insert({ channel: "webhook", recipient: `${receiver.url}/hooks`, run_at: new Date() });

  expect(await here.deliveryBecomes(id, "failed")).toMatchObject({ attempts: 1 });
  expect(await here.reminder(id)).toMatchObject({ status: "ACTIVE" });
  await outlast();
  await here.advance({ minutes: 60 });
  expect((await here.deliveryBecomes(id, "suppressed")).reason).toMatch(
    /\(gone: 127\.0\.0\.1:\d+ answered the webhook with/,
  );
  const other = await here.insert({ channel: "webhook", recipient: `${receiver.url}/other`, run_at: new Date() });
  await here.deliveryBecomes(other, "failed");
  expect(receiver.received.map(({ path }) => path)).toEqual(["/hooks", "/other"]);

  receiver.behave = answer(204);
  const api = await startApi(here.database);
  const [gone] = (await api.all("/suppressions?channel=webhook")) as { address: string; reason: string }[];
  expect(gone).toMatchObject({ reason: "gone", expires_at: null, created_by: "channel webhook" });
  await api.call("DELETE", `/suppressions/webhook/${encodeURIComponent(`${receiver.url}/hooks`)}`);
  await outlast();
  await here.advance({ minutes: 60 });
  await here.deliveryBecomes(id, "sent");
});

test("a URL that is gone gets none any more also where plain SQL has written it shorter than it is sent to", async () => {
  const here = await world();
  const receiver = await startHttpReceiver();
  receiver.behave = answer(410);
  workOn(here);
  const recipient = `${receiver.url}/${"\u3042".repeat(300)}`;
  const id = await here.insert({ channel: "webhook", recipient, run_at: new Date() });

  expect(await here.deliveryBecomes(id, "failed")).toMatchObject({ attempts: 1 });
  await outlast();
  await here.advance({ minutes: 60 });
  await here.deliveryBecomes(id, "suppressed");
  expect(receiver.received).toHaveLength(1);
});

test("a tenant's own secret that can't be opened holds its webhooks, and none is signed with another's", async () => {
  const here = await world();
  const receiver = await startHttpReceiver();
  const ring = new Keyring(parseMasterKeys(newMasterKey()));
  const place = { tenantId: "default", kind: secretKind("webhook"), name: SIGNING_SECRETS };
  const secrets = new Map([[SIGNING_SECRETS, ring.seal(place, newSecret())]]);
  await here.database.transaction((sql) =>
    writeChannelSettings(sql, { tenantId: "default", channel: "webhook", settings: { fingerprints: [] }, secrets }),
  );
  workOn(here);
  const id = await here.insert({ channel: "webhook", recipient: receiver.url, run_at: new Date() });

  expect(await here.deliveryBecomes(id, "retrying")).toMatchObject({
    reason: expect.stringContaining("the webhook settings of tenant default can't be used: its signing_secrets"),
  });
  expect(receiver.received).toEqual([]);
});
