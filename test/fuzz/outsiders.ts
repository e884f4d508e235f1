import { createHmac, createSign, generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { signatureOf } from "../../src/api/inbound/twilio.ts";
import { replyAddress, returnPath } from "../../src/channels/email/return-path.ts";
import { readDeliveryId } from "../../src/core/reminder.ts";
import { signedHeaders } from "../../src/outgoing/standard-webhooks.ts";
import { DELIVERY, REPLY_TO, RETURN_PATH } from "./mails.ts";
import type { Actor } from "./play.ts";
import type { Teller, Told } from "./told.ts";
import type { WireRequest } from "./wire.ts";

/** With what a service takes what outsiders tell: give it to `startService`. */
export const OUTSIDE = {
  PUBLIC_URL: "https://reminders.example",
  BOUNCE_ADDRESS: "bounces@reminders.example",
  REPLY_ADDRESS: "replies@reminders.example",
  BOUNCE_SECRET: "the-fuzzer-signs-addresses-with-it",
  SLACK_BOT_TOKEN: "xoxb-1111111111-2222222222-AbCdEfGhIjKl",
  SLACK_SIGNING_SECRET: "8f742231b10e8888abcd99a0b0c0d85a",
  // Nobody is there.
  SLACK_API_URL: "http://127.0.0.1:1/api/",
};

const KEYS = generateKeyPairSync("ec", { namedCurve: "P-256" });
const TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces";
export const CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-fuzz.pem";
const SECRETS = {
  sendgrid: KEYS.publicKey.export({ type: "spki", format: "der" }).toString("base64"),
  mailgun: "key-0123456789abcdef",
  postmark: "postmark:a-long-password",
  ses: TOPIC,
  twilio: "auth-token-0123456789",
};
const SOURCE = "fuzz-signed";
const SOURCE_SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

/** Providers and senders that every tenant has set up, and what they prove themselves with. */
export class Outsiders {
  readonly tellers: readonly Teller[];
  readonly #actors: readonly Actor[];
  readonly #snsKey: KeyObject | null;
  /** Ids of messages that were sent before anything is told of them. */
  readonly deliveries: string[] = [];

  private constructor(actors: readonly Actor[], snsKey: KeyObject | null) {
    this.#actors = actors;
    this.#snsKey = snsKey;
    const tellers: Teller[] = ["sendgrid", "mailgun", "postmark", "twilio", "slack", "source", "mail"];
    this.tellers = snsKey ? [...tellers, "ses"] : tellers;
  }

  /**
   * Sets them up for each tenant by the first of its keys, which must be granted everything. `snsKey`: of the certificate that the service
   * gets from `CERTIFICATE_URL`; without it nothing comes from Amazon. `sends`: whether messages are sent first, of which they tell.
   */
  static async setUp(
    url: string,
    actors: readonly Actor[],
    { snsKey = null, sends = true }: { snsKey?: KeyObject | null; sends?: boolean } = {},
  ): Promise<Outsiders> {
    const firsts = actors.filter(
      ({ tenant }, at) => tenant !== "-" && actors.findIndex((one) => one.tenant === tenant) === at,
    );
    const outsiders = new Outsiders(firsts, snsKey);
    await outsiders.renew(url);
    if (sends) for (const actor of firsts) outsiders.deliveries.push(...(await sentFor(url, actor)));
    return outsiders;
  }

  /** Once more: whoever is let in may change or delete what they prove themselves with. */
  async renew(url: string): Promise<void> {
    const sources = Object.entries(SECRETS).map(([name, secret]) => [`/inbound-sources/${name}`, secret] as const);
    for (const { headers } of this.#actors) {
      for (const [path, secret] of [...sources, [`/event-sources/${SOURCE}`, SOURCE_SECRET] as const]) {
        const body = JSON.stringify({ secrets: [secret] });
        const response = await fetch(`${url}${path}`, {
          method: "PUT",
          headers: { ...headers, "content-type": "application/json" },
          body,
        });
        // Where there are limits, whoever asks most meets them; then it is as others have left it.
        if (response.status === 429) continue;
        if (!response.ok) throw new Error(`${path} can't be set up: ${response.status} ${await response.text()}`);
      }
    }
  }

  /** The request that brings this, signed as whoever tells it does. `delivery`: which one it speaks of. */
  request({ by, tenant: at, body: said, type, query }: Told, delivery: string): WireRequest {
    const { tenant, headers } = this.#actors[at % this.#actors.length] as Actor;
    const own = filledIn(said, delivery);
    const target = (path: string) => `${path}${query.replaceAll(DELIVERY, delivery)}`;
    const json = (text: string, more: Record<string, string> = {}) => ({
      method: "POST",
      target: target(`/inbound/${tenant}/${by}`),
      headers: { "content-type": type ?? "application/json", ...more },
      body: Buffer.from(text, "latin1"),
    });
    const seconds = String(Math.floor(Date.now() / 1_000));
    switch (by) {
      case "sendgrid": {
        const bytes = Buffer.concat([Buffer.from(seconds), Buffer.from(own, "latin1")]);
        const signature = createSign("sha256").update(bytes).sign(KEYS.privateKey, "base64");
        return json(own, {
          "x-twilio-email-event-webhook-timestamp": seconds,
          "x-twilio-email-event-webhook-signature": signature,
        });
      }
      case "mailgun":
        return json(signedByMailgun(own, type !== null, seconds));
      case "postmark":
        return json(own, { authorization: `Basic ${Buffer.from(SECRETS.postmark).toString("base64")}` });
      case "ses":
        return { ...json(this.#signedBySns(own)), headers: { "content-type": "text/plain; charset=UTF-8" } };
      case "twilio": {
        const url = `${OUTSIDE.PUBLIC_URL}${target(`/inbound/${tenant}/twilio`)}`;
        const signature = signatureOf(SECRETS.twilio, url, [...new URLSearchParams(own)]);
        return json(own, { "x-twilio-signature": signature });
      }
      case "slack": {
        const form = `payload=${encodeURIComponent(Buffer.from(own, "latin1").toString())}`;
        const mac = createHmac("sha256", OUTSIDE.SLACK_SIGNING_SECRET).update(`v0:${seconds}:${form}`).digest("hex");
        return {
          method: "POST",
          target: "/inbound/slack",
          headers: {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": seconds,
            "x-slack-signature": `v0=${mac}`,
          },
          body: Buffer.from(form),
        };
      }
      case "source": {
        const body = Buffer.from(own, "latin1");
        const signed = signedHeaders([SOURCE_SECRET], { id: randomUUID(), timestamp: seconds }, body);
        const about = { "content-type": "application/json", ...signed };
        return { method: "POST", target: `/events/${tenant}/${SOURCE}`, headers: about, body };
      }
      case "mail":
        return {
          method: "POST",
          target: "/inbound/mail",
          headers: { ...headers, "content-type": "message/rfc822" },
          body: Buffer.from(own, "latin1"),
        };
    }
  }

  #signedBySns(message: string): string {
    const said: Record<string, string> = {
      ...{ Message: Buffer.from(message, "latin1").toString(), MessageId: randomUUID() },
      ...{ Timestamp: new Date().toISOString(), TopicArn: TOPIC, Type: "Notification" },
    };
    const text = Object.entries(said).map(([name, value]) => `${name}\n${value}\n`);
    const signature = createSign("sha256")
      .update(text.join(""))
      .sign(this.#snsKey as KeyObject, "base64");
    const about = { SigningCertURL: CERTIFICATE_URL, SignatureVersion: "2", Signature: signature };
    return Buffer.from(JSON.stringify({ ...about, ...said })).toString("latin1");
  }
}

const MOST_REMINDERS = 8;
const SENT_WITHIN_MS = 30_000;

/** Has messages sent, and returns their ids. */
async function sentFor(url: string, { headers }: Actor): Promise<string[]> {
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...headers, ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return await response.json();
  };
  const made = await Promise.all(
    Array.from({ length: MOST_REMINDERS }, async (_, number) => {
      const about = { entity_type: "outside", entity_id: String(number), event_type: "told", channel: "email" };
      const when = { schedule_type: "recurring", interval_minutes: 60, run_at: "2026-01-01T00:00:00Z" };
      const until = { stop_condition_type: "db_check", stop_condition_value: `outside:${number}` };
      return (await call("POST", "/reminders/", { ...about, ...when, ...until, recipient: "ann@example.org" })) as {
        id: number;
      };
    }),
  );
  const giveUpAt = Date.now() + SENT_WITHIN_MS;
  const idOf = async ({ id }: { id: number }): Promise<string> => {
    for (;;) {
      const [one] = (await call("GET", `/reminders/${id}/deliveries`)) as { id: string; status: string }[];
      if (one?.status === "sent") return one.id;
      if (Date.now() > giveUpAt) throw new Error(`reminder ${id} isn't sent`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  return Promise.all(made.map(idOf));
}

/** With addresses of ours, and the delivery's own id, in the places of what stands for them. */
function filledIn(body: string, delivery: string): string {
  const key = readDeliveryId(delivery);
  if (key === null) return body;
  const { BOUNCE_ADDRESS, REPLY_ADDRESS, BOUNCE_SECRET } = OUTSIDE;
  return body
    .replaceAll(RETURN_PATH, returnPath(BOUNCE_ADDRESS, key, BOUNCE_SECRET))
    .replaceAll(REPLY_TO, replyAddress(REPLY_ADDRESS, key, BOUNCE_SECRET))
    .replaceAll(DELIVERY, delivery);
}

/** It signs a token, and not what it says: in its JSON, or in the form that brings a mail. */
function signedByMailgun(body: string, isForm: boolean, timestamp: string): string {
  const token = randomUUID();
  const signature = createHmac("sha256", SECRETS.mailgun).update(`${timestamp}${token}`).digest("hex");
  const fields = { timestamp, token, signature };
  if (isForm) {
    const parts = Object.entries(fields).map(
      ([name, value]) => `--f\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    );
    return parts.join("") + body;
  }
  return body.startsWith("{")
    ? `{"signature":${JSON.stringify(fields)}${body === "{}" ? "" : ","}${body.slice(1)}`
    : body;
}
