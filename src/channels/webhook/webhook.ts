import type { GuardedHttp } from "../../outgoing/guarded-http.ts";
import type { Answer, Failure } from "../../outgoing/outcome.ts";
import { bareSecret, signedHeaders } from "../../outgoing/standard-webhooks.ts";
import { urlMistake } from "../../outgoing/target.ts";
import {
  type Channel,
  InvalidRecipient,
  type Message,
  Permanent,
  type Receipt,
  Retryable,
  type SendOptions,
} from "../channel.ts";
import { type OwnSettings, settingsFor } from "../own-settings.ts";
import { printable } from "../printable.ts";
import { recipientOf } from "../recipient.ts";
import { render } from "../rendering.ts";
import { type Came, SlowReceivers, type Where } from "../slow-receivers.ts";
import { webhookBody, webhookId } from "./body.ts";
import { failureOf } from "./failure.ts";
import type { Signing } from "./signing.ts";

export interface WebhookSettings {
  signing: Signing;
  /** Webhooks on their way at once, from one worker. */
  concurrency: number;
  http: GuardedHttp;
  /** Why requests to a URL will be refused, where that is certain; not set: it is tried. */
  refusesUrl?: (url: string) => string | null;
  /** Gets what receivers answer, which only the operator may see. */
  log: { debug(fields: object, sentence: string): void };
  /** For the whole request and its answer, in milliseconds; default 20 s. */
  timeoutMs?: number;
  /** Asked for each message. Without it, all tenants sign with the secrets above. */
  own?: OwnSettings<Signing> | undefined;
}

const TIMEOUT_MS = 20_000;
/** What asking the database before the request may take besides, in milliseconds. */
const BEFORE_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** Of its places a quarter goes at once to whoever hasn't answered lately, but no fewer. */
const LEAST_AT_FIRST = 2;
const LONGEST_SHOWN_CHARS = 500;

const [MINUTE, HOUR] = [60, 3_600];
/** As Standard Webhooks has it: at once, and then for about three days. */
const RETRIES = {
  waitsSeconds: [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR],
  capSeconds: 24 * HOUR,
};

/** A signed POST to a URL (https://www.standardwebhooks.com): the recipient is where. */
export function createWebhookChannel(settings: WebhookSettings): Channel {
  const { signing, concurrency, http, refusesUrl, log, own, timeoutMs = TIMEOUT_MS } = settings;
  const slow = new SlowReceivers("webhooks", Math.max(LEAST_AT_FIRST, Math.ceil(concurrency / 4)));

  async function send(message: Message, options: SendOptions): Promise<Receipt> {
    const { tenantId } = message.reminder;
    const to = receiverOf(message);
    const { url, host } = to;
    const { secrets } = await settingsFor(tenantId, { shared: signing, own, what: "webhook settings" });
    if (secrets.length === 0) throw new Retryable(NO_SECRET);
    const body = webhookBody(message, render(message));
    const leave = slow.enter({ ...to, tenantId });
    let came: Came = null;
    try {
      await options.beforeSend?.();
      const beganAtMs = performance.now();
      const head = { id: webhookId(message), timestamp: String(Math.floor(message.attemptedAt / 1_000)) };
      const outcome = await http.request({
        method: "POST",
        url,
        headers: { "content-type": "application/json", ...signedHeaders(secrets, head, body) },
        body,
        signal: options.signal,
        beforeSend: options.beforeSend,
        timeoutMs,
        maxResponseBytes: MAX_ANSWER_BYTES,
        need: "status",
      });
      came = { tookMs: performance.now() - beganAtMs, isAnswered: outcome.ok };
      note(message, outcome, secrets);
      const failure = failureOf(outcome, host);
      if (failure) throw failure;
      return { providerId: null, demo: false };
    } finally {
      leave(came);
    }
  }

  function note(message: Message, outcome: Answer | Failure, secrets: readonly string[]): void {
    if (!outcome.ok) return;
    const { idempotencyKey: delivery, reminder } = message;
    // A receiver that has the secret may send it back, as it stands or without its prefix.
    const text = secrets.reduce((all, secret) => all.replaceAll(bareSecret(secret), "***"), outcome.body.toString());
    const answer = printable(text.slice(0, LONGEST_SHOWN_CHARS));
    log.debug({ delivery, tenant: reminder.tenantId, status: outcome.status, answer }, "a webhook was answered");
  }

  return {
    name: "webhook",
    concurrency,
    timeoutMs: timeoutMs + BEFORE_MS,
    isForPrograms: true,
    retries: RETRIES,
    parseRecipient: (text) => {
      const url = parseUrl(text);
      const why = refusesUrl?.(url) ?? null;
      if (why !== null) throw new InvalidRecipient(`must be a URL that requests may go to: ${why}`);
      return url;
    },
    address: () => null,
    mayBegin: ({ recipient, tenantId }) => {
      const to = readable(recipient);
      if (to) slow.check({ ...to, tenantId });
    },
    send,
    async close() {},
  };
}

const NO_SECRET =
  "there is no secret to sign webhooks with: set WEBHOOK_SECRET, or the tenant's own by `reminder-engine channels set webhook`";

/** The URL as it is requested; what comes after a # is the reader's, and is never sent. */
function parseUrl(text: string): string {
  const mistake = urlMistake(text.trim());
  if (mistake !== null) throw new InvalidRecipient(`must be a URL like https://example.com/hooks: ${mistake}`);
  const url = new URL(text.trim());
  url.hash = "";
  return url.href;
}

function receiverOf(message: Message): Receiver {
  const url = recipientOf(message, parseUrl);
  if (url === null) throw new Permanent("the reminder has no recipient: a webhook needs the URL that it goes to");
  return toReceiver(url);
}

type Receiver = Omit<Where, "tenantId">;

function toReceiver(url: string): Receiver {
  const { origin, host } = new URL(url);
  return { url, origin, host };
}

/** Null for what can't be read, of which sending tells. */
function readable(recipient: string | null): Receiver | null {
  try {
    return recipient === null ? null : toReceiver(parseUrl(recipient));
  } catch {
    return null;
  }
}
