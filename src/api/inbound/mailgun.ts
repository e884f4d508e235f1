import { createHmac } from "node:crypto";
import { feedbackOfMailgun } from "../../channels/email/feedback/mailgun.ts";
import { receivedOfMailgun } from "../../channels/email/received/mailgun.ts";
import { textAt } from "../../core/json-fields.ts";
import { flawOfSecret, isFresh, isSame, NotProved, type Provider } from "./provider.ts";

/** https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks */
export const mailgun: Provider = {
  name: "mailgun",
  channel: "email",
  signsNoBody: true,
  secretFlaw: (secret) => flawOfSecret(secret, "Mailgun's HTTP webhook signing key"),
  async prove({ body, secrets, now }) {
    // A mail that it forwards is a form, with these beside its other fields.
    const [timestamp, token, signature] = ["timestamp", "token", "signature"].map(
      (name) => textAt(body, "signature", name) ?? textAt(body, name),
    );
    if (!timestamp || !token || !signature || !/^\d{1,12}$/.test(timestamp) || token.length > 200) {
      throw new NotProved("the body has no signature of Mailgun's: a timestamp, a token and a signature");
    }
    const good = secrets.map((key) =>
      isSame(createHmac("sha256", key).update(`${timestamp}${token}`).digest("hex"), signature),
    );
    if (!good.includes(true)) throw new NotProved("no key of this source has made this signature");
    if (!isFresh(Number(timestamp) * 1_000, now)) throw new NotProved("it was signed too long ago");
    return token;
  },
  feedback: feedbackOfMailgun,
  received: receivedOfMailgun,
};
