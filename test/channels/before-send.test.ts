import { expect, test } from "vitest";
import type { Channel } from "../../src/channels/channel.ts";
import { newPrivateKey, publicKeyOf } from "../../src/channels/push/account.ts";
import { createPushChannel } from "../../src/channels/push/push.ts";
import { readAccess } from "../../src/channels/services/access.ts";
import { createServiceChannel } from "../../src/channels/services/channel.ts";
import { SERVICES } from "../../src/channels/services/list.ts";
import type { HttpService } from "../../src/channels/services/service.ts";
import { createSlackChannel } from "../../src/channels/slack/slack.ts";
import { createSmsChannel } from "../../src/channels/sms/sms.ts";
import { createWebhookChannel } from "../../src/channels/webhook/webhook.ts";
import { loopbackHttp, startReceiver } from "../outgoing/receiver.ts";
import { exampleMessage } from "../support/message.ts";
import { newDevice } from "../support/push-service.ts";
import { BOT_TOKEN, CHANNEL } from "../support/slack.ts";
import { until } from "../support/wait.ts";

// To connect may take seconds, in which the thing gets done: each channel over HTTP asks once it is connected, before anything leaves.
// Where a receiver can't tell that a message comes again, it asks no sooner: from then on the message may have left.

type Case = [what: string, recipient: string | null, channelTo: (url: string) => Channel];

const concurrency = 5;
const slackTo = (url: string, account: Parameters<typeof createSlackChannel>[0]["account"]) =>
  createSlackChannel({ account, apiUrl: `${url}/api/`, concurrency, http: loopbackHttp() });

const AT_MOST_ONCE: Case[] = [
  ["a bot in Slack", CHANNEL, (url) => slackTo(url, { via: "bot", token: BOT_TOKEN })],
  ["an incoming webhook of Slack", null, (url) => slackTo(url, { via: "webhook", url: `${url}/services/T0/B0/token` })],
  [
    "SMS",
    "+4915112345678",
    (url) =>
      createSmsChannel({
        account: { accountSid: `AC${"0".repeat(32)}`, authToken: "auth-token-0123456789", from: "+15005550006" },
        ...{ apiUrl: url, publicUrl: null, concurrency, http: loopbackHttp() },
      }),
  ],
  [
    "a service that is written down as data",
    "topic",
    (url) => {
      const ntfy = SERVICES.find(({ name }) => name === "ntfy") as HttpService;
      const access = readAccess(ntfy, { secret: null, apiUrl: `${url}/` });
      if (typeof access === "string") throw new Error(access);
      return createServiceChannel(ntfy, { access, http: loopbackHttp() });
    },
  ],
];

const CASES: Case[] = [
  ...AT_MOST_ONCE,
  [
    "a webhook",
    "URL/hook",
    () =>
      createWebhookChannel({
        signing: { secrets: [`whsec_${Buffer.alloc(32, 1).toString("base64")}`] },
        log: { debug: () => {} },
        ...{ concurrency, http: loopbackHttp() },
      }),
  ],
  [
    "push",
    "interviewer/INT_100",
    (url) => {
      const privateKey = newPrivateKey();
      const account = { privateKey, publicKey: publicKeyOf(privateKey) as string, subject: "mailto:ops@example.com" };
      const devices = { of: async () => [newDevice(`${url}/device`)], forget: async () => {} };
      return createPushChannel({ account, devices, http: loopbackHttp() });
    },
  ],
];

test.each(CASES)("%s: what is done while it connects isn't sent", async (_, to, channelTo) => {
  const receiver = await startReceiver((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
  const channel = channelTo(receiver.url);
  const recipient = to?.replace("URL", receiver.url) ?? null;
  const isDone = new Error("it is done");
  const beforeSend = async () => {
    if (receiver.connections > 0) throw isDone;
  };

  const sending = channel.send(exampleMessage({ recipient, attemptedAt: Date.now() }), {
    ...{ signal: AbortSignal.timeout(20_000), beforeSend },
  });

  await expect(sending).rejects.toBe(isDone);
  expect(receiver.connections).toBe(1);
  await receiver.isLeft();
  expect(receiver.heads).toEqual([]);
});

test.each(AT_MOST_ONCE)("%s: while nobody is reached, nothing may have left", async (_, recipient, channelTo) => {
  const receiver = await startReceiver(() => {});
  let asked = 0;
  const send = (url: string, signal = AbortSignal.timeout(20_000)) => {
    const channel = channelTo(url);
    expect(channel.isAtMostOnce).toBe(true);
    const beforeSend = async () => {
      asked += 1;
    };
    return channel.send(exampleMessage({ recipient, attemptedAt: Date.now() }), { signal, beforeSend });
  };

  await expect(send("http://127.0.0.1:1"), "it refuses connections").rejects.toMatchObject({ name: "Retryable" });
  const cut = new AbortController();
  const sending = expect(send(receiver.url.replace("http", "https"), cut.signal), "it speaks no TLS").rejects.toThrow();
  await until(() => receiver.connections === 1, "it waits for TLS");
  cut.abort();
  await sending;

  expect(asked).toBe(0);
});

test.each(AT_MOST_ONCE)("%s: it is asked about once, when nothing has left", async (_, recipient, channelTo) => {
  const receiver = await startReceiver((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
  const headsWhenAsked: number[] = [];
  const beforeSend = async () => {
    headsWhenAsked.push(receiver.heads.length);
  };

  const sending = channelTo(receiver.url).send(exampleMessage({ recipient, attemptedAt: Date.now() }), {
    ...{ signal: AbortSignal.timeout(20_000), beforeSend },
  });
  // What it makes of the empty answer doesn't matter here.
  await Promise.allSettled([sending]);

  expect(headsWhenAsked).toEqual([0]);
  expect(receiver.heads).toHaveLength(1);
});

test("a connection that was kept, and turns out to be closed, is asked about once more", async () => {
  const receiver = await startReceiver((socket, _, nth) => {
    if (nth === 2) socket.destroy();
    else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  });
  const http = loopbackHttp();
  let asked = 0;
  const beforeSend = async () => {
    asked += 1;
  };
  const get = () => http.request({ method: "GET", url: receiver.url, beforeSend });
  expect(await get()).toMatchObject({ ok: true, status: 200 });
  expect(asked).toBe(1);
  expect(await get()).toMatchObject({ ok: true, status: 200 });
  expect(asked).toBe(3);
});
