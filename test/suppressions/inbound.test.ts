import { createHmac, createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { buildServer } from "../../src/api/server.ts";
import { returnPath } from "../../src/channels/email/return-path.ts";
import { channelMap } from "../../src/channels/registry.ts";
import type { GuardedHttp } from "../../src/outgoing/guarded-http.ts";
import { Keyring } from "../../src/secrets/keyring.ts";
import { newMasterKey, parseMasterKeys } from "../../src/secrets/master-key.ts";
import { apiDatabase } from "../../src/store/tenant-database.ts";
import { client, type TestApi } from "../support/api.ts";
import { SENDGRID } from "../support/documented-feedback.ts";
import { emailChannel } from "../support/email.ts";
import { giveKey } from "../support/keys.ts";
import { certificate, certificateKey } from "../support/smtp.ts";
import { createTenants } from "../support/tenants.ts";
import { type World, world } from "../support/world.ts";

const ANN = "ann@example.com";
const BOUNCE_SECRET = "b".repeat(32);
const keyring = new Keyring(parseMasterKeys(newMasterKey()));

interface Here extends World {
  api: TestApi;
  /** Posts as a provider does: without a key. */
  post(
    path: string,
    body: string | Buffer,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: unknown }>;
  suppressed(): Promise<unknown>;
  /** URLs that were asked for. */
  asked: string[];
  key: string;
}

/** `isAway`: whoever is asked for something answers that it is out of order. */
async function here({ isAway = false } = {}): Promise<Here> {
  const at = await world();
  const asked: string[] = [];
  const http: Pick<GuardedHttp, "request"> = {
    request: async ({ url }) => {
      asked.push(url);
      if (isAway) return { ok: true, status: 503, headers: {}, body: Buffer.alloc(0), isWhole: true };
      return { ok: true, status: 200, headers: {}, body: Buffer.from(certificate), isWhole: true };
    },
  };
  const server = await buildServer({
    database: apiDatabase(at.database),
    channels: channelMap([emailChannel(null)]),
    ...{ keyring, http, bounceSecret: BOUNCE_SECRET },
  });
  onTestFinished(() => server.close());
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  const { text: key } = await giveKey(at.database, { scopes: ["suppressions:read", "suppressions:write"] });
  const api = client(url, key);
  return {
    ...at,
    ...{ api, asked, key },
    post: async (path, body, headers = {}) => {
      const response = await fetch(`${url}${path}`, {
        method: "POST",
        body: new Uint8Array(Buffer.from(body)),
        headers: { "content-type": "application/json", ...headers },
      });
      return { status: response.status, body: await response.json() };
    },
    suppressed: async () =>
      ((await api.all("/suppressions")) as { address: string; reason: string }[]).map(({ address, reason }) => [
        address,
        reason,
      ]),
  };
}

/** A message in the ledger, as it was sent a minute ago. */
async function sentOne(at: World, tenant = "default", recipient = ANN) {
  const reminderId = await at.insert({ channel: "email", recipient, tenant_id: tenant });
  const occurrenceAt = Date.now() - 60_000;
  await at.database.query(
    `insert into deliveries (tenant_id, reminder_id, occurrence_at, bucket, channel, recipient, status)
     select tenant_id, id, $2, bucket, 'email', recipient, 'sent' from reminder_jobs where id = $1`,
    [reminderId, new Date(occurrenceAt)],
  );
  return { reminderId, occurrenceAt, recipientNo: 0 };
}

describe("Mailgun", () => {
  const KEY = "key-0123456789abcdef";
  const signed = (event: object, { key = KEY, token = randomUUID(), atMs = Date.now() } = {}) => {
    const timestamp = String(Math.floor(atMs / 1_000));
    const signature = createHmac("sha256", key).update(`${timestamp}${token}`).digest("hex");
    return JSON.stringify({ signature: { timestamp, token, signature }, "event-data": event });
  };
  const hard = {
    event: "failed",
    severity: "permanent",
    recipient: ANN,
    "delivery-status": { message: "550 5.1.1 unknown" },
  };

  test("is believed by its signature, once; a bounce suppresses, and the reminder's timeline says so", async () => {
    const at = await here();
    await at.api.call("PUT", "/inbound-sources/mailgun", { secrets: [KEY] });
    const key = await sentOne(at);
    const event = {
      ...hard,
      message: { headers: { "message-id": `${key.reminderId}-${key.occurrenceAt}-0@company.example` } },
    };
    const body = signed(event);

    expect(await at.post("/inbound/default/mailgun", body)).toEqual({
      status: 200,
      body: { received: 1, suppressed: 1, answers: 0 },
    });
    expect(await at.post("/inbound/default/mailgun", body)).toEqual({
      status: 200,
      body: { received: 1, suppressed: 0, answers: 0 },
    });

    expect(await at.suppressed()).toEqual([[ANN, "hard_bounce"]]);
    expect(await at.events(key.reminderId)).toMatchObject([{ type: "bounced", because: "550 5.1.1 unknown" }]);
    // Released by hand, what came before doesn't come into force by being played back.
    await at.api.call("DELETE", `/suppressions/email/${ANN}`);
    await at.post("/inbound/default/mailgun", body);
    expect(await at.suppressed()).toEqual([]);
  });

  test("what it has signed for one thing says no other, which its signature isn't over", async () => {
    const at = await here();
    await at.api.call("PUT", "/inbound-sources/mailgun", { secrets: [KEY] });
    const opened = signed({ event: "opened", recipient: ANN });
    expect(await at.post("/inbound/default/mailgun", opened)).toMatchObject({ status: 200, body: { received: 0 } });
    const other = JSON.stringify({ ...JSON.parse(opened), "event-data": hard });
    expect(await at.post("/inbound/default/mailgun", other)).toMatchObject({ status: 200, body: { suppressed: 0 } });
    expect(await at.suppressed()).toEqual([]);
  });

  test("isn't believed without, and nobody learns who takes it", async () => {
    const at = await here();
    const before = await at.post("/inbound/default/mailgun", signed(hard));
    await at.api.call("PUT", "/inbound-sources/mailgun", { secrets: [KEY] });
    const refused = await Promise.all([
      at.post("/inbound/default/mailgun", signed(hard, { key: "key-of-somebody-else" })),
      at.post("/inbound/default/mailgun", signed(hard, { atMs: Date.now() - 25 * 3_600_000 })),
      at.post("/inbound/default/mailgun", signed(hard, { atMs: Date.now() + 10 * 60_000 })),
      at.post("/inbound/default/mailgun", JSON.stringify({ "event-data": hard })),
      at.post("/inbound/nobody/mailgun", signed(hard)),
      at.post("/inbound/default/pigeon", signed(hard)),
      at.post("/inbound/..%2f/mailgun", signed(hard)),
    ]);
    expect([before, ...refused].map(({ status }) => status)).toEqual(Array(8).fill(401));
    expect(await at.suppressed()).toEqual([]);
  });

  test("of a message that isn't to this address no timeline speaks; a soft one suppresses nobody", async () => {
    const at = await here();
    await at.api.call("PUT", "/inbound-sources/mailgun", { secrets: [KEY] });
    const key = await sentOne(at);
    const message = { headers: { "message-id": `${key.reminderId}-${key.occurrenceAt}-0@company.example` } };
    await at.post("/inbound/default/mailgun", signed({ ...hard, recipient: "bob@example.com", message }));
    expect(await at.events(key.reminderId)).toEqual([]);
    await at.post("/inbound/default/mailgun", signed({ ...hard, severity: "temporary", message }));
    expect(await at.events(key.reminderId)).toMatchObject([{ type: "bounced_for_now" }]);
    expect(await at.suppressed()).toEqual([["bob@example.com", "hard_bounce"]]);
  });
});

describe("SendGrid", () => {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const PUBLIC = pair.publicKey.export({ type: "spki", format: "der" }).toString("base64");
  const headersFor = (body: string, key = pair.privateKey) => {
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const signature = createSign("sha256").update(`${timestamp}${body}`).sign(key, "base64");
    return {
      "x-twilio-email-event-webhook-timestamp": timestamp,
      "x-twilio-email-event-webhook-signature": signature,
    };
  };

  test("10,000 bounces at once are taken", async () => {
    const at = await here();
    await at.api.call("PUT", "/inbound-sources/sendgrid", { secrets: [PUBLIC] });
    const events = Array.from({ length: 10_000 }, (_, n) => ({
      ...{ email: `n${n}@example.com`, event: "bounce", type: "bounce", status: "5.1.1", reason: "550 5.1.1 unknown" },
      "smtp-id": `<${n}-1736947800000-0@company.example>`,
    }));
    const bodies = [0, 1, 2, 3].map((part) => JSON.stringify(events.slice(part * 2_500, (part + 1) * 2_500)));
    const answers = await Promise.all(
      bodies.map((body) => at.post("/inbound/default/sendgrid", body, headersFor(body))),
    );
    expect(answers).toEqual(Array(4).fill({ status: 200, body: { received: 2_500, suppressed: 2_500, answers: 0 } }));
  });

  test("everything that its documentation has is taken, in one list as it sends them", async () => {
    const at = await here();
    await at.api.call("PUT", "/inbound-sources/sendgrid", { secrets: [PUBLIC] });
    const body = JSON.stringify(SENDGRID.flatMap((one) => one.body));
    expect(await at.post("/inbound/default/sendgrid", body, headersFor(body))).toMatchObject({ status: 200 });
    const all = (await at.suppressed()) as [string, string][];
    expect(all.map(([address]) => address)).toEqual([ANN]);
    expect(["complaint", "unsubscribed"]).toContain(all[0]?.[1]);
  });

  test("another's signature, or over something else, is none", async () => {
    const at = await here();
    await at.api.call("PUT", "/inbound-sources/sendgrid", { secrets: [PUBLIC] });
    const body = JSON.stringify([{ email: ANN, event: "spamreport" }]);
    const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    expect((await at.post("/inbound/default/sendgrid", body, headersFor(body, other))).status).toBe(401);
    expect((await at.post("/inbound/default/sendgrid", `${body} `, headersFor(body))).status).toBe(401);
    expect((await at.post("/inbound/default/sendgrid", body)).status).toBe(401);
    expect((await at.post("/inbound/default/sendgrid", body, headersFor(body))).status).toBe(200);
    expect(await at.suppressed()).toEqual([[ANN, "complaint"]]);
  });
});

test("Postmark is known by user name and password; an answer of who is out of office suppresses nobody", async () => {
  const at = await here();
  await at.api.call("PUT", "/inbound-sources/postmark", { secrets: ["postmark:a-long-password"] });
  const login = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
  const body = (Type: string) => JSON.stringify({ RecordType: "Bounce", Type, Email: ANN, Details: "x" });
  const post = (type: string, text: string) => at.post("/inbound/default/postmark", body(type), login(text));
  expect((await post("HardBounce", "postmark:wrong")).status).toBe(401);
  expect((await post("AutoResponder", "postmark:a-long-password")).body).toEqual({
    received: 0,
    suppressed: 0,
    answers: 0,
  });
  expect((await post("HardBounce", "postmark:a-long-password")).body).toEqual({
    received: 1,
    suppressed: 1,
    answers: 0,
  });
});

describe("Amazon SES", () => {
  const TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces";
  const CERT = `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${"a".repeat(32)}.pem`;
  const bounce = {
    notificationType: "Bounce",
    mail: { source: "x@example.com" },
    bounce: { bounceType: "Permanent", bouncedRecipients: [{ emailAddress: ANN, status: "5.1.1" }] },
  };
  /** Signed as SNS does, by the certificate that the guarded HTTP gets. */
  const signed = (fields: Record<string, string> = {}, algorithm = "sha256"): Record<string, string> => {
    const message: Record<string, string> = {
      ...{ Type: "Notification", MessageId: randomUUID(), TopicArn: TOPIC, Timestamp: new Date().toISOString() },
      ...{ Message: JSON.stringify(bounce), ...fields },
    };
    const names = ["Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type"];
    const text = names.flatMap((name) => (message[name] === undefined ? [] : `${name}\n${message[name]}\n`)).join("");
    const Signature = createSign(algorithm).update(text).sign(certificateKey, "base64");
    return { SigningCertURL: CERT, SignatureVersion: algorithm === "sha1" ? "1" : "2", Signature, ...message };
  };
  const post = (at: Here, message: object) =>
    at.post("/inbound/default/ses", JSON.stringify(message), { "content-type": "text/plain; charset=UTF-8" });

  test("is believed by the signature of SNS, and its subscription confirmed", async () => {
    const at = await here();
    await at.api.call("PUT", "/inbound-sources/ses", { secrets: [TOPIC] });
    const SubscribeURL = `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=t`;
    const confirmation = signed({ Type: "SubscriptionConfirmation", SubscribeURL, Token: "t", Message: "confirm" });
    expect(await post(at, confirmation)).toMatchObject({ status: 200, body: { received: 0 } });
    expect(at.asked.at(-1)).toBe(new URL(SubscribeURL).href);

    expect(await post(at, signed())).toEqual({ status: 200, body: { received: 1, suppressed: 1, answers: 0 } });
    expect(await at.suppressed()).toEqual([[ANN, "hard_bounce"]]);
    expect(await post(at, signed({ Message: "Successfully validated SNS topic" }))).toMatchObject({ status: 200 });
  });

  test.each(["sha1", "sha256"])(
    "is believed with all fields that SNS has, signed by either of its versions: %s",
    async (algorithm) => {
      const at = await here();
      await at.api.call("PUT", "/inbound-sources/ses", { secrets: [TOPIC] });
      const message = {
        ...signed({ Subject: "Amazon SES Email Event Notification" }, algorithm),
        UnsubscribeURL: `https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=${TOPIC}:s`,
      };
      expect(await post(at, { ...message, Subject: "another" })).toMatchObject({ status: 401 });
      expect(await post(at, message)).toMatchObject({ status: 200, body: { suppressed: 1 } });
      // Who unsubscribes the topic is told nothing, and nothing is asked for.
      const goodbye = { Type: "UnsubscribeConfirmation", Token: "t", Message: "You have been unsubscribed" };
      const SubscribeURL = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t";
      expect(await post(at, signed({ ...goodbye, SubscribeURL }, algorithm))).toMatchObject({ status: 200 });
      expect(at.asked.every((url) => url === CERT)).toBe(true);
    },
  );

  test("nothing that is forged is believed, and nobody but Amazon is asked for anything", async () => {
    const at = await here();
    await at.api.call("PUT", "/inbound-sources/ses", { secrets: [TOPIC] });
    const good = signed();
    const forged = [
      { ...good, Message: (good.Message ?? "").replace(ANN, "bob@example.com") },
      signed({ TopicArn: "arn:aws:sns:eu-west-1:999999999999:bounces" }),
      signed({ Timestamp: new Date(Date.now() - 25 * 3_600_000).toISOString() }),
      { ...good, Signature: "" },
      { ...good, Type: "constructor" },
      ...[
        "https://evil.example/SimpleNotificationService-a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-a.pem",
        "https://evil.example#sns.eu-west-1.amazonaws.com/SimpleNotificationService-a.pem",
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-a.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-a.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-a.pem",
        "https://sns.eu-west-1.amazonaws.com/other.pem",
        "file:///etc/passwd",
      ].map((SigningCertURL) => ({ ...good, SigningCertURL })),
    ];
    for (const message of forged) expect((await post(at, message)).status, JSON.stringify(message)).toBe(401);
    const confirm = signed({
      ...{ Type: "SubscriptionConfirmation", Token: "t", Message: "m" },
      SubscribeURL: "https://evil.example/?Action=ConfirmSubscription",
    });
    expect(await post(at, confirm)).toMatchObject({ status: 200, body: { received: 0 } });
    expect(at.asked.every((url) => url === CERT)).toBe(true);
    expect(await at.suppressed()).toEqual([]);
  });

  test("what can't be checked is to be sent again; of one that goes on so, nobody is asked any more", async () => {
    const at = await here({ isAway: true });
    await at.api.call("PUT", "/inbound-sources/ses", { secrets: [TOPIC] });
    // From regions that were made up: none has been asked for before.
    const region = (n: number) => CERT.replace("eu-west-1", `nowhere-${n}`);
    let statuses: number[] = [];
    for (let n = 0; n < 1_000 && !statuses.includes(429); n += 1) {
      statuses = [...statuses, (await post(at, { ...signed(), SigningCertURL: region(n) })).status];
    }
    expect([statuses[0], statuses.at(-1)]).toEqual([503, 429]);
    expect(at.asked).toHaveLength(statuses.length - 1);
  });

  test("a bounce of another program's mail, whose id looks like one of ours, suppresses as any", async () => {
    const at = await here();
    await at.api.call("PUT", "/inbound-sources/ses", { secrets: [TOPIC] });
    const ids = ["20260115-093000123-40000", "17-1736947800000-99999", "9999999999999999-999999999999999-0"];
    for (const [n, id] of ids.entries()) {
      const message = {
        ...bounce,
        mail: { headers: [{ name: "Message-ID", value: `<${id}@company.example>` }] },
        bounce: { ...bounce.bounce, bouncedRecipients: [{ emailAddress: `n${n}@example.com`, status: "5.1.1" }] },
      };
      const body = { received: 1, suppressed: 1, answers: 0 };
      expect(await post(at, signed({ Message: JSON.stringify(message) })), id).toEqual({ status: 200, body });
    }
  });
});

describe("mail that came back", () => {
  const report = (to: string, status = "5.1.1", recipient = ANN) =>
    `From: MAILER-DAEMON@mx.example.org\r\nTo: <${to}>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n` +
    `--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; ${recipient}\r\n` +
    `Action: failed\r\nStatus: ${status}\r\nDiagnostic-Code: smtp; 550 ${status} no\r\n--b--\r\n`;
  const hand = (at: Here, mail: string, query = "") =>
    at.post(`/inbound/mail${query}`, mail, { "content-type": "message/rfc822", authorization: `Bearer ${at.key}` });

  test("to an address of ours suppresses whom the message was for, in its own tenant, whoever it says", async () => {
    const at = await here();
    await createTenants(at.database, "acme");
    const key = await sentOne(at, "acme");
    const address = returnPath("bounces@mail.example.com", key, BOUNCE_SECRET);
    expect(await hand(at, report(address, "5.1.1", "somebody-else@example.com"))).toMatchObject({
      body: { received: 1, suppressed: 1, answers: 0 },
    });
    expect(await at.database.query("select tenant_id, address, reason from suppressions")).toEqual([
      { tenant_id: "acme", address: ANN, reason: "hard_bounce" },
    ]);
    expect((await at.events(key.reminderId)).map(({ type }) => type)).toEqual(["bounced"]);
  });

  test("of an address that plain SQL has written in another form suppresses what it was sent to", async () => {
    const at = await here();
    const key = await sentOne(at, "default", " ann@bücher.example");
    await hand(at, report(returnPath("bounces@mail.example.com", key, BOUNCE_SECRET)));
    expect(await at.suppressed()).toEqual([["ann@xn--bcher-kva.example", "hard_bounce"]]);
    expect(await at.events(key.reminderId)).toMatchObject([
      { type: "bounced", details: { address: "ann@xn--bcher-kva.example" } },
    ]);
  });

  test("takes back no release: a message comes back once, in whatever words and letters that is told again", async () => {
    const at = await here();
    const key = await sentOne(at);
    const address = returnPath("bounces@mail.example.com", key, BOUNCE_SECRET);
    await hand(at, report(address));
    expect(await at.suppressed()).toEqual([[ANN, "hard_bounce"]]);
    expect((await at.api.call("DELETE", `/suppressions/email/${ANN}`)).status).toBe(204);

    for (const again of [report(address), `X-Again: 1\r\n${report(address)}`, report(address.toUpperCase(), "5.1.10")])
      expect(await hand(at, again)).toMatchObject({ status: 200, body: { received: 1, suppressed: 0 } });
    expect(await at.suppressed()).toEqual([]);
    expect((await at.events(key.reminderId)).map(({ type }) => type)).toEqual(["bounced"]);

    // The next one is another.
    await hand(at, report(returnPath("bounces@mail.example.com", await sentOne(at), BOUNCE_SECRET)));
    expect(await at.suppressed()).toEqual([[ANN, "hard_bounce"]]);
  });

  test("to any other address does nothing, nor what is soft, nor an answer of who is out of office", async () => {
    const at = await here();
    const key = await sentOne(at);
    const address = returnPath("bounces@mail.example.com", key, BOUNCE_SECRET);
    await hand(at, report("bounces@mail.example.com"));
    await hand(at, report(returnPath("bounces@mail.example.com", key, "x".repeat(32))));
    await hand(at, report(address, "5.4.4"), `?recipient=${encodeURIComponent(address)}`);
    const away = `From: ${ANN}\r\nTo: ${address}\r\nAuto-Submitted: auto-replied\r\n\r\n550 5.1.1 user unknown\r\n`;
    expect(await hand(at, away)).toMatchObject({ status: 200, body: { received: 0 } });
    expect(await at.suppressed()).toEqual([]);
  });

  test("is taken apart within bounds: what has parts without end is refused, and does nothing", async () => {
    const at = await here();
    const key = await sentOne(at);
    const address = returnPath("bounces@mail.example.com", key, BOUNCE_SECRET);
    const nested = (count: number) => "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n".repeat(count);
    expect((await hand(at, `${nested(150)}${report(address)}`)).status).toBe(400);
    // Of a report, what comes after 100,000 characters isn't read any more.
    const long = report(address).replace("Reporting-MTA", `X-Long: ${"x".repeat(100_000)}\r\nReporting-MTA`);
    expect(await hand(at, long)).toMatchObject({ status: 200, body: { suppressed: 0 } });
    expect(await at.suppressed()).toEqual([]);
  });

  test("takes a key, and mail as it is", async () => {
    const at = await here();
    const mail = { "content-type": "message/rfc822" };
    expect((await at.post("/inbound/mail", "x", mail)).status).toBe(401);
    const detail = "send the mail as it is, with the header Content-Type: message/rfc822";
    // The last but one is what curl says, if nobody says otherwise.
    for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded", "image/png"]) {
      const headers = { "content-type": type, authorization: `Bearer ${at.key}` };
      expect((await at.post("/inbound/mail", "{}", headers)).body).toMatchObject({ status: 415, detail });
    }
    expect((await at.post("/suppressions", "x", { ...mail, authorization: `Bearer ${at.key}` })).status).toBe(415);
  });
});

test.each([
  ["ses", "arn:aws:s3:::bucket"],
  ["sendgrid", "not-a-key"],
  ["mailgun", "short"],
  ["postmark", "no-colon-in-this-one-at-all"],
])("what a provider can't prove itself with is refused, and not shown (%s)", async (provider, secret) => {
  const at = await here();
  const { errors } = await at.api.refused(422, "PUT", `/inbound-sources/${provider}`, { secrets: [secret] });
  expect(errors?.[0]?.field).toBe("secrets");
  expect(JSON.stringify(errors)).not.toContain(secret);
});

test("what a provider proves itself with is changed and forgotten only as it was read, if somebody asks for that", async () => {
  const at = await here();
  const path = "/inbound-sources/mailgun";
  const first = await at.api.call("PUT", path, { secrets: ["key-0123456789abcdef"] });
  const changed = { secrets: ["key-fedcba9876543210"] };
  const tag = first.headers.get("etag") ?? "";
  expect((await at.api.call("PUT", path, changed, { "if-match": tag })).status).toBe(200);

  const late = await at.api.call("PUT", path, { secrets: ["key-another-one-0123"] }, { "if-match": tag });
  expect(late.status).toBe(412);
  expect((await at.api.call("DELETE", path, undefined, { "if-match": tag })).status).toBe(412);
  expect(await at.api.all("/inbound-sources")).toHaveLength(1);
});
