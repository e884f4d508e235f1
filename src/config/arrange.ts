import type { OidcSettings } from "../api/access/settings.ts";
import type { SmtpServer } from "../channels/email/settings.ts";
import { readPushAccount } from "../channels/push/account.ts";
import { SERVICES } from "../channels/services/list.ts";
import { accessIn } from "../channels/services/settings.ts";
import { readAccount, type SlackAccount } from "../channels/slack/account.ts";
import type { SmsAccount } from "../channels/sms/account.ts";
import { NO_FALLBACKS } from "../core/fallback.ts";
import { type OutgoingSettings, type PortRange, parsePortRange, type Scheme } from "../outgoing/settings.ts";
import type { Settings } from "./settings.ts";
import type { Config } from "./shape.ts";

/** Settings as the program reads them: what belongs together in one place, and null for what isn't set. */
export function arrange(settings: Settings): Config {
  return {
    database: { url: settings.DATABASE_URL ?? null, poolSize: settings.DATABASE_POOL_SIZE },
    http: { host: settings.HOST, port: settings.PORT },
    access: {
      oidc: arrangeOidc(settings),
      rates: { perKey: settings.RATE_LIMIT_PER_KEY, perTenant: settings.RATE_LIMIT_PER_TENANT },
      corsOrigins: settings.CORS_ORIGINS ?? [],
      trustedProxies: settings.TRUSTED_PROXIES ?? [],
    },
    minIntervalSeconds: settings.MIN_INTERVAL_SECONDS,
    dataDir: settings.DATA_DIR,
    email: {
      from: { address: settings.SMTP_FROM_EMAIL ?? DEMO_ADDRESS, name: settings.SMTP_FROM_NAME },
      server: arrangeSmtp(settings),
      fallback: settings.SMTP_FALLBACK_URLS ?? [],
      envelopeFrom: settings.SMTP_ENVELOPE_FROM ?? null,
      bounces:
        settings.BOUNCE_SECRET === undefined
          ? null
          : { address: settings.BOUNCE_ADDRESS ?? null, secret: settings.BOUNCE_SECRET },
      replyAddress: settings.REPLY_ADDRESS ?? null,
      newThreadAfterDays: settings.EMAIL_NEW_THREAD_DAYS,
      dkim: arrangeDkim(settings),
      concurrency: settings.EMAIL_CONCURRENCY,
    },
    slack: {
      account: arrangeSlack(settings),
      apiUrl: settings.SLACK_API_URL.replace(/\/*$/, "/"),
      concurrency: settings.SLACK_CONCURRENCY,
    },
    sms: {
      account: arrangeSms(settings),
      apiUrl: settings.TWILIO_API_URL.replace(/\/+$/, ""),
      concurrency: settings.SMS_CONCURRENCY,
    },
    push: readPushAccount(settings.VAPID_PRIVATE_KEY ?? "", settings.VAPID_SUBJECT ?? ""),
    webhook: { secrets: settings.WEBHOOK_SECRET ?? [], concurrency: settings.WEBHOOK_CONCURRENCY },
    services: Object.fromEntries(SERVICES.map((service) => [service.name, accessIn(service, { ...settings })])),
    outgoing: arrangeOutgoing(settings),
    secrets: { keys: settings.SECRETS_KEY ?? null, keyFile: settings.SECRETS_KEY_FILE ?? null },
    sqlChecksFile: settings.SQL_CHECKS_FILE ?? null,
    logLevel: settings.LOG_LEVEL,
    links: settings.PUBLIC_URL
      ? { publicUrl: settings.PUBLIC_URL.replace(/\/+$/, ""), days: settings.ANSWER_LINK_DAYS }
      : null,
    answerDays: settings.ANSWER_LINK_DAYS,
    engine: {
      pollSeconds: settings.POLL_SECONDS,
      batchSize: settings.BATCH_SIZE,
      retry: { maxAttempts: settings.DELIVERY_MAX_ATTEMPTS, baseSeconds: settings.RETRY_BASE_SECONDS },
      catchUp: {
        perSecond: settings.CATCH_UP_PER_SECOND,
        doublesEverySeconds: settings.CATCH_UP_DOUBLES_SECONDS,
      },
      limits: {
        perMinute: settings.SENDS_PER_MINUTE ?? null,
        perRecipientPerHour: settings.SENDS_PER_RECIPIENT_PER_HOUR ?? null,
      },
      retentionDays: settings.RETENTION_DAYS,
      ceiling: {
        occurrences: settings.MAX_OCCURRENCES_PER_REMINDER ?? null,
        ageDays: settings.MAX_REMINDER_AGE_DAYS ?? null,
      },
      hold: { attentionAfter: settings.ATTENTION_AFTER_CHECK_ERRORS },
      fallbacks: settings.CHANNEL_FALLBACKS ?? NO_FALLBACKS,
    },
  };
}

/** What demo messages come from until somebody says otherwise; a real server needs a real address. */
const DEMO_ADDRESS = "reminders@localhost";

function arrangeSmtp(settings: Settings): SmtpServer | null {
  if (!settings.SMTP_HOST) return null;
  return {
    host: settings.SMTP_HOST,
    port: settings.SMTP_PORT,
    username: settings.SMTP_USERNAME ?? null,
    password: settings.SMTP_PASSWORD ?? null,
    tls: settings.SMTP_TLS,
  };
}

function arrangeSlack({ SLACK_BOT_TOKEN, SLACK_WEBHOOK_URL, SLACK_SIGNING_SECRET }: Settings): SlackAccount | null {
  const account = readAccount(SLACK_BOT_TOKEN ?? SLACK_WEBHOOK_URL ?? "");
  return account?.via === "bot" && SLACK_SIGNING_SECRET ? { ...account, signingSecret: SLACK_SIGNING_SECRET } : account;
}

function arrangeSms({ TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, SMS_FROM }: Settings): SmsAccount | null {
  if (!TWILIO_ACCOUNT_SID || !TWILIO_AUTH_TOKEN || !SMS_FROM) return null;
  return { accountSid: TWILIO_ACCOUNT_SID, authToken: TWILIO_AUTH_TOKEN, from: SMS_FROM };
}

function arrangeDkim({ DKIM_KEY_FILE, DKIM_SELECTOR, DKIM_DOMAIN }: Settings): Config["email"]["dkim"] {
  if (!DKIM_KEY_FILE || !DKIM_SELECTOR) return null;
  return { keyFile: DKIM_KEY_FILE, selector: DKIM_SELECTOR, domain: DKIM_DOMAIN ?? null };
}

function arrangeOutgoing(settings: Settings): OutgoingSettings {
  return {
    schemes: settings.OUTGOING_SCHEMES as Scheme[],
    ports: settings.OUTGOING_PORTS.map(parsePortRange) as PortRange[],
    allow: settings.OUTGOING_ALLOW ?? [],
    deny: settings.OUTGOING_DENY ?? [],
  };
}

function arrangeOidc(settings: Settings): OidcSettings | null {
  const { OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience, OIDC_JWKS_URL: jwksUrl } = settings;
  if (!issuer || !audience || !jwksUrl) return null;
  return {
    issuer,
    audience,
    jwksUrl,
    algorithms: settings.OIDC_ALGORITHMS,
    tenantClaim: settings.OIDC_TENANT_CLAIM ?? null,
    scopeClaim: settings.OIDC_SCOPE_CLAIM,
  };
}
