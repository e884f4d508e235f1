import { type KeyObject, verify, X509Certificate } from "node:crypto";
import type { Feedback } from "../../channels/email/feedback/feedback.ts";
import { feedbackOfSes } from "../../channels/email/feedback/ses.ts";
import { receivedOfSes } from "../../channels/email/received/ses.ts";
import { textAt } from "../../core/json-fields.ts";
import { Memory } from "../access/memory.ts";
import { CannotProve, isFresh, NotProved, type Provider, type Shown } from "./provider.ts";

const TOPIC = /^arn:aws[a-z-]{0,10}:sns:[a-z0-9-]{1,30}:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$/;
/** Where Amazon keeps the keys of its signatures, and answers a confirmation: nobody else can have a host of this name. */
const HOST = /^sns\.[a-z0-9-]{1,30}\.amazonaws\.com(\.cn)?$/;
const CERTIFICATE = /^\/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem$/;
const MOST_CERTIFICATE_BYTES = 16 * 1024;
const TIMEOUT_MS = 5_000;
const MOST_KEYS = 100;

const FIELDS = {
  Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
  SubscriptionConfirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
  UnsubscribeConfirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
} as const;

/** By what SNS calls the version of a signature. */
const ALGORITHMS = new Map([
  ["1", "sha1"],
  ["2", "sha256"],
]);

/** Keys by the address of their certificate. */
const keys = new Memory<KeyObject>(MOST_KEYS);

/** By Amazon SNS. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html */
export const ses: Provider = {
  name: "ses",
  channel: "email",
  secretFlaw: (secret) =>
    TOPIC.test(secret) ? null : "must be the ARN of an SNS topic, like arn:aws:sns:eu-west-1:123456789012:bounces",
  async prove({ body, secrets, now, http }) {
    const topic = textAt(body, "TopicArn");
    const id = textAt(body, "MessageId");
    const at = Date.parse(textAt(body, "Timestamp") ?? "");
    if (topic === null || id === null || id.length > 200 || Number.isNaN(at))
      throw new NotProved("it is no message of SNS");
    if (!secrets.includes(topic)) throw new NotProved("it is of a topic that this source doesn't have");
    const key = await keyAt(textAt(body, "SigningCertURL") ?? "", http);
    const algorithm = ALGORITHMS.get(textAt(body, "SignatureVersion") ?? "");
    if (algorithm === undefined) throw new NotProved("it is signed in a way that nobody knows");
    const signature = Buffer.from(textAt(body, "Signature") ?? "", "base64");
    if (!verify(algorithm, Buffer.from(signedText(body)), key, signature)) {
      throw new NotProved("its signature isn't that of SNS over this message");
    }
    if (!isFresh(at, now)) throw new NotProved("it was signed too long ago");
    return id;
  },
  feedback: (body): Feedback[] => feedbackOfSes(messageIn(body)),
  received: (body) => receivedOfSes(messageIn(body)),
  confirmationUrl(body) {
    if (textAt(body, "Type") !== "SubscriptionConfirmation") return null;
    const url = urlAt(textAt(body, "SubscribeURL") ?? "");
    return url?.searchParams.get("Action") === "ConfirmSubscription" ? url.href : null;
  },
};

/** What SES says; null where it says nothing, or greets people, as it does when it is set up. */
function messageIn(body: unknown): unknown {
  if (textAt(body, "Type") !== "Notification") return null;
  try {
    return JSON.parse(textAt(body, "Message") ?? "");
  } catch {
    return null;
  }
}

async function keyAt(address: string, http: Shown["http"]): Promise<KeyObject> {
  const url = urlAt(address);
  if (!url || !CERTIFICATE.test(url.pathname) || url.search !== "") {
    throw new NotProved("its SigningCertURL isn't one of Amazon's");
  }
  const known = keys.get(url.href);
  if (known) return known;
  if (http === null) throw new CannotProve("nothing can be got from Amazon here");
  const answer = await http.request({
    ...{ method: "GET", url: url.href, timeoutMs: TIMEOUT_MS, maxResponseBytes: MOST_CERTIFICATE_BYTES },
  });
  if (!answer.ok || answer.status !== 200) throw new CannotProve("the certificate of its signature can't be got");
  try {
    const { publicKey } = new X509Certificate(answer.body);
    keys.set(url.href, publicKey);
    return publicKey;
  } catch {
    throw new CannotProve("the certificate of its signature can't be read");
  }
}

function urlAt(address: string): URL | null {
  const url = URL.canParse(address) ? new URL(address) : null;
  const isPlain = url?.protocol === "https:" && url.port === "" && url.username === "" && url.password === "";
  return isPlain && HOST.test(url.hostname) ? url : null;
}

/** Its fields in the order of their names, each as a line with its name and one with its value; a Subject only if there is one. */
function signedText(body: unknown): string {
  const type = textAt(body, "Type") ?? "";
  if (!Object.hasOwn(FIELDS, type)) throw new NotProved("it is no message of SNS");
  return FIELDS[type as keyof typeof FIELDS]
    .flatMap((name) => {
      const value = textAt(body, name);
      return value === null ? [] : `${name}\n${value}\n`;
    })
    .join("");
}
