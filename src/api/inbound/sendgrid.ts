import { createPublicKey, verify } from "node:crypto";
import { feedbackOfSendGrid } from "../../channels/email/feedback/sendgrid.ts";
import { receivedOfSendGrid } from "../../channels/email/received/sendgrid.ts";
import { digestOf, isFresh, NotProved, type Provider } from "./provider.ts";

const SIGNATURE = "x-twilio-email-event-webhook-signature";
const TIMESTAMP = "x-twilio-email-event-webhook-timestamp";

/** https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features */
export const sendgrid: Provider = {
  name: "sendgrid",
  channel: "email",
  secretFlaw: (secret) =>
    keyOf(secret) ? null : "must be SendGrid's verification key: a public key in base64, MFkw...",
  async prove({ headers, bytes, secrets, now }) {
    const [signature, timestamp] = [headers[SIGNATURE], headers[TIMESTAMP]];
    if (typeof signature !== "string" || typeof timestamp !== "string" || !/^\d{1,12}$/.test(timestamp)) {
      throw new NotProved(`it needs the headers ${SIGNATURE} and ${TIMESTAMP}: switch signing on at SendGrid`);
    }
    const text = Buffer.concat([Buffer.from(timestamp), bytes]);
    const good = secrets.some((secret) => {
      const key = keyOf(secret);
      return key !== null && verify("sha256", text, key, Buffer.from(signature, "base64"));
    });
    if (!good) throw new NotProved("no key of this source has made this signature");
    if (!isFresh(Number(timestamp) * 1_000, now)) throw new NotProved("it was signed too long ago");
    // It tries again with another timestamp.
    return digestOf(bytes);
  },
  feedback: feedbackOfSendGrid,
  received: receivedOfSendGrid,
};

function keyOf(secret: string): ReturnType<typeof createPublicKey> | null {
  try {
    const key = createPublicKey({ key: Buffer.from(secret, "base64"), format: "der", type: "spki" });
    return key.asymmetricKeyType === "ec" ? key : null;
  } catch {
    return null;
  }
}
