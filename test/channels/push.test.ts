import { createECDH } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Channel,
  InvalidRecipient,
  type Message,
  type MessageLinks,
  type NotYet,
  type Retryable,
} from "../../src/channels/channel.ts";
import {
  isPrivateKey,
  isPushSubject,
  newPrivateKey,
  publicKeyOf,
  toPushAccount,
} from "../../src/channels/push/account.ts";
import { endpointFlaw, type KnownDevice, readAuth, readPoint } from "../../src/channels/push/device.ts";
import { pushPayload } from "../../src/channels/push/payload.ts";
import { createPushChannel, type PushSettings } from "../../src/channels/push/push.ts";
import { nameOf } from "../../src/core/people.ts";
import { guardedHttp } from "../../src/outgoing/guarded-http.ts";
import { DEFAULT_OUTGOING } from "../../src/outgoing/settings.ts";
import { writeDigest } from "../../src/templates/digest.ts";
import { renderMessage } from "../../src/templates/render.ts";
import { loopbackHttp } from "../outgoing/receiver.ts";
import { failure, unhurried } from "../support/email.ts";
import { exampleMessage, type MessageChanges } from "../support/message.ts";
import { decrypt, newDevice, type PushService, startPushService, type TestDevice } from "../support/push-service.ts";

const privateKey = newPrivateKey();
const account = { privateKey, publicKey: publicKeyOf(privateKey) as string, subject: "mailto:ops@example.com" };
const [NAME, LATER] = ["interviewer/INT_100", "the reminder will be due again"];

interface Sending extends Channel {
  /** Devices that were forgotten, by their contact. */
  forgotten: [contact: string, id: string][];
}

function pushChannel(devices: readonly KnownDevice[], settings: Partial<PushSettings> = {}): Sending {
  const forgotten: Sending["forgotten"] = [];
  const channel = createPushChannel({
    ...{ account, http: loopbackHttp() },
    devices: {
      of: async () => devices,
      forget: async (_, contact, { id }) => void forgotten.push([nameOf(contact), id]),
    },
    ...settings,
  });
  return { ...channel, forgotten };
}

const message = (changes: MessageChanges = {}): Message => exampleMessage({ recipient: NAME, ...changes });
const linksTo = (url: string): MessageLinks => {
  const purposes = ["done", "snooze", "promise", "not_me", "stop", "why", "answer"] as const;
  return Object.fromEntries(purposes.map((purpose) => [purpose, `${url}/${purpose}`])) as unknown as MessageLinks;
};
const status =
  (code: number, headers: Record<string, string> = {}): PushService["behave"] =>
  (response) =>
    void response.writeHead(code, headers).end("of no concern");

test.each([3_072, 1_024])("of fifty it says how many they are, and in %i bytes where all of them are", (maxBytes) => {
  const one = message({ reminder: { subject: "Miete “März”", message: "Bitte überweisen. ".repeat(20) } });
  const items = Array.from({ length: 50 }, () => ({ message: one, rendered: renderMessage(one) }));
  const url = `https://r.example.com/a/${"x".repeat(100)}`;
  const payload = pushPayload({ ...one, isDigest: true }, writeDigest(items, url), maxBytes);
  expect(payload.length).toBeLessThanOrEqual(maxBytes);
  expect(JSON.parse(payload.toString())).toMatchObject({
    ...{ title: "50 reminders for you", url },
    body: expect.stringMatching(/^50 are open:\n\n1\. Miete “März”\nBitte .*…$/s),
  });
});

describe("a device gets a message", () => {
  test("that it alone can read, from who we say we are, and that is of use until the reminder comes again", async () => {
    const service = await startPushService();
    const device = service.device();
    const reminder = { subject: "Rent", message: "Please pay." };

    const receipt = await pushChannel([device]).send(
      message({ reminder, links: linksTo("https://r.example.com/a") }),
      unhurried,
    );

    expect(service.wrong).toEqual([]);
    expect(receipt).toEqual({ providerId: null, demo: false });
    const [pushed] = service.pushed;
    expect(pushed?.token).toMatchObject({ aud: service.url, sub: account.subject });
    expect(pushed?.publicKey).toBe(account.publicKey);
    expect(pushed?.headers).toMatchObject({ ttl: "3600", urgency: "normal", topic: pushed?.read.tag });
    expect(pushed?.read).toMatchObject({
      title: "Rent",
      body: "Please pay.",
      url: "https://r.example.com/a/answer",
      timestamp: Date.UTC(2025, 0, 15, 13, 30),
      actions: [
        { action: "done", url: "https://r.example.com/a/done" },
        { action: "snooze", url: "https://r.example.com/a/snooze" },
      ],
    });
  });

  test("under one topic for all of a reminder to one contact, and another for every other", async () => {
    const service = await startPushService();
    const send = async (changes: MessageChanges) => {
      await pushChannel([service.device()]).send(message(changes), unhurried);
      return service.pushed.at(-1)?.headers.topic;
    };
    const topic = await send({});
    expect(await send({ occurrenceNumber: 4, occurrenceAt: Date.UTC(2025, 0, 16) })).toBe(topic);
    const others = [
      await send({ reminder: { id: 2 } }),
      await send({ recipient: "interviewer/INT_101" }),
      await send({ reminder: { tenantId: "acme" } }),
    ];
    expect(new Set([topic, ...others]).size).toBe(4);
    expect(service.wrong).toEqual([]);
  });

  test.each<[string, Partial<Message>, { ttl: string; urgency: string }]>([
    [`a minute at least, though ${LATER} at once`, { nextRunAt: 0 }, { ttl: "60", urgency: "normal" }],
    ["four weeks, if it is the last", { nextRunAt: null }, { ttl: "2419200", urgency: "normal" }],
    [
      `four weeks at most, though ${LATER} later`,
      { nextRunAt: Date.UTC(2026, 0) },
      { ttl: "2419200", urgency: "normal" },
    ],
    [
      "wakes a tired device where it is escalated",
      { addressed: { person: NAME, step: 2, template: null, as: "recipient", hasEscalated: true } },
      { ttl: "3600", urgency: "high" },
    ],
    [
      "is as any other where it is the first of its policy",
      { addressed: { person: NAME, step: 1, template: null, as: "recipient" } },
      { ttl: "3600", urgency: "normal" },
    ],
    [
      "can wait where it only tells that it is done",
      { addressed: { person: NAME, step: 1, template: null, as: "escalation", tells: true } },
      { ttl: "3600", urgency: "low" },
    ],
  ])("that lives %s", async (_, changes, wanted) => {
    const service = await startPushService();
    await pushChannel([service.device()]).send(message(changes), unhurried);
    expect(service.pushed[0]?.headers).toMatchObject(wanted);
    expect(service.wrong).toEqual([]);
  });

  test("that is cut so that any push service takes it, and once more for one that takes less", async () => {
    const service = await startPushService();
    const long = message({
      reminder: { message: "“Ähm” 🙂 ".repeat(2_000) },
      links: linksTo("https://r.example.com/a"),
    });
    service.behave = (response, { bytes }) => void response.writeHead(bytes > 1_024 ? 413 : 201).end();

    await pushChannel([service.device()]).send(long, unhurried);

    expect(service.wrong).toEqual([]);
    const [first, second] = service.pushed;
    expect(first?.bytes).toBeLessThanOrEqual(3_072);
    expect(first?.bytes).toBeGreaterThan(3_000);
    expect(second?.bytes).toBeGreaterThan(900);
    for (const pushed of service.pushed) expect(pushed.read.body).toMatch(/^“Ähm” 🙂 .*…$/su);
  });
});

describe("of several devices", () => {
  test("each gets it, and it counts as sent when one has taken it; those that are gone are forgotten, and no other", async () => {
    const service = await startPushService();
    const [phone, old, lost, laptop] = [service.device(), service.device(), service.device(), service.device()];
    service.behave = (response, { endpoint }) => {
      const code = { [phone.endpoint]: 201, [old.endpoint]: 410, [lost.endpoint]: 404 }[endpoint] ?? 503;
      response.writeHead(code).end();
    };
    const channel = pushChannel([phone, old, lost, laptop]);

    await channel.send(message(), unhurried);

    expect(service.pushed.map(({ endpoint }) => endpoint).sort()).toEqual(
      [phone, old, lost, laptop].map(({ endpoint }) => endpoint).sort(),
    );
    expect(channel.forgotten).toEqual([
      [NAME, old.id],
      [NAME, lost.id],
    ]);
  });

  test("one that never answers holds up none of the others", async () => {
    const service = await startPushService();
    const [phone, hung] = [service.device(), service.device()];
    service.behave = (response, { endpoint }) => void (endpoint === phone.endpoint && response.writeHead(201).end());
    const channel = pushChannel([hung, phone], { timeoutMs: 300 });
    await expect(channel.send(message(), unhurried)).resolves.toMatchObject({ demo: false });
    expect(channel.forgotten).toEqual([]);
  });

  test("where none is left, the failure says so and what to do", async () => {
    const service = await startPushService();
    service.behave = status(410);
    const channel = pushChannel([service.device()]);
    expect(await failure(channel.send(message(), unhurried))).toMatchObject({
      name: "Permanent",
      message: `there is no device any more: have ${NAME} subscribe by a link from POST /contacts/${NAME}/push-link`,
    });
    expect(channel.forgotten).toHaveLength(1);
    const none = await failure(pushChannel([]).send(message(), unhurried));
    expect(none).toMatchObject({ name: "Permanent", message: expect.stringMatching(/^there is no device: have/) });
  });

  test("what may pass by itself counts where one would have it tried again and another not", async () => {
    const service = await startPushService();
    const [busy, strict] = [service.device(), service.device()];
    service.behave = (response, { endpoint }) => void response.writeHead(endpoint === busy.endpoint ? 503 : 403).end();
    const error = await failure(pushChannel([strict, busy]).send(message(), unhurried));
    expect(error).toMatchObject({ name: "Retryable", message: expect.stringContaining("503"), mayHaveArrived: false });
  });

  test("what may have arrived at one of them may have arrived, whatever the others say", async () => {
    const service = await startPushService();
    const [broken, busy] = [service.device(), service.device()];
    service.behave = (response, { endpoint }) =>
      void (endpoint === busy.endpoint
        ? response.writeHead(503, { "retry-after": "120" }).end()
        : response.socket?.destroy());
    for (const devices of [
      [broken, busy],
      [busy, broken],
    ]) {
      const error = await failure(pushChannel(devices).send(message(), unhurried));
      expect(error).toMatchObject({ name: "Retryable", retryAfterMs: 120_000, mayHaveArrived: true });
      expect(error.message).toContain("it broke the connection off");
    }
  });

  test("what one may have got isn't forgotten where another is held back", async () => {
    const service = await startPushService();
    service.behave = (response) => void response.socket?.destroy();
    let asked = 0;
    const beforeSend = async (): Promise<void> => {
      asked += 1;
      // Once for all, and for each as soon as it is on the line.
      if (asked === 3) throw new Error("it is done");
    };
    const sending = pushChannel([service.device(), service.device()]).send(message(), { ...unhurried, beforeSend });
    expect(await failure(sending)).toMatchObject({ name: "Retryable", mayHaveArrived: true });
    expect(service.pushed).toHaveLength(1);
  });
});

describe("a push service that doesn't take it", () => {
  test.each([
    [500, true],
    [502, true],
    [503, false],
    [408, false],
    [425, false],
  ])("with %i: that it may have arrived is %s", async (code, mayHaveArrived) => {
    const service = await startPushService();
    service.behave = status(code, {});
    const error = await failure(pushChannel([service.device()]).send(message(), unhurried));
    expect(error).toMatchObject({ name: "Retryable", mayHaveArrived });
  });

  test.each<[number, Record<string, string>, string, RegExp]>([
    [400, {}, "Permanent", /look whether VAPID_SUBJECT/],
    [401, {}, "Permanent", /look whether VAPID_PRIVATE_KEY has changed/],
    [403, {}, "Permanent", /subscribed with another key/],
    [413, {}, "Permanent", /takes no message of this size/],
    [418, {}, "Permanent", /answered with status 418/],
    [301, { location: "http://127.0.0.1:1/" }, "Permanent", /leads elsewhere and is not followed/],
    [500, {}, "Retryable", /answered with status 500/],
    [503, { "retry-after": "120" }, "Retryable", /answered with status 503/],
    [429, { "retry-after": "120" }, "NotYet", /takes no more messages at the moment/],
  ])("with %i", async (code, headers, name, says) => {
    const service = await startPushService();
    service.behave = status(code, headers);
    const device = service.device();
    const channel = pushChannel([device]);

    const error = await failure(channel.send(message(), unhurried));

    expect(error).toMatchObject({ name, message: expect.stringMatching(says) });
    if ("retry-after" in headers) {
      const { retryAfterMs, waitMs } = error as Partial<Retryable & NotYet>;
      expect(retryAfterMs ?? waitMs).toBe(120_000);
    }
    // Who knows where a device is reached could write to it.
    expect(error.message).not.toContain(new URL(device.endpoint).pathname);
    expect(channel.forgotten).toEqual([]);
    expect(service.wrong).toEqual([]);
  });

  test("because it is away, silent, or breaks off: it is sent again, since a repeat takes its place", async () => {
    const service = await startPushService();
    const device = service.device();
    service.behave = () => undefined;
    const silent = await failure(pushChannel([device], { timeoutMs: 300 }).send(message(), unhurried));
    expect(silent).toMatchObject({ name: "Retryable", message: expect.stringContaining("longer than 0.3 s") });
    service.behave = (response) => void response.socket?.destroy();
    const broken = await failure(pushChannel([device]).send(message(), unhurried));
    expect(broken).toMatchObject({ name: "Retryable", message: expect.stringContaining("broke the connection off") });
    const away = await failure(pushChannel([newDevice("http://127.0.0.1:9/send/x")]).send(message(), unhurried));
    expect(away).toMatchObject({ name: "Retryable" });
  });
});

test.each([
  "http://10.0.0.1/send/x",
  "http://169.254.169.254/send/x",
  "http://localhost/send/x",
  "https://[::1]/send/x",
])("nothing is sent to %s, whoever has subscribed there", async (endpoint) => {
  const http = guardedHttp(DEFAULT_OUTGOING);
  const error = await failure(pushChannel([newDevice(endpoint)], { http }).send(message(), unhurried));
  http.close();
  expect(error).toMatchObject({ name: "Permanent", message: expect.stringMatching(/was not sent: its host/) });
});

test("what has been done meanwhile is asked before anything leaves", async () => {
  const service = await startPushService();
  const beforeSend = () => Promise.reject(new Error("it is done"));
  expect(await failure(pushChannel([service.device()]).send(message(), { ...unhurried, beforeSend }))).toMatchObject({
    message: "it is done",
  });
  expect(service.pushed).toEqual([]);
});

test("without a key it waits, and says what to set", async () => {
  const error = await failure(pushChannel([], { account: null }).send(message(), unhurried));
  expect(error).toMatchObject({ name: "Retryable", message: expect.stringMatching(/set VAPID_PRIVATE_KEY and/) });
});

test("a tenant's own key comes first, and what can't be read of it waits for somebody to mend it", async () => {
  const service = await startPushService();
  const own = newPrivateKey();
  const stored = { public_key: publicKeyOf(own), subject: "https://acme.example.com" };
  const ownOf = (settings: unknown) => async () => toPushAccount(settings, new Map([["private_key", own]]));
  await pushChannel([service.device()], { own: ownOf(stored) }).send(message(), unhurried);
  expect(service.pushed[0]).toMatchObject({ publicKey: publicKeyOf(own), token: { sub: "https://acme.example.com" } });

  for (const broken of [{}, { ...stored, subject: "ops" }, { ...stored, public_key: account.publicKey }, null]) {
    const error = await failure(pushChannel([service.device()], { own: ownOf(broken) }).send(message(), unhurried));
    expect(error).toMatchObject({ name: "Retryable", message: expect.stringContaining("channels set push") });
  }
});

test.each(["ann@example.com", "interviewer", "/", "a%b/c", ""])("%j is no recipient", (text) => {
  expect(() => pushChannel([]).parseRecipient(text)).toThrow(InvalidRecipient);
});

test("a contact is reached by its name while it has devices", () => {
  const channel = pushChannel([]);
  expect(channel.address({ name: "Ann", email: "ann@example.com", phone: null, push: NAME })).toBe(NAME);
  expect(channel.address({ name: "Ann", email: "ann@example.com", phone: null })).toBeNull();
  expect(channel.parseRecipient(` ${NAME} `)).toBe(NAME);
});

test("whatever a message says, it fits", () => {
  const url = fc.nat(400).map((length) => `https://r.example.com/${"a".repeat(length)}`);
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.string({ unit: "binary", maxLength: 4_000 }),
      url,
      fc.constantFrom(1_024, 3_072),
      (subject, body, link, most) => {
        const given = message({ links: linksTo(link), reminder: { data: { url: link } } });
        const payload = pushPayload(given, { ...renderMessage(given), subject: subject || "x", body }, most);
        expect(payload.length).toBeLessThanOrEqual(most);
        expect(JSON.parse(payload.toString())).toMatchObject({ tag: expect.stringMatching(/^[\w-]{32}$/) });
      },
    ),
    { numRuns: 40 },
  );
});

test("what our peer reads by RFC 8291 is what its example says", () => {
  const curve = createECDH("prime256v1");
  curve.setPrivateKey(Buffer.from("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94", "base64url"));
  const auth = Buffer.from("BTBZMqHH6r4Tts7J_aSIgg", "base64url");
  const body = Buffer.from(
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
    "base64url",
  );
  expect(curve.getPublicKey("base64url")).toBe(
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
  );
  expect(decrypt(body, { curve, auth } as Pick<TestDevice, "curve" | "auth">).toString()).toBe(
    "When I grow up, I want to be a watermelon",
  );
});

describe("what is taken", () => {
  test("as a private key: 32 bytes that are one of P-256, and nothing else", () => {
    expect(isPrivateKey(newPrivateKey())).toBe(true);
    const order = Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "hex");
    const wrong = ["", "x", Buffer.alloc(32).toString("base64url"), order.toString("base64url"), `${newPrivateKey()}=`];
    expect(wrong.filter(isPrivateKey)).toEqual([]);
  });

  test("as a subject: where a person is reached", () => {
    const right = ["mailto:ops@example.com", "https://example.com/contact"];
    expect(right.filter(isPushSubject)).toEqual(right);
    const wrong = ["", "ops@example.com", "mailto:ops", "http://example.com", "https://localhost", "https://a b.c"];
    expect(wrong.filter(isPushSubject)).toEqual([]);
  });

  test("as a device's keys: a point on the curve, and 16 bytes", () => {
    const { p256dh, auth } = newDevice("https://push.example.net/x").json.keys;
    expect(readPoint(p256dh)).toHaveLength(65);
    expect(readAuth(auth)).toHaveLength(16);
    expect(readAuth(Buffer.alloc(16, 255).toString("base64"))).toHaveLength(16);
    const off = Buffer.from(p256dh, "base64url");
    off[64] = (off[64] as number) ^ 1;
    const compressed = Buffer.concat([Buffer.from([2]), off.subarray(1)]);
    for (const wrong of ["", "!", p256dh.slice(2), off.toString("base64url"), compressed.toString("base64url")])
      expect(readPoint(wrong)).toBeNull();
    for (const wrong of ["", auth.slice(2), `${auth}AAAA`, "§"]) expect(readAuth(wrong)).toBeNull();
  });

  test("as an endpoint: a URL by https that requests may go to", () => {
    expect(endpointFlaw("https://push.example.net/send/abc")).toBeNull();
    expect(endpointFlaw("http://127.0.0.1:8080/send/abc")).toBeNull();
    expect(endpointFlaw("https://push.example.net/x", () => "its host is loopback")).toContain("its host is loopback");
    const wrong = [
      ...["http://push.example.net/x", "ftp://a.b/c", "push.example.net", `https://a.b/${"x".repeat(2_048)}`],
      ...["https://a:b@push.example.net/x", "javascript:alert(1)"],
    ];
    for (const one of wrong) expect(endpointFlaw(one), one).toMatch(/^must /);
  });
});
