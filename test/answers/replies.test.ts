import { createHmac, createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import type { Worker } from "node:worker_threads";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { returnPath } from "../../src/channels/email/return-path.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { startApi, type TestApi } from "../support/api.ts";
import { emailChannel } from "../support/email.ts";
import { giveKey } from "../support/keys.ts";
import { certificate, certificateKey, startSmtp } from "../support/smtp.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

const SECRET = "s".repeat(32);
const ANN = "ann@example.com";
const DAY_MS = 86_400_000;

interface Sent {
  id: number;
  /** The address that replies go to. */
  replyTo: string;
}

interface Replying extends World {
  api: TestApi;
  /** Has a reminder that is due now sent by mail, and returns where its reply goes. */
  send(columns?: Record<string, unknown>): Promise<Sent>;
  /** Hands in a mail as a mail server does, and returns how many answers it was. */
  hand(mail: string, key?: string): Promise<number>;
}

/** A world that sends mails, real ones, and takes replies to them. */
async function replying(): Promise<Replying> {
  const here = await world();
  const smtp = await startSmtp();
  const bounces = { address: "bounces@in.example", secret: SECRET };
  const email = emailChannel({ port: smtp.port }, {}, { bounces, replyAddress: "replies@in.example" });
  const channels = channelMap([email]);
  const http = {
    request: async () =>
      ({ ok: true, status: 200, headers: {}, body: Buffer.from(certificate), isWhole: true }) as const,
  };
  const api = await startApi(here.database, { channels, bounceSecret: SECRET, http });
  const worker = startWorker({ database: workerDatabase(here.database), channels, log: pino({ level: "silent" }) });
  onTestFinished(() => worker.stop());
  return {
    ...here,
    api,
    send: async (columns = {}) => {
      const due = { channel: "email", recipient: ANN, run_at: new Date(Date.now() - 1_000) };
      const id = await here.insert({ ...due, ...columns });
      const mine = () => smtp.received.find(({ mail }) => mail.messageId?.startsWith(`<${id}-`));
      const { mail } = await until(async () => mine() ?? null, `the mail of reminder ${id} has arrived`);
      await here.deliveryBecomes(id, "sent");
      return { id, replyTo: mail.replyTo?.value[0]?.address as string };
    },
    hand: async (mail, key) => {
      const headers = { "content-type": "message/rfc822", ...(key ? { authorization: `Bearer ${key}` } : {}) };
      const response = await fetch(`${api.url}/inbound/mail`, { method: "POST", body: mail, headers });
      expect(response.status).toBe(200);
      return ((await response.json()) as { answers: number }).answers;
    },
  };
}

/** What a person's mail program sends. */
function replyTo(to: string, text: string, headers: Record<string, string> = {}): string {
  const all = {
    ...{ From: `Ann <${ANN}>`, To: `Reminder System <${to}>`, Subject: "Re: Reminder: Payment" },
    ...{ "Message-ID": `<${randomUUID()}@example.com>`, "Content-Type": "text/plain; charset=utf-8", ...headers },
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [...lines, "", ...text.split("\n")].join("\r\n");
}

test("done, as the reply to a mail, completes the reminder or sets its flag; the same mail again does nothing more", async () => {
  const here = await replying();
  const plain = await here.send();
  const flagged = await here.send({ stop_condition_type: "db_check", stop_condition_value: "paid:{entity_id}" });
  expect(plain.replyTo).toMatch(/^replies\+[a-z0-9-]+@in\.example$/);
  expect(plain.replyTo.indexOf("@")).toBeLessThanOrEqual(64);

  const mail = replyTo(plain.replyTo, `Done, thanks!\n\nOn Fri, Nov 27, 2026, Reminder System wrote:\n> Payment`);
  expect(await here.hand(mail)).toBe(1);
  expect(await here.hand(mail)).toBe(0);
  expect(await here.hand(replyTo(flagged.replyTo.toUpperCase(), "Erledigt."))).toBe(1);

  await here.becomes(plain.id, { status: "COMPLETED", completion_reason: "done" });
  await here.becomes(flagged.id, { status: "COMPLETED", completion_reason: "stop_condition" });
  const said = (await here.events(plain.id)).filter(({ type }) => type === "completed");
  expect(said).toMatchObject([
    {
      because: `${ANN} said that it is done`,
      details: { answer: "done", by: expect.stringMatching(/^reply to \d+-/), from: ANN, reply: "Done, thanks!" },
    },
  ]);
});

test("put off or promised in words, it is silent until then by the clocks of whoever wrote", async () => {
  const here = await replying();
  await here.api.putContact("invoice", "TOKYO", { email: ANN, time_zone: "Asia/Tokyo" });
  const [span, day, promise] = [await here.send(), await here.send({ entity_id: "TOKYO" }), await here.send()];
  const before = Date.now();
  expect(await here.hand(replyTo(span.replyTo, "snooze 2d"))).toBe(1);
  const named = new Date(Date.now() + 10 * DAY_MS).toISOString().slice(0, 10);
  expect(await here.hand(replyTo(day.replyTo, `snooze until ${named}`))).toBe(1);
  expect(await here.hand(replyTo(promise.replyTo, `I'll do it by ${named}`))).toBe(1);

  const untilOf = async (id: number) => (await here.reminder(id)).silent_until as number;
  expect(Math.abs((await untilOf(span.id)) - before - 2 * DAY_MS)).toBeLessThan(60_000);
  // 9:00 in Tokyo.
  expect(new Date(await untilOf(day.id)).toISOString()).toBe(`${named}T00:00:00.000Z`);
  expect(await here.reminder(promise.id)).toMatchObject({ silent_by: "acknowledgement", status: "ACTIVE" });
  expect(await untilOf(promise.id)).toBe(Date.parse(`${named}T09:00:00Z`) + DAY_MS);
});

test("not me and stop do what their links do", async () => {
  const here = await replying();
  const [other, no] = [await here.send(), await here.send({ event_type: "newsletter" })];
  expect(await here.hand(replyTo(other.replyTo, "Not me"))).toBe(1);
  expect(await here.hand(replyTo(no.replyTo, "STOP"))).toBe(1);

  expect(await here.reminder(other.id)).toMatchObject({ status: "PAUSED", needs_attention: expect.any(String) });
  expect(await here.api.all("/opt-outs")).toMatchObject([{ address: ANN, kind: "event_type", about: "newsletter" }]);
  expect((await here.reminder(no.id)).needs_attention).toContain("wants no more of newsletter");
});

test("HTML without text is read for what is an answer alone, and one mail at a time, however many come", async () => {
  const here = await replying();
  const { id, replyTo: to } = await here.send();
  const html = { "Content-Type": "text/html; charset=utf-8" };
  let [started, running, most] = [0, 0, 0];
  const count = (thread: Worker): void => {
    started += 1;
    running += 1;
    most = Math.max(most, running);
    thread.once("exit", () => {
      running -= 1;
    });
  };
  process.on("worker", count);
  onTestFinished(() => void process.off("worker", count));
  const many = (whom: string) =>
    Promise.all(Array.from({ length: 12 }, (_, n) => here.hand(replyTo(whom, `<p>Whom do I ask, ${n}?</p>`, html))));

  expect(await many("replies@in.example")).toEqual(Array(12).fill(0));
  expect(started).toBe(0);
  expect(await many(to)).toEqual(Array(12).fill(1));
  expect((await here.events(id)).filter(({ type }) => type === "replied")).toHaveLength(12);
  // One that is through may still be ending.
  expect(most).toBeLessThanOrEqual(3);
});

test("what only a person can read asks for one, in its words; the reminder goes on", async () => {
  const here = await replying();
  const { id, replyTo: to } = await here.send();
  const words = "I paid on Monday, see ref \u202e123; is that not enough?";
  expect(await here.hand(replyTo(to, `Hello,\n${words}\n-- \nAnn`))).toBe(1);
  // What can't be done is for a person too.
  expect(await here.hand(replyTo(to, "snooze until 2020-01-01"))).toBe(1);
  // HTML alone is read as text.
  const html = { "Content-Type": "text/html; charset=utf-8" };
  expect(await here.hand(replyTo(to, "<p>Whom do I <b>ask</b>?</p><script>x</script>", html))).toBe(1);

  const row = await here.reminder(id);
  expect(row.status).toBe("ACTIVE");
  expect(row.needs_attention).toBe(
    `${ANN} answered: “Hello, ${words}”; ${ANN} answered: “snooze until 2020-01-01”; ${ANN} answered: “Whom do I ask?”`,
  );
  expect((await here.events(id)).filter(({ type }) => type === "replied")).toHaveLength(3);
  // However many come, the row stays small, and the timeline keeps them.
  for (let n = 0; n < 8; n += 1) await here.hand(replyTo(to, `${n} ${"long ".repeat(60)}`));
  expect(((await here.reminder(id)).needs_attention as string).length).toBeLessThanOrEqual(1_000);
  expect((await here.events(id)).filter(({ type }) => type === "replied")).toHaveLength(11);
  await here.api.act(id, "complete");
  expect(await here.hand(replyTo(to, "Thank you all!"))).toBe(1);
  expect((await here.reminder(id)).needs_attention).toBeNull();
});

test("what was to be sent once is answered too: done is done, its flag is set, and other words ask for a person", async () => {
  const here = await replying();
  const once = { schedule_type: "one_time", interval_minutes: null };
  const flag = { stop_condition_type: "db_check", stop_condition_value: "paid:{entity_id}" };
  const [plain, flagged, asking] = [
    await here.send(once),
    await here.send({ ...once, ...flag, entity_id: "ONCE" }),
    await here.send(once),
  ];
  for (const { id } of [plain, flagged, asking])
    await here.becomes(id, { status: "COMPLETED", completion_reason: "one_time_sent" });
  expect(await here.hand(replyTo(plain.replyTo, "done"))).toBe(1);
  expect(await here.hand(replyTo(flagged.replyTo, "done"))).toBe(1);
  expect(await here.hand(replyTo(asking.replyTo, "I can't do this, who can help?"))).toBe(1);
  await here.becomes(plain.id, { completion_reason: "done" });
  expect(await here.database.query("select key, value from status_flags")).toEqual([{ key: "paid:ONCE", value: true }]);
  expect((await here.reminder(asking.id)).needs_attention).toContain("who can help?");
});

test("what somebody says twice counts twice, where something else was said in between", async () => {
  const here = await replying();
  const { id, replyTo: to } = await here.send();
  await here.hand(replyTo(to, "snooze 2d"));
  await here.api.call("POST", `/reminders/${id}/snooze`, { for: "1h" });
  const before = (await here.reminder(id)).silent_until as number;
  expect(await here.hand(replyTo(to, "snooze 2d"))).toBe(1);
  expect((await here.reminder(id)).silent_until as number).toBeGreaterThan(before + DAY_MS);
});

test("links and addresses that a program quotes without saying so are kept from who may only read", async () => {
  const here = await replying();
  const { id, replyTo: to } = await here.send();
  const token = "E".repeat(60);
  const quoted = `Van: Reminder System\nDone: https://r.example/a/${token}\nReply-To: ${to}`;
  expect(await here.hand(replyTo(to, `What is this?\n\n${quoted} \n${"x".repeat(350)}\nand the end`))).toBe(1);
  const told = JSON.stringify([await here.reminder(id), await here.events(id), await here.api.timeline(id)]);
  expect(told).toContain("What is this?");
  expect(told).not.toContain(token);
  expect(told).not.toContain(to.slice(-27, -11));
  // The timeline has all of it.
  expect(told).toContain("and the end");
});

test("a mail of nothing but beginnings of parts is refused, and holds up nobody", async () => {
  const here = await replying();
  const { replyTo: to } = await here.send();
  const parts = { "Content-Type": "multipart/mixed; boundary=b" };
  for (const part of ["--b\n\n", "--b\n\nx"]) {
    const response = await fetch(`${here.api.url}/inbound/mail`, {
      method: "POST",
      body: replyTo(to, `${part}\n`.repeat(30_000), parts),
      headers: { "content-type": "message/rfc822" },
    });
    expect(response.status).toBe(400);
  }
});

test("who is out of office isn't nagged before they are back, unless others get it too; nobody is suppressed", async () => {
  const here = await replying();
  const policy = await here.api.call("PUT", "/policies/up", { steps: [{ after: { sends: 3 }, to: ["manager"] }] });
  expect(policy.status).toBe(201);
  const back = new Date(Date.now() + 5 * DAY_MS).toISOString().slice(0, 10);
  const away = (to: string, text: string) =>
    replyTo(to, text, { Subject: "Automatic reply: Payment", "Auto-Submitted": "auto-replied" });
  const [alone, undated, led, later, ticket] = [
    await here.send(),
    await here.send(),
    await here.send({ policy: "up" }),
    await here.send({ interval_minutes: 30 * 24 * 60 }),
    await here.send(),
  ];
  // Programs answer to where mail comes back to, whatever Reply-To says.
  const occurrence = (await here.deliveries(alone.id))[0]?.occurrence_at as number;
  const key = { reminderId: alone.id, occurrenceAt: occurrence, recipientNo: 0 };
  const returned = returnPath("bounces@in.example", key, SECRET);
  expect(await here.hand(replyTo(returned, "done"))).toBe(0);
  expect(await here.hand(away(returned, `I am away and back on ${back}.`))).toBe(1);
  expect(await here.hand(away(undated.replyTo, "I am away."))).toBe(1);
  expect(await here.hand(away(led.replyTo, `I am away and back on ${back}.`))).toBe(1);
  expect(await here.hand(away(later.replyTo, `I am away and back on ${back}.`))).toBe(1);
  expect(await here.hand(away(ticket.replyTo, `Ticket 12: we will look at it by ${back}.`))).toBe(1);

  const silent = await here.reminder(alone.id);
  expect(silent.silent_until).toBe(Date.parse(`${back}T09:00:00Z`));
  for (const { id } of [undated, led, later, ticket]) expect((await here.reminder(id)).silent_until).toBeNull();
  for (const { id } of [alone, undated, led, later, ticket]) {
    expect((await here.events(id)).filter(({ type }) => type === "out_of_office")).toHaveLength(1);
    expect((await here.reminder(id)).needs_attention).toBeNull();
  }
  expect(await here.api.all("/suppressions")).toEqual([]);
});

test("that a mail was read says of nobody that they are out of office", async () => {
  const here = await replying();
  const { id, replyTo: to } = await here.send();
  const type = 'multipart/report; report-type="disposition-notification"; boundary=b';
  const parts = ["text/plain\n\nIt was displayed.", "message/disposition-notification\n\nDisposition: displayed"];
  const text = [...parts.map((part) => `--b\nContent-Type: ${part}`), "--b--"].join("\n");
  const headers = { Subject: "Read: Payment", "Auto-Submitted": "auto-replied" };
  expect(await here.hand(replyTo(to, text, { ...headers, "Content-Type": type }))).toBe(0);
  expect((await here.events(id)).map(({ type }) => type)).not.toContain("out_of_office");
});

test("P9: only who has the address answers, for its own tenant, whoever hands it in, and not for ever", async () => {
  const here = await replying();
  await createTenants(here.database, "acme");
  const mine = await here.send();
  const theirs = await here.send({ tenant_id: "acme" });
  const old = await here.send();
  const { text: key } = await giveKey(here.database, { scopes: ["suppressions:write"] });

  const [local, domain] = mine.replyTo.split("@") as [string, string];
  const changed = `${local.slice(0, -1)}${local.endsWith("a") ? "b" : "a"}@${domain}`;
  const occurrence = (await here.deliveries(mine.id))[0]?.occurrence_at as number;
  const returned = returnPath(
    "replies@in.example",
    { reminderId: mine.id, occurrenceAt: occurrence, recipientNo: 0 },
    SECRET,
  );
  for (const to of [changed, "replies@in.example", `replies+${mine.id}@in.example`, returned, ANN])
    expect(await here.hand(replyTo(to, "done"), key), to).toBe(0);
  expect((await here.reminder(mine.id)).status).toBe("ACTIVE");

  expect(await here.hand(replyTo(theirs.replyTo, "done"), key)).toBe(1);
  await here.becomes(theirs.id, { status: "COMPLETED", tenant_id: "acme" });
  const audit = await here.database.query("select details from audit_log where operation = 'receiveMail' order by id");
  const delivery = expect.stringMatching(new RegExp(`^${theirs.id}-\\d+-0$`));
  expect(audit.at(-1)?.details).toMatchObject({ answers: 1, answer: "done", delivery });

  await here.advance({ days: 31 });
  expect(await here.hand(replyTo(old.replyTo, "done"), key)).toBe(0);
  expect((await here.reminder(old.id)).completion_reason).toBeNull();
});

test("the same mail many times at once is taken once", async () => {
  const here = await replying();
  const { id, replyTo: to } = await here.send();
  const mail = replyTo(to, "what is this about?");
  const taken = await Promise.all(Array.from({ length: 8 }, () => here.hand(mail)));
  expect(taken.reduce((sum, count) => sum + count, 0)).toBe(1);
  expect((await here.events(id)).filter(({ type }) => type === "replied")).toHaveLength(1);
});

/** What a provider posts when it has received such a mail. */
const form = (fields: Record<string, string>): { body: Buffer; headers: Record<string, string> } => {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const file = `--b\r\nContent-Disposition: form-data; name="attachment-1"; filename="logo.png"\r\nContent-Type: image/png\r\n\r\n`;
  const body = Buffer.concat([
    Buffer.from(parts.join("")),
    Buffer.from(file),
    Buffer.alloc(2 * 1024 * 1024, 7),
    Buffer.from("\r\n--b--\r\n"),
  ]);
  return { body, headers: { "content-type": "multipart/form-data; boundary=b" } };
};

const KEY = "key-0123456789abcdef";
const PAIR = generateKeyPairSync("ec", { namedCurve: "P-256" });
const TOPIC = "arn:aws:sns:eu-west-1:123456789012:replies";

const mailgunFields = (to: string): Record<string, string> => {
  const [timestamp, token] = [String(Math.floor(Date.now() / 1_000)), randomUUID()];
  const signature = createHmac("sha256", KEY).update(`${timestamp}${token}`).digest("hex");
  const headers = JSON.stringify([["Auto-Submitted", "no"]]);
  const text = "Erledigt, danke\n\n> alt";
  return {
    recipient: to,
    sender: ANN,
    subject: "Re: x",
    "body-plain": text,
    "message-headers": headers,
    timestamp,
    token,
    signature,
  };
};

/** As SNS signs it. */
const ses = (to: string, encoding: "UTF-8" | "BASE64"): string => {
  const mail = replyTo(to, "c'est fait");
  const Message = JSON.stringify({
    notificationType: "Received",
    receipt: { recipients: [to], action: { type: "SNS", encoding } },
    content: encoding === "BASE64" ? Buffer.from(mail).toString("base64") : mail,
  });
  const message: Record<string, string> = {
    ...{ Message, MessageId: randomUUID(), Timestamp: new Date().toISOString(), TopicArn: TOPIC, Type: "Notification" },
  };
  const text = Object.entries(message).map(([name, value]) => `${name}\n${value}\n`);
  const Signature = createSign("sha256").update(text.join("")).sign(certificateKey, "base64");
  const SigningCertURL = `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${"a".repeat(32)}.pem`;
  return JSON.stringify({ ...message, SigningCertURL, SignatureVersion: "2", Signature });
};

test.each<[string, string, string, (to: string) => { body: Buffer | string; headers?: Record<string, string> }]>([
  [
    "Postmark",
    "postmark",
    "postmark:a-long-password",
    (to) => ({
      body: JSON.stringify({
        ...{ FromFull: { Email: ANN }, OriginalRecipient: to, Subject: "Re: x", TextBody: "Hecho, gracias" },
        Headers: [{ Name: "Message-ID", Value: "<x@example.com>" }],
        Attachments: [{ Name: "logo.png", Content: "A".repeat(2 * 1024 * 1024), ContentType: "image/png" }],
      }),
      headers: { authorization: `Basic ${Buffer.from("postmark:a-long-password").toString("base64")}` },
    }),
  ],
  ["Mailgun, with a picture", "mailgun", KEY, (to) => form(mailgunFields(to))],
  [
    "Mailgun, without one",
    "mailgun",
    KEY,
    (to) => ({
      body: new URLSearchParams(mailgunFields(to)).toString(),
      headers: { "content-type": "application/x-www-form-urlencoded" },
    }),
  ],
  [
    "SendGrid",
    "sendgrid",
    PAIR.publicKey.export({ type: "spki", format: "der" }).toString("base64"),
    (to) => {
      const envelope = JSON.stringify({ to: [to], from: ANN });
      const { body, headers } = form({ envelope, to: "x", from: ANN, subject: "Re: x", text: "done", headers: "X: y" });
      const timestamp = String(Math.floor(Date.now() / 1_000));
      const signed = createSign("sha256").update(timestamp).update(body).sign(PAIR.privateKey, "base64");
      return {
        body,
        headers: {
          ...headers,
          "x-twilio-email-event-webhook-timestamp": timestamp,
          "x-twilio-email-event-webhook-signature": signed,
        },
      };
    },
  ],
  ["SES", "ses", TOPIC, (to) => ({ body: ses(to, "UTF-8"), headers: { "content-type": "text/plain" } })],
  ["SES, in base64", "ses", TOPIC, (to) => ({ body: ses(to, "BASE64"), headers: { "content-type": "text/plain" } })],
])("what %s has received is an answer", async (_, provider, secret, made) => {
  const here = await replying();
  await here.api.call("PUT", `/inbound-sources/${provider}`, { secrets: [secret] });
  const { id, replyTo: to } = await here.send();
  const { body, headers } = made(to);
  const post = async () => {
    const response = await fetch(`${here.api.url}/inbound/default/${provider}`, {
      method: "POST",
      body: new Uint8Array(Buffer.from(body)),
      headers: { "content-type": "application/json", ...headers },
    });
    return { status: response.status, body: await response.json() };
  };
  expect(await post()).toEqual({ status: 200, body: { received: 0, suppressed: 0, answers: 1 } });
  expect(await post()).toEqual({ status: 200, body: { received: 0, suppressed: 0, answers: 0 } });
  await here.becomes(id, { status: "COMPLETED", completion_reason: "done" });
});

test("forms without end are refused soon, and hold up nobody", async () => {
  const here = await replying();
  const bodies: [string, string][] = [
    [
      "multipart/form-data; boundary=b",
      `${'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'.repeat(80_000)}--b--\r\n`,
    ],
    ["multipart/form-data; boundary=b", "--b\r\nno end"],
    ["multipart/form-data", "--b--"],
    ["application/x-www-form-urlencoded", "a&".repeat(2_000_000)],
  ];
  for (const [type, body] of bodies) {
    const response = await fetch(`${here.api.url}/inbound/default/mailgun`, {
      method: "POST",
      body,
      headers: { "content-type": type },
    });
    expect([400, 401], type).toContain(response.status);
  }
  const tooLarge = await fetch(`${here.api.url}/inbound/mail`, {
    method: "POST",
    body: "x".repeat(5 * 1024 * 1024 + 1),
    headers: { "content-type": "message/rfc822" },
  });
  expect(tooLarge.status).toBe(413);
});
