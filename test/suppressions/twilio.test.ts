import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { signatureOf } from "../../src/api/inbound/twilio.ts";
import { buildServer } from "../../src/api/server.ts";
import { BadAddress } from "../../src/channels/channel.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { createSmsChannel } from "../../src/channels/sms/sms.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { Keyring } from "../../src/secrets/keyring.ts";
import { newMasterKey, parseMasterKeys } from "../../src/secrets/master-key.ts";
import { apiDatabase, workerDatabase } from "../../src/store/tenant-database.ts";
import { loopbackHttp } from "../outgoing/receiver.ts";
import { client } from "../support/api.ts";
import { answer, startHttpReceiver } from "../support/http-receiver.ts";
import { giveKey } from "../support/keys.ts";
import { outlast } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

const ANN = "+4915112345678";
const TOKEN = "auth-token-0123456789";
const PUBLIC_URL = "https://r.example.com";
const account = { accountSid: `AC${"0".repeat(32)}`, authToken: TOKEN, from: "+15005550006" };

async function here(publicUrl: string | null = PUBLIC_URL) {
  const [at, twilio] = [await world(), await startHttpReceiver()];
  twilio.behave = answer(201, { "content-type": "application/json" }, JSON.stringify({ sid: `SM${"a".repeat(32)}` }));
  const http = loopbackHttp();
  const sms = createSmsChannel({ account, apiUrl: twilio.url, publicUrl, concurrency: 5, http });
  const keyring = new Keyring(parseMasterKeys(newMasterKey()));
  const channels = channelMap([sms]);
  const server = await buildServer({ database: apiDatabase(at.database), channels, keyring, publicUrl });
  onTestFinished(() => server.close());
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  const { text: key } = await giveKey(at.database, {
    scopes: ["suppressions:read", "suppressions:write", "reminders:write", "reminders:read"],
  });
  const api = client(url, key);
  await api.call("PUT", "/inbound-sources/twilio", { secrets: [TOKEN, "another-token-0123456789"] });
  const tell = async (
    fields: Record<string, string>,
    { query = "", token = TOKEN, path = "default/twilio", key = "" } = {},
  ) => {
    const body = new URLSearchParams({ MessageSid: `SM${randomUUID()}`, ...fields });
    const signature = signatureOf(token, `${PUBLIC_URL}/inbound/${path}${query}`, [...body]);
    const response = await fetch(`${url}/inbound/${path}${query}`, {
      method: "POST",
      body: body.toString(),
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": signature,
        ...(key && { "idempotency-key": key }),
      },
    });
    return response.status;
  };
  const suppressed = async () =>
    ((await api.all("/suppressions")) as { channel: string; address: string; reason: string }[]).map(
      ({ channel, address, reason }) => [channel, address, reason],
    );
  const sendSms = () => {
    const log = pino({ level: "silent" });
    const worker = startWorker({ database: workerDatabase(at.database), channels, log });
    onTestFinished(() => worker.stop());
  };
  return { ...at, api, tell, suppressed, twilio, sendSms };
}

const remind = (at: World, fields: Record<string, unknown> = {}) =>
  at.insert({ channel: "sms", recipient: ANN, schedule_type: "one_time", interval_minutes: null, ...fields });

test("STOP stops what would go to the phone, START has it go again, and only with Twilio's signature", async () => {
  const at = await here();
  expect(await at.tell({ Body: "Stop", From: ANN }, { token: "not-the-token-0123456" })).toBe(401);
  expect(await at.suppressed()).toEqual([]);
  expect(await at.tell({ Body: "Stop", From: ANN })).toBe(204);
  expect(await at.suppressed()).toEqual([["sms", ANN, "stop"]]);

  at.sendSms();
  const first = await remind(at);
  expect((await at.deliveryBecomes(first, "suppressed")).reason).toContain("STOP");
  expect(at.twilio.received).toEqual([]);

  expect(await at.tell({ Body: " start", From: ANN }, { token: "another-token-0123456789" })).toBe(204);
  expect(await at.suppressed()).toEqual([]);
});

test("STOP holds, and what became of a message is told, however plain SQL has written the number", async () => {
  const at = await here();
  at.sendSms();
  const every = { schedule_type: "recurring", interval_minutes: 60, run_at: new Date() };
  const id = await remind(at, { recipient: "+49 151 123 456 78", ...every });
  await at.deliveryBecomes(id, "sent");
  const callback = new URL(new URLSearchParams(at.twilio.received[0]?.body).get("StatusCallback") ?? "");
  const undelivered = { MessageSid: "SM1", MessageStatus: "undelivered", ErrorCode: "30003", To: ANN };
  expect(await at.tell(undelivered, { query: callback.search })).toBe(204);
  expect((await at.events(id)).map(({ type }) => type)).toContain("bounced_for_now");

  expect(await at.tell({ Body: "STOP", From: ANN })).toBe(204);
  const { present } = (await at.api.call("GET", `/reminders/${id}/explain`)).body as { present: object[] };
  expect(present).toContainEqual(
    expect.objectContaining({ kind: "unwanted", evidence: { table: "suppressions", id: ANN, columns: [] } }),
  );
  await outlast();
  await at.advance({ minutes: 60 });
  expect((await at.deliveryBecomes(id, "suppressed")).reason).toContain("STOP");
  expect(at.twilio.received).toHaveLength(1);
});

test("under an Idempotency-Key it is answered once, and another message isn't taken under the same", async () => {
  const at = await here();
  const stop = { Body: "STOP", From: ANN, MessageSid: "SM1" };
  expect(await at.tell(stop, { key: "once" })).toBe(204);
  expect(await at.tell(stop, { key: "once" })).toBe(204);
  expect(await at.tell({ ...stop, Body: "START" }, { key: "once" })).toBe(422);
  expect(await at.suppressed()).toEqual([["sms", ANN, "stop"]]);
  expect(await at.database.query("select status, body from idempotency_keys")).toEqual([{ status: 204, body: "" }]);
});

test("START takes back STOP alone, and the same signature does nothing twice, however its fields are written", async () => {
  const at = await here();
  const manual = { channel: "sms", address: ANN, because: "she has asked us by phone" };
  await at.api.call("POST", "/suppressions", manual);
  expect(await at.tell({ Body: "YES", From: ANN })).toBe(204);
  expect(await at.suppressed()).toEqual([["sms", ANN, "manual"]]);
  const other = "+4915112345679";
  const start = { MessageSid: "SM7", Body: "START", From: other };
  expect(await at.tell(start)).toBe(204);
  expect(await at.tell({ Body: "STOP", From: other })).toBe(204);
  expect(await at.tell(Object.fromEntries(Object.entries(start).reverse()))).toBe(204);
  expect(await at.suppressed()).toEqual([
    ["sms", ANN, "manual"],
    ["sms", other, "stop"],
  ]);
});

test("what became of a message is told in its timeline, in whatever order it comes and however often", async () => {
  const at = await here();
  at.sendSms();
  const id = await remind(at);
  await at.deliveryBecomes(id, "sent");
  const callback = new URL(new URLSearchParams(at.twilio.received[0]?.body).get("StatusCallback") ?? "");
  expect(callback.origin).toBe(PUBLIC_URL);
  const query = callback.search;
  const undelivered = { MessageSid: "SM1", MessageStatus: "undelivered", ErrorCode: "30005", To: ANN };
  expect(await at.tell(undelivered, { query })).toBe(204);
  expect(await at.tell(undelivered, { query })).toBe(204);
  expect(await at.tell({ MessageSid: "SM1", MessageStatus: "sent", To: ANN }, { query })).toBe(204);
  expect(await at.tell(undelivered, { query: "?delivery=1" })).toBe(204);
  expect(await at.suppressed()).toEqual([["sms", ANN, "hard_bounce"]]);
  const events = await at.database.query(
    "select because from reminder_events where reminder_id = $1 and type = 'bounced'",
    [id],
  );
  expect(events).toEqual([{ because: expect.stringContaining("error 30005") }]);
});

test("without PUBLIC_URL nothing that Twilio signs can be checked, and nothing is taken", async () => {
  const at = await here(null);
  expect(await at.tell({ Body: "STOP", From: ANN })).toBe(401);
  expect(await at.suppressed()).toEqual([]);
});

test("a number that Twilio refuses for good is suppressed along with the failed delivery", async () => {
  const at = await here();
  at.twilio.behave = answer(400, { "content-type": "application/json" }, JSON.stringify({ code: 21211 }));
  at.sendSms();
  const id = await remind(at, { recipient: "+49 151 123 456 78" });
  const { reason } = await at.deliveryBecomes(id, "failed");
  expect(reason).toContain("no phone gets messages under that number");
  expect(await at.suppressed()).toEqual([["sms", ANN, "invalid"]]);
  expect(new BadAddress("x", { reason: "invalid", days: 1 }).name).toBe("Permanent");
  await outlast();
  await at.deliveryBecomes(await remind(at, { event_type: "another" }), "suppressed");
  expect(at.twilio.received).toHaveLength(1);
});
