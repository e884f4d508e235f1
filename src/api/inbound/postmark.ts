import { feedbackOfPostmark } from "../../channels/email/feedback/postmark.ts";
import { receivedOfPostmark } from "../../channels/email/received/postmark.ts";
import { digestOf, flawOfSecret, isSame, NotProved, type Provider } from "./provider.ts";

const WHAT = "a user name, a colon and a password of one's own, as they are set at Postmark";

/** It doesn't sign: it logs in. https://postmarkapp.com/developer/webhooks/webhooks-overview#protecting-your-webhook */
export const postmark: Provider = {
  name: "postmark",
  channel: "email",
  secretFlaw: (secret) => (/^[^:]+:.+$/.test(secret) ? flawOfSecret(secret, WHAT) : `must be ${WHAT}`),
  async prove({ headers, bytes, secrets }) {
    const [, credentials] = /^basic +([A-Za-z0-9+/=]{1,1000})$/i.exec(headers.authorization ?? "") ?? [];
    if (credentials === undefined) throw new NotProved("it needs a user name and a password (basic authentication)");
    const given = Buffer.from(credentials, "base64").toString();
    if (!secrets.map((secret) => isSame(secret, given)).includes(true)) {
      throw new NotProved("user name and password are none of this source");
    }
    return digestOf(bytes);
  },
  feedback: feedbackOfPostmark,
  received: receivedOfPostmark,
};
