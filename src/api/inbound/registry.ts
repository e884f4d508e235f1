import { mailgun } from "./mailgun.ts";
import { postmark } from "./postmark.ts";
import type { Provider } from "./provider.ts";
import { sendgrid } from "./sendgrid.ts";
import { ses } from "./ses.ts";
import { twilio } from "./twilio.ts";

/** Every provider that is understood. A new one is a file of its own and a line here. */
export const PROVIDERS: ReadonlyMap<string, Provider> = new Map(
  [ses, sendgrid, mailgun, postmark, twilio].map((provider) => [provider.name, provider]),
);

export const PROVIDER_NAMES = ["ses", "sendgrid", "mailgun", "postmark", "twilio"] as const;
