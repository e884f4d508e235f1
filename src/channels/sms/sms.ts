import { at, textAt } from "../../core/json-fields.ts";
import { DEFAULT_TENANT } from "../../core/tenant.ts";
import type { GuardedHttp } from "../../outgoing/guarded-http.ts";
import { jsonOf } from "../../outgoing/json-answer.ts";
import { type Channel, type Message, Permanent, type Receipt, Retryable, type SendOptions } from "../channel.ts";
import { type OwnSettings, settingsFor } from "../own-settings.ts";
import { recipientOf } from "../recipient.ts";
import { render } from "../rendering.ts";
import { isServiceSid, type SmsAccount } from "./account.ts";
import { failureOf } from "./failure.ts";
import { parsePhone, phoneOf } from "./phone.ts";
import { inSmsWords, MOST_SMS_CHARS, smsText } from "./words.ts";

export interface SmsSettings {
  /** Null: only tenants with an account of their own send. */
  account: SmsAccount | null;
  /** Where Twilio's methods are, without a slash at the end. */
  apiUrl: string;
  /** Where people reach this installation, so that Twilio can tell what became of a message; null: it can't. */
  publicUrl: string | null;
  /** Messages on their way at once, from one worker. */
  concurrency: number;
  http: GuardedHttp;
  /** For the whole request and its answer, in milliseconds; default 15 s. */
  timeoutMs?: number;
  /** Asked for each message. Without it, all tenants send by the one account above. */
  own?: OwnSettings<SmsAccount> | undefined;
}

const TIMEOUT_MS = 15_000;
/** What asking the database before the request may take besides, in milliseconds. */
const BEFORE_MS = 10_000;
/** Before what a digest says stands how many there are. */
const SUBJECT_CHARS = 150;
const MAX_ANSWER_BYTES = 64 * 1024;
const SID = /^[A-Z]{2}[0-9a-fA-F]{32}$/;

const NO_ACCOUNT =
  "there is no way to send SMS: set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and SMS_FROM, or the tenant's own by " +
  "`reminder-engine channels set sms`";
const NOBODY = "nobody is addressed: give the reminder a phone number as its recipient, or its contact a phone";

/** SMS by Twilio. It doesn't know the same message again, so what may have been sent isn't sent once more. */
export function createSmsChannel(settings: SmsSettings): Channel {
  const { account: shared, apiUrl, publicUrl, concurrency, http, own, timeoutMs = TIMEOUT_MS } = settings;

  async function send(message: Message, options: SendOptions): Promise<Receipt> {
    const { tenantId } = message.reminder;
    const account = await settingsFor(tenantId, { shared, own, what: "SMS settings" });
    if (account === null) throw new Retryable(NO_ACCOUNT);
    const to = recipientOf(message, parsePhone);
    if (to === null) throw new Permanent(NOBODY);
    const { accountSid, authToken, from } = account;
    // With an account that tenants share, none of them has what its callbacks are signed with.
    const isItsOwn = account !== shared || tenantId === DEFAULT_TENANT;
    const callback = publicUrl === null || !isItsOwn ? {} : { StatusCallback: callbackUrl(publicUrl, message) };
    const sender: Record<string, string> = isServiceSid(from) ? { MessagingServiceSid: from } : { From: from };
    const body = new URLSearchParams({ To: to, ...sender, Body: smsText(render(message)), ...callback }).toString();
    const outcome = await http.request({
      method: "POST",
      url: `${apiUrl}/2010-04-01/Accounts/${accountSid}/Messages.json`,
      headers: {
        authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body,
      beforeSend: options.beforeSend,
      ...{ signal: options.signal, timeoutMs, maxResponseBytes: MAX_ANSWER_BYTES, need: "status" },
    });
    const said = outcome.ok ? jsonOf(outcome) : null;
    if (!outcome.ok || outcome.status < 200 || outcome.status > 299) {
      const code = at(said, "code");
      throw failureOf(outcome, typeof code === "number" ? code : null);
    }
    const sid = textAt(said, "sid") ?? "";
    return { providerId: SID.test(sid) ? sid : null, demo: false };
  }

  return {
    name: "sms",
    isAtMostOnce: true,
    concurrency,
    maxDigestChars: MOST_SMS_CHARS - SUBJECT_CHARS,
    digestLength: (text) => inSmsWords(text).length,
    timeoutMs: timeoutMs + BEFORE_MS,
    addressType: "tel",
    parseRecipient: parsePhone,
    address: ({ phone }) => phoneOf(phone),
    send,
    async close() {},
  };
}

/** Signed by Twilio as a whole, so that the delivery that it names is the one that we named. */
function callbackUrl(publicUrl: string, { reminder, idempotencyKey }: Message): string {
  return `${publicUrl}/inbound/${encodeURIComponent(reminder.tenantId)}/twilio?delivery=${encodeURIComponent(idempotencyKey)}`;
}
