import { createHmac, randomUUID } from "node:crypto";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { buildServer } from "../../src/api/server.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { deliveryId, type MessageKey } from "../../src/core/reminder.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { Keyring } from "../../src/secrets/keyring.ts";
import { newMasterKey, parseMasterKeys } from "../../src/secrets/master-key.ts";
import { insertMessageEvents, recipientsOf } from "../../src/store/message-feedback.ts";
import { apiDatabase, workerDatabase } from "../../src/store/tenant-database.ts";
import { client } from "../support/api.ts";
import { setToTwentyPastTen } from "../support/clock.ts";
import { weighing } from "../support/effort.ts";
import { emailChannel } from "../support/email.ts";
import { giveKey } from "../support/keys.ts";
import { startSmtp } from "../support/smtp.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

const ANN = "ann@example.com";
const SECRET = "b".repeat(32);
const MAILGUN = "key-0123456789abcdef";

/** A digest that was sent by real SMTP, of which what was its first didn't go with it. */
async function sentWithoutTheFirst() {
  const here = await world();
  await setToTwentyPastTen(here.database);
  const smtp = await startSmtp();
  const bounces = { address: "bounces@in.example", secret: SECRET };
  const channels = channelMap([emailChannel({ port: smtp.port }, {}, { bounces })]);
  const keyring = new Keyring(parseMasterKeys(newMasterKey()));
  const database = apiDatabase(here.database);
  const server = await buildServer({ database, channels, keyring, bounceSecret: SECRET });
  onTestFinished(() => server.close());
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  const { text: key } = await giveKey(here.database, { scopes: ["suppressions:read", "suppressions:write"] });
  const api = client(url, key);
  const worker = startWorker({ database: workerDatabase(here.database), channels, log: pino({ level: "silent" }) });
  onTestFinished(() => worker.stop());

  await here.database.query(
    "insert into contacts (entity_type, entity_id, email, preferences) values ('person', 'ann', $1, $2)",
    [ANN, JSON.stringify({ digest: { window_minutes: 60 } })],
  );
  const due = async (event: string) => {
    const fields = { entity_type: "person", entity_id: "ann", channel: "email", recipient: null, event_type: event };
    const id = await here.insert(fields);
    await here.database.query("update reminder_jobs set next_run_at = reminder_now() where id = $1", [id]);
    await here.deliveryBecomes(id, "pending");
    return id;
  };
  const ids = [await due("payment"), await due("feedback"), await due("approval"), await due("document")];
  const [first, second, third, ended] = ids as [number, number, number, number];
  // Put together by a worker that died; since then one was put back, and another ended.
  const id = `${deliveryId({ reminderId: first, occurrenceAt: await occurrenceOf(first), recipientNo: 0 })}-0af93b1c`;
  async function occurrenceOf(reminder: number): Promise<number> {
    return (await here.deliveries(reminder))[0]?.occurrence_at as number;
  }
  await here.database.query("update deliveries set digest_id = $1 where reminder_id = any($2)", [
    id,
    [second, third, ended],
  ]);
  await here.database.query(
    "update deliveries set status = 'suppressed', finished_at = reminder_now() where reminder_id = $1",
    [ended],
  );
  await here.advance({ minutes: 42 });
  const [alone, together] = await until(() => {
    const { received } = smtp;
    const digest = received.find(({ mail }) => mail.messageId?.startsWith(`<${id}@`));
    const other = received.find(({ mail }) => mail.messageId !== digest?.mail.messageId);
    return digest && other ? [other, digest] : null;
  }, "the digest and what left it have arrived");
  for (const one of [first, second, third]) await here.deliveryBecomes(one, "sent");
  const timelines = async () => {
    const all = await Promise.all(ids.map((one) => here.events(one)));
    return all.map((events) => events.map(({ type, details }) => [type, (details as { delivery?: string }).delivery]));
  };
  const line = async (type: string, reminderId: number) => [
    [type, deliveryId({ reminderId, occurrenceAt: await occurrenceOf(reminderId), recipientNo: 0 })],
  ];
  return { ...here, ids, api, url, key, alone, together, timelines, line, second, third, first };
}

test("what came back of a digest is in the timeline of all that went in it, once, and of nothing else", async () => {
  const here = await sentWithoutTheFirst();
  const hand = async (to: string, words: string, status = "5.1.1", times = 1) => {
    const recipient =
      `\r\nFinal-Recipient: rfc822; ${ANN}\r\nAction: failed\r\nStatus: ${status}\r\n` +
      `Diagnostic-Code: smtp; 550 ${status} ${words}\r\n`;
    const mail =
      `From: MAILER-DAEMON@mx.example.org\r\nTo: <${to}>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n` +
      `--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n${recipient.repeat(times)}--b--\r\n`;
    const headers = { "content-type": "message/rfc822", authorization: `Bearer ${here.key}` };
    const response = await fetch(`${here.url}/inbound/mail`, { method: "POST", body: mail, headers });
    return await response.json();
  };
  const both = [[], await here.line("bounced", here.second), await here.line("bounced", here.third), []];
  const to = here.together.envelope.from;
  expect(await hand(to, "unknown")).toMatchObject({ suppressed: 1 });
  expect(await here.timelines()).toEqual(both);
  expect(await hand(to, "unknown")).toMatchObject({ suppressed: 0 });
  expect(await hand(to.toUpperCase(), "nobody here")).toMatchObject({ suppressed: 0 });
  expect(await here.timelines()).toEqual(both);

  // The one that came by itself comes back by itself.
  await hand(here.alone.envelope.from, "unknown");
  expect(await here.timelines()).toEqual([await here.line("bounced", here.first), ...both.slice(1)]);

  // Said a hundred times in one mail, it is a line in each timeline and not a hundred.
  await hand(to, "mailbox full", "5.2.2", 100);
  const counts = (await here.timelines()).map((lines) => lines.filter(([type]) => type === "bounced_for_now").length);
  expect(counts).toEqual([0, 1, 1, 0]);
});

test("that somebody is out of office counts for all that went in the message, as if each had come by itself, and once", async () => {
  const here = await sentWithoutTheFirst();
  await here.database.query(
    "update reminder_jobs set schedule_type = 'recurring', interval_minutes = 600, status = 'ACTIVE', completed_at = null, " +
      "completion_reason = null, next_run_at = reminder_now() + interval '1 day' where id = $1",
    [here.third],
  );
  const hand = async (messageId: string) => {
    const [{ now }] = (await here.database.query("select reminder_now() as now")) as [{ now: number }];
    const back = new Date(now + 5 * 86_400_000).toISOString().slice(0, 10);
    const mail =
      `From: ${ANN}\r\nTo: <${here.together.envelope.from}>\r\nSubject: Automatic reply: 2 reminders for you\r\n` +
      `Auto-Submitted: auto-replied\r\nMessage-ID: <${messageId}@example.com>\r\n\r\nI am away and back on ${back}.\r\n`;
    const headers = { "content-type": "message/rfc822", authorization: `Bearer ${here.key}` };
    const response = await fetch(`${here.url}/inbound/mail`, { method: "POST", body: mail, headers });
    return await response.json();
  };
  expect(await hand("x")).toMatchObject({ answers: 1 });
  expect(await hand("x")).toMatchObject({ answers: 0 });
  const counts = (await here.timelines()).map((lines) => lines.filter(([type]) => type === "out_of_office").length);
  expect(counts).toEqual([0, 1, 1, 0]);
  expect((await here.reminder(here.third)).silent_until).not.toBeNull();
});

test("so is what a provider tells of it, if it names whom it went to, and once however often it comes", async () => {
  const here = await sentWithoutTheFirst();
  await here.api.call("PUT", "/inbound-sources/mailgun", { secrets: [MAILGUN] });
  const id = here.together.mail.messageId?.slice(1, -1);
  const tell = async (event: object) => {
    // By the world's clock, which is ahead by more than a signature is good for where this runs early in the day.
    const [{ now }] = (await here.database.query("select reminder_now() as now")) as [{ now: number }];
    const [timestamp, token] = [String(Math.floor(now / 1_000)), randomUUID()];
    const signature = createHmac("sha256", MAILGUN).update(`${timestamp}${token}`).digest("hex");
    const body = JSON.stringify({
      signature: { timestamp, token, signature },
      "event-data": { message: { headers: { "message-id": id } }, ...event },
    });
    const send = () =>
      fetch(`${here.url}/inbound/default/mailgun`, {
        ...{ method: "POST", body, headers: { "content-type": "application/json" } },
      });
    expect([(await send()).status, (await send()).status]).toEqual([200, 200]);
  };
  await tell({ event: "complained", recipient: "bob@example.com" });
  expect(await here.timelines()).toEqual([[], [], [], []]);
  await tell({ event: "complained", recipient: ANN });
  const of = async (one: number) => here.line("complained", one);
  expect(await here.timelines()).toEqual([[], await of(here.second), await of(here.third), []]);
});

test("a thousand digests that come back at once are found each by an index, and none of another tenant's", async () => {
  const { database } = await world();
  await database.query(`
    insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, interval_minutes)
    select 'person', n::text, 'payment', 'email', 'recurring', 600 from generate_series(1, 20000) n`);
  await database.query(`
    insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, digest_at, digest_id, finished_at)
    select tenant_id, bucket, id, date_trunc('day', reminder_now()), 'email', 'a' || (id / 5) || '@example.com', 'sent', now(),
           (id / 5) || '-1-0-0af93b1c', now()
      from reminder_jobs`);
  await database.query("analyze deliveries");
  const messages = Array.from({ length: 1_000 }, (_, n): MessageKey => {
    const first = { reminderId: n + 100, occurrenceAt: 1, recipientNo: 0 };
    return { ...first, digestId: `${deliveryId(first)}-0af93b1c` };
  });
  const pages: number[] = [];
  const { query } = weighing(database, "select asked.n::int", (count) => pages.push(count));
  const found = await recipientsOf({ tenant: "default", query }, "email", messages);
  expect(found).toEqual(messages.map(({ reminderId }) => `a${reminderId}@example.com`));
  expect(await recipientsOf({ tenant: "acme", query: database.query }, "email", messages)).toEqual(
    messages.map(() => null),
  );
  // One by one; as a join it would be much the same here, and the whole ledger where that is large.
  expect(pages[0]).toBeLessThan(1_000 * 100);
  const events = messages.map((message) => ({ message, type: "bounced", because: "no", details: {} }));
  await insertMessageEvents({ tenant: "default", query: database.query }, "email", events);
  await insertMessageEvents({ tenant: "acme", query: database.query }, "email", events);
  const counts = await database.query(
    "select count(*)::int as count, count(distinct reminder_id)::int as of from reminder_events",
  );
  expect(counts).toEqual([{ count: 5_000, of: 5_000 }]);
});
