import { z } from "zod";
import { urlMistake } from "../../outgoing/target.ts";
import { BrokenSettings } from "../own-settings.ts";

/** How Slack is reached: as a bot, which may write to any channel or person, or by a URL that leads to one channel. */
export type SlackAccount = BotAccount | { via: "webhook"; url: string };

export interface BotAccount {
  via: "bot";
  token: string;
  /** What Slack signs with when somebody presses a button; not set: messages have none. */
  signingSecret?: string | null;
}

/** What is stored in the open; the token or the URL is the secret of that name. */
export const StoredSlack = z.strictObject({ via: z.enum(["bot", "webhook"], "must be bot or webhook") });
export type StoredSlack = z.output<typeof StoredSlack>;

/** Names of the secrets, by the kind of account. */
export const SLACK_SECRETS = { bot: "bot_token", webhook: "webhook_url" } as const;
export const SLACK_SIGNING_SECRET = "signing_secret";

const BOT_TOKEN = /^xoxb-[A-Za-z0-9-]{10,250}$/;
/** Slack's are 32 of them. */
const SIGNING_SECRET = /^[A-Za-z0-9]{16,100}$/;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

export function isBotToken(text: string): boolean {
  return BOT_TOKEN.test(text);
}

export function isSigningSecret(text: string): boolean {
  return SIGNING_SECRET.test(text);
}

/** The URL is a secret: who has it can write. So it has to be encrypted on its way, or not leave the machine. */
export function isWebhookUrl(text: string): boolean {
  if (urlMistake(text) !== null) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === "https:" || LOOPBACK.test(hostname);
}

/** Reads either of the two; null for what is neither. */
export function readAccount(secret: string): SlackAccount | null {
  if (isBotToken(secret)) return { via: "bot", token: secret };
  return isWebhookUrl(secret) ? { via: "webhook", url: secret } : null;
}

/** What stored settings and opened secrets make. Throws `BrokenSettings`: they may have been written by hand. */
export function toSlackAccount(settings: unknown, secrets: ReadonlyMap<string, string>): SlackAccount {
  const { data } = StoredSlack.safeParse(settings);
  const account = data ? readAccount(secrets.get(SLACK_SECRETS[data.via]) ?? "") : null;
  if (account === null || account.via !== data?.via) {
    throw new BrokenSettings(SET_AGAIN);
  }
  const signingSecret = secrets.get(SLACK_SIGNING_SECRET);
  if (account.via === "webhook" || signingSecret === undefined) return account;
  if (!isSigningSecret(signingSecret)) throw new BrokenSettings(SET_AGAIN);
  return { ...account, signingSecret };
}

const SET_AGAIN = "can't be used: set them again by `reminder-engine channels set slack`";
