import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { type Channel, InvalidRecipient, type Retryable } from "../../src/channels/channel.ts";
import { createWebhookChannel, type WebhookSettings } from "../../src/channels/webhook/webhook.ts";
import { loopbackHttp, startReceiver } from "../outgoing/receiver.ts";
import { failure, unhurried } from "../support/email.ts";
import { answer, startHttpReceiver } from "../support/http-receiver.ts";
import { exampleMessage, type MessageChanges } from "../support/message.ts";

const newSecret = (): string => `whsec_${randomBytes(32).toString("base64")}`;
const SECRET = newSecret();

interface Logged {
  fields: object;
  sentence: string;
}

function webhookChannel(settings: Partial<WebhookSettings> = {}): Channel & { logged: Logged[] } {
  const logged: Logged[] = [];
  const log = { debug: (fields: object, sentence: string) => void logged.push({ fields, sentence }) };
  const http = settings.http ?? loopbackHttp();
  return {
    logged,
    ...createWebhookChannel({ signing: { secrets: [SECRET] }, concurrency: 5, log, ...settings, http }),
  };
}

/** To `url`, now, as the standard's own library checks the time by this machine's clock. */
const messageTo = (url: string, changes: MessageChanges = {}) =>
  exampleMessage({ recipient: url, attemptedAt: Date.now(), ...changes });

test("a message is POSTed as JSON, and the standard's own library takes its signature", async () => {
  const receiver = await startHttpReceiver();
  const reminder = { subject: "{{ data.what }} is due", message: "Please", data: { what: "Rent" } };
  const message = messageTo(`${receiver.url}/hooks?for=us`, { reminder });

  expect(await webhookChannel().send(message, unhurried)).toEqual({ providerId: null, demo: false });

  const [request] = receiver.received;
  expect(request).toMatchObject({
    method: "POST",
    path: "/hooks?for=us",
    headers: { "content-type": "application/json", "user-agent": "reminder-engine" },
  });
  const headers = request?.headers as Record<string, string>;
  expect(new Webhook(SECRET).verify(request?.body as string, headers)).toEqual({
    type: "reminder.due",
    timestamp: "2025-01-15T13:30:00.000Z",
    data: {
      delivery_id: message.idempotencyKey,
      tenant: "default",
      reminder: {
        ...{ id: 1, entity_type: "interviewer", entity_id: "INT_100", event_type: "feedback_form" },
        ...{ data: { what: "Rent" }, created_at: "2025-01-15T10:30:00.000Z" },
      },
      occurrence: { at: "2025-01-15T13:30:00.000Z", number: 3, next_run_at: "2025-01-15T14:30:00.000Z" },
      subject: "Rent is due",
      text: "Please",
    },
  });
  expect(() => new Webhook(newSecret()).verify(request?.body as string, headers)).toThrow();
});

test("while secrets are rotated, who knows any of them can check the signature", async () => {
  const receiver = await startHttpReceiver();
  const secrets = [newSecret(), newSecret(), newSecret()];

  await webhookChannel({ signing: { secrets } }).send(messageTo(receiver.url), unhurried);

  const [request] = receiver.received;
  for (const secret of secrets) {
    expect(
      new Webhook(secret).verify(request?.body as string, request?.headers as Record<string, string>),
    ).toMatchObject({
      type: "reminder.due",
    });
  }
});

test("the id is the same for each attempt and another for each message, and the time is the attempt's", async () => {
  const receiver = await startHttpReceiver();
  const channel = webhookChannel();
  const now = Date.now();
  const sends: MessageChanges[] = [
    { attemptedAt: now },
    { attemptedAt: now + 60_000 },
    { occurrenceAt: Date.UTC(2025, 0, 15, 14, 30) },
    { reminder: { tenantId: "acme" } },
    { reminder: { createdAt: Date.UTC(2025, 0, 15, 10, 31) } },
  ];
  for (const changes of sends) await channel.send(messageTo(receiver.url, changes), unhurried);

  const heads = receiver.received.map(({ headers }) => headers);
  expect(heads[0]?.["webhook-id"]).toMatch(/^msg_[0-9a-f]{32}$/);
  expect(heads[1]?.["webhook-id"]).toBe(heads[0]?.["webhook-id"]);
  expect(new Set(heads.map((head) => head["webhook-id"])).size).toBe(4);
  expect(Number(heads[1]?.["webhook-timestamp"]) - Number(heads[0]?.["webhook-timestamp"])).toBe(60);
});

describe("what the receiver answers decides", () => {
  test.each([200, 201, 204, 299])("%d: it is sent", async (status) => {
    const receiver = await startHttpReceiver();
    receiver.behave = answer(status);
    await webhookChannel().send(messageTo(receiver.url), unhurried);
    expect(receiver.received).toHaveLength(1);
  });

  test.each([
    [400, "Retryable", "status 400"],
    [401, "Retryable", "may not know the secret"],
    [404, "Retryable", "mistake in the address"],
    [410, "Permanent", "nobody takes it there any more; give the reminder another recipient"],
    [500, "Retryable", "status 500"],
  ])("%d: %s, and the reason tells nothing of the answer but its status", async (status, name, sentence) => {
    const receiver = await startHttpReceiver();
    receiver.behave = answer(status, { "x-inside": "s3cret" }, "s3cret");
    const channel = webhookChannel();

    const error = await failure(channel.send(messageTo(`${receiver.url}/hidden`), unhurried));

    expect(error.name).toBe(name);
    expect(error.message).toContain(sentence);
    expect(error.message).not.toMatch(/s3cret|hidden/);
    expect(channel.logged).toMatchObject([{ fields: { status, answer: "s3cret" } }]);
  });

  test.each([
    ["as it stands", SECRET],
    ["without its prefix", SECRET.slice("whsec_".length)],
  ])("a secret that is sent back, %s, is not logged", async (_, text) => {
    const receiver = await startHttpReceiver();
    receiver.behave = answer(401, {}, `not signed with ${text}`);
    const channel = webhookChannel();
    await failure(channel.send(messageTo(receiver.url), unhurried));
    expect(channel.logged).toMatchObject([{ fields: { status: 401 } }]);
    expect(JSON.stringify(channel.logged)).toContain("not signed with ");
    expect(JSON.stringify(channel.logged)).not.toContain(SECRET.slice("whsec_".length));
  });

  test.each([429, 503])("%d with Retry-After: not before", async (status) => {
    const receiver = await startHttpReceiver();
    receiver.behave = answer(status, { "retry-after": "77" });
    const error = await failure(webhookChannel().send(messageTo(receiver.url), unhurried));
    expect(error).toMatchObject({ name: "Retryable", retryAfterMs: 77_000 } satisfies Partial<Retryable>);
  });

  test.each([301, 302, 303, 307, 308])("%d: a failure, and nothing goes where it leads", async (status) => {
    const [receiver, elsewhere] = [await startHttpReceiver(), await startHttpReceiver()];
    receiver.behave = answer(status, { location: elsewhere.url });
    const error = await failure(webhookChannel().send(messageTo(receiver.url), unhurried));
    expect(error).toMatchObject({ name: "Retryable", message: expect.stringContaining(`a redirect (${status})`) });
    expect(elsewhere.received).toEqual([]);
  });
});

describe("receivers that misbehave", () => {
  test("one that never answers is given up, and tried again", async () => {
    const receiver = await startHttpReceiver();
    receiver.behave = () => undefined;
    const error = await failure(webhookChannel({ timeoutMs: 300 }).send(messageTo(receiver.url), unhurried));
    expect(error).toMatchObject({ name: "Retryable", message: expect.stringContaining("it took longer than 0.3 s") });
    expect(receiver.received).toHaveLength(1);
  });

  test("one that breaks off, after it got everything, is tried again: the id says that it is the same", async () => {
    const receiver = await startReceiver((socket) => socket.resetAndDestroy());
    const error = await failure(webhookChannel().send(messageTo(receiver.url), unhurried));
    expect(error).toMatchObject({ name: "Retryable", message: expect.stringContaining("broke the connection off") });
  });

  test("one that says yes and then drips has said yes", async () => {
    const receiver = await startHttpReceiver();
    receiver.behave = (response) => {
      response.writeHead(200).write("a");
    };
    await webhookChannel({ timeoutMs: 300 }).send(messageTo(receiver.url), unhurried);
  });

  test("one that answers without end is cut off, and little of it is noted", async () => {
    const chunk = "x".repeat(64 * 1024);
    const receiver = await startReceiver((socket) => {
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${2 ** 40}\r\n\r\n`);
      socket.on("drain", more);
      more();
    });
    const channel = webhookChannel();

    await channel.send(messageTo(receiver.url), unhurried);

    await receiver.isLeft();
    expect(JSON.stringify(channel.logged).length).toBeLessThan(1_000);
  });

  test("nobody there is tried again", async () => {
    const error = await failure(webhookChannel().send(messageTo("http://127.0.0.1:1/"), unhurried));
    expect(error).toMatchObject({ name: "Retryable", message: expect.stringContaining("refused the connection") });
  });
});

describe("nothing leaves", () => {
  test("to an address of the inside", async () => {
    const receiver = await startHttpReceiver();
    const http = loopbackHttp({}, []);
    const error = await failure(webhookChannel({ http }).send(messageTo(receiver.url), unhurried));
    expect(error).toMatchObject({ name: "Permanent", message: expect.stringContaining("its host is loopback") });
    expect(receiver.received).toEqual([]);
  });

  test("unsigned", async () => {
    const receiver = await startHttpReceiver();
    const channel = webhookChannel({ signing: { secrets: [] } });
    const error = await failure(channel.send(messageTo(receiver.url), unhurried));
    expect(error).toMatchObject({ name: "Retryable", message: expect.stringContaining("set WEBHOOK_SECRET") });
    expect(receiver.received).toEqual([]);
  });

  test("once it is no longer wanted", async () => {
    const receiver = await startHttpReceiver();
    const done = new Error("it is done");
    const beforeSend = () => Promise.reject(done);
    expect(await failure(webhookChannel().send(messageTo(receiver.url), { ...unhurried, beforeSend }))).toBe(done);
    expect(receiver.received).toEqual([]);
  });

  test("without a recipient, and the reason says what to do", async () => {
    const error = await failure(webhookChannel().send(exampleMessage({ recipient: null }), unhurried));
    expect(error).toMatchObject({ name: "Permanent", message: expect.stringContaining("needs the URL") });
  });
});

test.each([
  ["https://example.com", "https://example.com/"],
  [" HTTPS://Example.COM:443/a?b=c#d ", "https://example.com/a?b=c"],
  ["https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4"],
])("the recipient %j is %s", (given, expected) => {
  expect(webhookChannel().parseRecipient(given)).toBe(expected);
});

test.each([
  "",
  "example.com/hook",
  "ftp://example.com",
  "https://me:pw@example.com",
  "https://exa mple.com",
  "https://example.com/\nx",
  "javascript:alert(1)",
])("%j is no recipient", (given) => {
  expect(() => webhookChannel().parseRecipient(given)).toThrow(InvalidRecipient);
});
