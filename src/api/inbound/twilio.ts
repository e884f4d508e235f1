import { createHmac } from "node:crypto";
import { feedbackOfTwilio } from "../../channels/sms/feedback.ts";
import { digestOf, flawOfSecret, isSame, NotProved, type Provider } from "./provider.ts";

const SIGNATURE = "x-twilio-signature";

/** https://www.twilio.com/docs/usage/security#validating-requests */
export const twilio: Provider = {
  name: "twilio",
  channel: "sms",
  wantsNoAnswer: true,
  secretFlaw: (secret) => flawOfSecret(secret, "the auth token of the account at Twilio"),
  async prove({ headers, bytes, url, secrets }) {
    const signature = headers[SIGNATURE];
    if (typeof signature !== "string") throw new NotProved(`there is no ${SIGNATURE} header`);
    if (url === null) throw new NotProved("PUBLIC_URL isn't set: it is a part of what Twilio signs");
    const fields = [...new URLSearchParams(bytes.toString())];
    const good = secrets.map((token) => isSame(signatureOf(token, url, fields), signature));
    if (!good.includes(true))
      throw new NotProved("no auth token of this source has made this signature for PUBLIC_URL");
    // Twilio says nothing of when. What has come in the last days under this signature, however its fields are written, does nothing more.
    return digestOf(signature);
  },
  feedback: feedbackOfTwilio,
};

/** Of the URL as Twilio has it, and all fields in order of their names. */
export function signatureOf(token: string, url: string, fields: readonly (readonly [string, string])[]): string {
  const sorted = [...fields].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const signed = url + sorted.map(([name, value]) => name + value).join("");
  return createHmac("sha1", token).update(signed).digest("base64");
}
