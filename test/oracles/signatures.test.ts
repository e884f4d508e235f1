import { createPublicKey, createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer, globalAgent } from "node:https";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { NotProved, type Provider, type Shown } from "../../src/api/inbound/provider.ts";
import { sendgrid } from "../../src/api/inbound/sendgrid.ts";
import { ses } from "../../src/api/inbound/ses.ts";
import { flawOfSlackSignature } from "../../src/api/inbound/slack/signature.ts";
import { listenOnLoopback } from "../support/loopback.ts";
import { certificate, certificateKey } from "../support/smtp.ts";

// What providers' own libraries take for signed, and what they don't, is what we do.

const require = createRequire(import.meta.url);

interface EventWebhook {
  convertPublicKeyToECDSA(key: string): unknown;
  verifySignature(key: unknown, payload: string, signature: string, timestamp: string): boolean;
}
const { EventWebhook } = require("@sendgrid/eventwebhook") as { EventWebhook: new () => EventWebhook };

interface SnsValidator {
  validate(message: object, told: (error: Error | null) => void): void;
}
const SnsValidator = require("sns-validator") as new (host: RegExp, encoding: string) => SnsValidator;

async function isProved(provider: Provider, shown: Partial<Shown>): Promise<boolean> {
  const nothing = {
    headers: {},
    bytes: Buffer.alloc(0),
    body: null,
    url: null,
    secrets: [],
    now: Date.now(),
    http: null,
  };
  try {
    await provider.prove({ ...nothing, ...shown });
    return true;
  } catch (error) {
    if (error instanceof NotProved) return false;
    throw error;
  }
}

describe("SendGrid", () => {
  const pairs = [0, 1].map(() => generateKeyPairSync("ec", { namedCurve: "P-256" }));
  const [mine, others] = pairs.map(({ privateKey }) => privateKey);
  const key = createPublicKey(mine as never)
    .export({ type: "spki", format: "der" })
    .toString("base64");
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const body = '[{"email":"ann@example.com","event":"bounce","reason":"550 ü ✓"}]\r\n';
  const sign = (text: string, by = mine) =>
    createSign("sha256")
      .update(text)
      .sign(by as never, "base64");
  const signature = sign(`${timestamp}${body}`);

  test.each([
    ["as it is", body, signature, timestamp, true],
    ["another body", body.replace("ann", "bob"), signature, timestamp, false],
    ["a space more", `${body} `, signature, timestamp, false],
    ["another time", body, signature, String(Number(timestamp) - 1), false],
    ["a time that is written otherwise", body, signature, `0${timestamp}`, false],
    ["the signature of another key", body, sign(`${timestamp}${body}`, others), timestamp, false],
    ["a signature over the body alone", body, sign(body), timestamp, false],
  ])("%s", async (_what, text, signed, at, isGood) => {
    const library = new EventWebhook();
    expect(library.verifySignature(library.convertPublicKeyToECDSA(key), text, signed, at)).toBe(isGood);
    const headers = {
      "x-twilio-email-event-webhook-signature": signed,
      "x-twilio-email-event-webhook-timestamp": at,
    };
    expect(await isProved(sendgrid, { headers, bytes: Buffer.from(text), secrets: [key] })).toBe(isGood);
  });
});

describe("Amazon SNS", () => {
  const TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces";
  const CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem";
  const NOTIFICATION = { Type: "Notification", Message: '{"notificationType":"Bounce"}' };
  const CONFIRMATION = {
    ...{ Type: "SubscriptionConfirmation", Message: "You have chosen to subscribe", Token: "2336412f37" },
    SubscribeURL: `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=2336412f37`,
  };
  const http: Shown["http"] = {
    request: async () => ({ ok: true, status: 200, headers: {}, body: Buffer.from(certificate), isWhole: true }),
  };

  /** Signed as its documentation says. */
  function signed(fields: Record<string, string>, version: string): Record<string, string> {
    const message: Record<string, string> = {
      ...{ MessageId: randomUUID(), TopicArn: TOPIC, Timestamp: new Date().toISOString() },
      ...fields,
    };
    const text = Object.keys(message)
      .sort()
      .map((name) => `${name}\n${message[name]}\n`)
      .join("");
    const Signature = createSign(version === "1" ? "sha1" : "sha256")
      .update(text)
      .sign(certificateKey, "base64");
    return { ...message, SignatureVersion: version, Signature };
  }

  /** What Amazon's library says of it. It gets the certificate by itself: here from a server on loopback. */
  async function isValid(message: Record<string, string>): Promise<boolean> {
    const sockets = new Set<Socket>();
    const server = createServer({ cert: certificate, key: certificateKey }, (_request, response) =>
      response.end(certificate),
    );
    server.on("connection", (socket: Socket) => sockets.add(socket));
    const port = await listenOnLoopback(server, sockets);
    const before = globalAgent.options.ca;
    globalAgent.options.ca = certificate;
    onTestFinished(() => {
      globalAgent.options.ca = before;
    });
    const validator = new SnsValidator(/^localhost:\d+$/, "utf8");
    const SigningCertURL = `https://localhost:${port}/a.pem`;
    return await new Promise((resolve) => {
      validator.validate({ ...message, SigningCertURL }, (error) => resolve(error === null));
    });
  }

  const isBelieved = (message: Record<string, string>): Promise<boolean> =>
    isProved(ses, { body: { ...message, SigningCertURL: CERTIFICATE }, secrets: [TOPIC], http });

  const cases = [NOTIFICATION, { ...NOTIFICATION, Subject: "Amazon SES" }, CONFIRMATION].flatMap((fields) =>
    ["1", "2"].map((version) => ({ fields, version })),
  );
  test.each(cases)("$fields.Type, version $version: as it is, and with each of its fields changed", async (one) => {
    const message = signed(one.fields, one.version);
    expect([await isValid(message), await isBelieved(message)]).toEqual([true, true]);
    for (const name of Object.keys(one.fields).concat("MessageId", "Timestamp", "SignatureVersion")) {
      const value =
        name === "Type" ? "UnsubscribeConfirmation" : name === "SignatureVersion" ? "1" : `${message[name]}`;
      const changed = { ...message, [name]: value === message[name] ? value.replace(/.$/, "0") : value };
      if (changed[name] === message[name]) continue;
      expect([name, await isValid(changed), await isBelieved(changed)]).toEqual([name, false, false]);
    }
  });
});

test("Slack: the example of its documentation", () => {
  const body =
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar" +
    "&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=" +
    "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN" +
    "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
  const headers = {
    "x-slack-request-timestamp": "1531420618",
    "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
  };
  const secret = "8f742231b10e8888abcd99yyyzzz85a5";
  const flaw = (bytes: Buffer, seconds = 1_531_420_618) =>
    flawOfSlackSignature({ headers, bytes }, secret, seconds * 1_000);
  expect(flaw(Buffer.from(body))).toBeNull();
  expect(flaw(Buffer.from(`${body}&`))).toMatch(/has not made this signature/);
  expect(flaw(Buffer.from(body), 1_531_420_618 + 301)).toMatch(/more than 5 minutes ago/);
});
