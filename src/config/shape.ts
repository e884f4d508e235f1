import type { AccessSettings } from "../api/access/settings.ts";
import type { SmtpServer } from "../channels/email/settings.ts";
import type { PushAccount } from "../channels/push/account.ts";
import type { ServiceAccess } from "../channels/services/access.ts";
import type { SlackAccount } from "../channels/slack/account.ts";
import type { SmsAccount } from "../channels/sms/account.ts";
import type { Fallbacks } from "../core/fallback.ts";
import type { OutgoingSettings } from "../outgoing/settings.ts";

/** Everything that can be set, validated. Times are in the unit that the name says. */
export interface Config {
  database: {
    /** Null: the embedded server. */
    url: string | null;
    poolSize: number;
  };
  http: { host: string; port: number };
  /** Who may use the API, and how much. */
  access: AccessSettings;
  /** Nobody may be reminded more often than this. */
  minIntervalSeconds: number;
  dataDir: string;
  email: {
    from: { address: string; name: string };
    /** Null: demo mode, messages are printed. */
    server: SmtpServer | null;
    /** Tried in this order when that one is down. */
    fallback: readonly SmtpServer[];
    /** Where mail that comes back goes; null: to `from`. */
    envelopeFrom: string | null;
    /** Where mail comes back, with the delivery written into it; null: it isn't. The address null: for tenants with one of their own. */
    bounces: { address: string | null; secret: string } | null;
    replyAddress: string | null;
    /** A message that comes so many days after the one that began its thread begins a new one; 0: each does. */
    newThreadAfterDays: number;
    /** What messages are signed with; null: they aren't. `domain` null: that of `from`. */
    dkim: { keyFile: string; selector: string; domain: string | null } | null;
    /** Messages on their way at once, from one worker. */
    concurrency: number;
  };
  slack: {
    /** Null: tenants need their own. */
    account: SlackAccount | null;
    /** Where Slack's methods are; ends with a slash. */
    apiUrl: string;
    /** Messages on their way at once, from one worker. */
    concurrency: number;
  };
  webhook: {
    /** What webhooks are signed with, the newest first; none: tenants need their own. */
    secrets: readonly string[];
    /** Webhooks on their way at once, from one worker. */
    concurrency: number;
  };
  sms: {
    /** Null: tenants need their own. */
    account: SmsAccount | null;
    /** Where Twilio's methods are, without a slash at the end. */
    apiUrl: string;
    /** Messages on their way at once, from one worker. */
    concurrency: number;
  };
  /** How we identify ourselves to push services; null: tenants need their own. */
  push: PushAccount | null;
  /** How services are reached that are written down as data, by their channels' names; null: tenants need their own. */
  services: Readonly<Record<string, ServiceAccess | null>>;
  /** Where requests to URLs that users gave may go. */
  outgoing: OutgoingSettings;
  /** Where the master keys are that tenants' secrets are sealed with; those of `keys` come before those in `keyFile`. */
  secrets: { keys: string | null; keyFile: string | null };
  /** Path of the file with the queries that stop conditions may name; null: there are none. */
  sqlChecksFile: string | null;
  logLevel: LogLevel;
  /** Where people reach the API from outside, and for how many days they may answer a message; null: messages have no links. */
  links: { publicUrl: string; days: number } | null;
  /** How long a message may be answered, counted from its occurrence or, where that was fired late, from then. */
  answerDays: number;
  engine: {
    pollSeconds: number;
    batchSize: number;
    retry: { maxAttempts: number; baseSeconds: number };
    catchUp: { perSecond: number; doublesEverySeconds: number };
    /** Null: no limit. */
    limits: { perMinute: number | null; perRecipientPerHour: number | null };
    retentionDays: number;
    /** Null: no limit. */
    ceiling: { occurrences: number | null; ageDays: number | null };
    hold: { attentionAfter: number };
    /** Over what messages go that a channel can't deliver, for tenants that say nothing else. */
    fallbacks: Fallbacks;
  };
}

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
