import { tellsSecret } from "../../core/secret-forms.ts";
import type { GuardedHttp } from "../../outgoing/guarded-http.ts";
import {
  type Channel,
  type DoneMessage,
  type Message,
  NotYet,
  Permanent,
  type Receipt,
  Retryable,
  type SendOptions,
} from "../channel.ts";
import { type OwnSettings, settingsFor } from "../own-settings.ts";
import { recipientOf } from "../recipient.ts";
import { render } from "../rendering.ts";
import { Turns } from "../turns.ts";
import type { BotAccount, SlackAccount } from "./account.ts";
import { MAX_BODY_CHARS, type SlackContent, slackContent, slackLength } from "./blocks.ts";
import { doneContent } from "./done.ts";
import { CANT_BE_CHANGED, LOST_THREAD, refusal } from "./failure.ts";
import { postToWebhook } from "./incoming-webhook.ts";
import { People } from "./people.ts";
import { parseSlackRecipient, readRecipient } from "./recipient.ts";
import { providerId, readPosted, readThread, toBeMarked } from "./thread.ts";
import { type Posted, postMessage, SlackRefused, type SlackWay, updateMessage } from "./web-api.ts";

export interface SlackSettings {
  /** Null: only tenants with an account of their own send. */
  account: SlackAccount | null;
  /** Where Slack's methods are; ends with a slash. */
  apiUrl: string;
  /** Messages on their way at once, from one worker. */
  concurrency: number;
  http: GuardedHttp;
  /** The provider's id of the newest message that a reminder sent to this recipient; null where there is none. */
  lastSent?: (reminderId: number, recipient: string) => Promise<string | null>;
  /** For each request, in milliseconds; default 15 s. */
  timeoutMs?: number;
  /** Asked for each message. Without it, all tenants send by the one account above. */
  own?: OwnSettings<SlackAccount> | undefined;
}

const TIMEOUT_MS = 15_000;
/** For each channel (https://docs.slack.dev/apis/web-api/rate-limits). */
const EVERY_MS = 1_000;
/** Slack takes 50 changes of messages a minute for a workspace. */
const CHANGE_EVERY_MS = 1_200;
/** Of changes, which hold up nobody and can be made again. */
const CHANGE_TIMEOUT_MS = 5_000;
/** Looking the recipient up, a lost thread, and asking the database, besides the post itself. */
const REQUESTS = 3;

const NO_ACCOUNT =
  "there is no way to Slack: set SLACK_BOT_TOKEN or SLACK_WEBHOOK_URL, or the tenant's own by `reminder-engine channels set slack`";

/** Messages in Slack, by a bot in channels and to people, repeats in the thread of the first; or by an incoming webhook. */
export function createSlackChannel(settings: SlackSettings): Channel {
  const { account: shared, apiUrl, concurrency, http, lastSent, own, timeoutMs = TIMEOUT_MS } = settings;
  const way: SlackWay = { http, apiUrl, timeoutMs };
  const people = new People(way);
  const turns = new Turns(EVERY_MS, "one message a second to a channel of Slack");
  const changes = new Turns(CHANGE_EVERY_MS, "one change in 1.2 s to messages in Slack");

  async function send(message: Message, options: SendOptions): Promise<Receipt> {
    const account = await settingsFor(message.reminder.tenantId, { shared, own, what: "Slack settings" });
    if (account === null) throw new Retryable(NO_ACCOUNT);
    const canBePressed = account.via === "bot" && account.signingSecret != null;
    const content = slackContent(canBePressed ? message : { ...message, buttons: null }, render(message));
    const sent =
      account.via === "bot"
        ? await sendAsBot(account, message, content, options)
        : await sendByWebhook(account.url, message, content, options);
    return { providerId: sent, demo: false };
  }

  async function sendAsBot(
    account: BotAccount,
    message: Message,
    content: SlackContent,
    options: SendOptions,
  ): Promise<string | null> {
    const recipient = recipientOf(message, parseSlackRecipient);
    if (recipient === null) throw new Permanent(NO_RECIPIENT);
    const { token } = account;
    const target = () => people.idOf(account, readRecipient(recipient), options.signal);
    const post = async (channel: string, threadTs: string | null): Promise<string | null> => {
      const where = threadTs === null ? { channel } : { channel, thread_ts: threadTs };
      const body = { ...where, ...content, unfurl_links: false, unfurl_media: false };
      const id = providerId(await postMessage(way, token, body, options), threadTs);
      // Whoever answers may give the token back instead, and ids are for all who may read the reminder.
      return id !== null && tellsSecret(id, token) ? null : id;
    };
    const thread = await threadOf(message, recipient);
    const channel = thread?.channel ?? (await target());
    return await inTurn(`${token} ${channel}`, async () => {
      try {
        return await post(channel, thread?.ts ?? null);
      } catch (error) {
        if (!(error instanceof SlackRefused)) throw error;
        // A clear no, so nothing was posted: it begins a thread of its own.
        if (thread === null || !LOST_THREAD.has(error.code)) throw refusal(error.code, "the message");
        const afresh = await target();
        return await post(afresh, null).catch(refusedAgain);
      }
    });
  }

  async function sendByWebhook(
    url: string,
    message: Message,
    content: SlackContent,
    options: SendOptions,
  ): Promise<string | null> {
    const recipient = recipientOf(message, parseSlackRecipient);
    if (recipient !== null && "id" in readRecipient(recipient)) throw new Permanent(ONE_CHANNEL_ONLY);
    await inTurn(url, () => postToWebhook(way, url, content, options));
    return null;
  }

  /** Posts when the channel has room for it, and heeds it when Slack asks to wait. */
  async function inTurn<T>(name: string, post: () => Promise<T>): Promise<T> {
    turns.enter(name);
    try {
      return await post();
    } catch (error) {
      if (error instanceof NotYet) turns.hold(name, error.waitMs);
      throw error;
    }
  }

  /** Where the reminder's messages to this recipient are. */
  async function threadOf({ reminder, occurrenceNumber }: Message, recipient: string): Promise<Posted | null> {
    if (occurrenceNumber === 1) return null;
    return readThread((await lastSent?.(reminder.id, recipient)) ?? "");
  }

  async function mark(done: DoneMessage, signal: AbortSignal): Promise<void> {
    const account = await settingsFor(done.reminder.tenantId, { shared, own, what: "Slack settings" });
    const posted = readPosted(done.providerId);
    if (account?.via !== "bot" || posted === null) return;
    const { token } = account;
    changes.enter(token);
    // Messages that wait go first.
    turns.enterLast(`${token} ${posted.channel}`);
    try {
      const quick = { ...way, timeoutMs: Math.min(timeoutMs, CHANGE_TIMEOUT_MS) };
      await updateMessage(quick, token, { ...posted, ...doneContent(done) }, signal);
    } catch (error) {
      if (error instanceof NotYet) changes.hold(token, error.waitMs);
      if (!(error instanceof SlackRefused)) throw error;
      if (!CANT_BE_CHANGED.has(error.code)) throw refusal(error.code, "the check mark");
    }
  }

  return {
    name: "slack",
    isAtMostOnce: true,
    hasButtons: true,
    maxDigestChars: MAX_BODY_CHARS,
    digestLength: slackLength,
    codeMarks: "anywhere",
    concurrency,
    timeoutMs: timeoutMs * REQUESTS + TIMEOUT_MS,
    parseRecipient: parseSlackRecipient,
    address: (contact) => contact.email,
    send,
    doneMarks: { among: toBeMarked, mark: (done, { signal }) => mark(done, signal) },
    async close() {},
  };
}

const NO_RECIPIENT =
  "nobody is addressed: give the reminder a recipient (a channel, a person or an e-mail address), or its contact an email";
const ONE_CHANNEL_ONLY =
  "an incoming webhook posts to its own channel only: leave the reminder's recipient out, or set a bot token";

function refusedAgain(error: unknown): never {
  throw error instanceof SlackRefused ? refusal(error.code, "the message") : error;
}
