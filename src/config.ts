import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { z } from "zod";
import type { AccessSettings, OidcSettings } from "./api/access/settings.ts";
import { isBounceAddress, SHORTEST_BOUNCE_SECRET } from "./channels/email/return-path.ts";
import { type SmtpServer, TLS_MODES } from "./channels/email/settings.ts";
import { parseSmtpUrls, SMTP_URLS } from "./channels/email/smtp-url.ts";
import { CHANNEL_NAMES } from "./channels/names.ts";
import { isPrivateKey, isPushSubject, PUSH_WORDS, type PushAccount, readPushAccount } from "./channels/push/account.ts";
import type { ServiceAccess } from "./channels/services/access.ts";
import { SERVICES } from "./channels/services/list.ts";
import { accessIn, missingBeside, settingsOf } from "./channels/services/settings.ts";
import { isBotToken, isSigningSecret, isWebhookUrl, readAccount, type SlackAccount } from "./channels/slack/account.ts";
import { isAccountSid, isAuthToken, isSmsFrom, SMS_WORDS, type SmsAccount } from "./channels/sms/account.ts";
import { signingFlaw, splitSecrets } from "./channels/webhook/signing.ts";
import {
  ALGORITHMS,
  isAlgorithm,
  isHost,
  isNetwork,
  isOrigin,
  isPasswordEncoded,
  isPostgresUrl,
  isPublicUrl,
  isSafeUrl,
  line,
  listOf,
  mustBe,
  oneOf,
  perMinute,
  seconds,
  UNENCODED_PASSWORD,
  whole,
} from "./config-values.ts";
import { type Fallbacks, NO_FALLBACKS, readFallbacks } from "./core/fallback.ts";
import { type OutgoingSettings, type PortRange, parsePortRange, SCHEMES, type Scheme } from "./outgoing/settings.ts";
import { BadKey, parseMasterKeys } from "./secrets/master-key.ts";
import { HIDDEN, hider } from "./telemetry/hide.ts";
import { hideUrlPasswords } from "./telemetry/url-password.ts";

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
  /** How long a message may be answered, counted from its occurrence. */
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
    ceiling: { sends: number | null; ageDays: number | null };
    hold: { attentionAfter: number };
    /** Over what messages go that a channel can't deliver, for tenants that say nothing else. */
    fallbacks: Fallbacks;
  };
}

export type LogLevel = (typeof LOG_LEVELS)[number];
/** Asymmetric ones only. */
const SAFE_URL = "a URL that begins with https:// (http:// for this machine only)";
/** An address that deliveries are written into. */
const writtenInto = (example: string) =>
  z
    .email(mustBe(`an e-mail address like ${example}`))
    .refine(isBounceAddress, mustBe("an e-mail address of at most 20 characters, none of them a +, before the @"))
    .optional();

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** One line for each mistake; none of them shows a secret. */
export class ConfigError extends Error {
  override name = "ConfigError";
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(lines.join("\n"));
    this.lines = lines;
  }
}

export type Environment = Record<string, string | undefined>;

const SERVICE_SETTINGS = SERVICES.flatMap(settingsOf);

/** The values of settings that never appear in a message. */
const SECRET = new Set([
  "DATABASE_URL",
  "SMTP_PASSWORD",
  "SMTP_FALLBACK_URLS",
  "BOUNCE_SECRET",
  "SECRETS_KEY",
  "WEBHOOK_SECRET",
  "SLACK_BOT_TOKEN",
  "SLACK_WEBHOOK_URL",
  "SLACK_SIGNING_SECRET",
  "TWILIO_AUTH_TOKEN",
  "VAPID_PRIVATE_KEY",
  ...SERVICE_SETTINGS.filter(({ isSecret }) => isSecret).map(({ name }) => name),
]);

/** Each by its own rule. What they are called is data, so that the types know nothing of them. */
const OF_SERVICES: object = Object.fromEntries(
  SERVICE_SETTINGS.map(({ name, isRight, told }) => [name, z.string().refine(isRight, mustBe(told)).optional()]),
);

/** The settings by the names that users know, with their defaults. `.env.example` says what each is for. */
export const SETTINGS = z.object({
  ...OF_SERVICES,
  DATABASE_URL: z
    .string()
    .refine(isPasswordEncoded, { error: UNENCODED_PASSWORD })
    .refine(isPostgresUrl, mustBe("a URL like postgresql://user:password@host:5432/database"))
    .optional(),
  DATABASE_POOL_SIZE: whole(2, 1000).default(10),
  HOST: z.string().refine(isHost, mustBe("a host name or IP address")).default("127.0.0.1"),
  PORT: whole(0, 65_535).default(8000),
  PUBLIC_URL: z.string().refine(isPublicUrl, mustBe("a URL like https://reminders.example.com")).optional(),
  ANSWER_LINK_DAYS: whole(1, 365).default(30),
  OIDC_ISSUER: z.string().refine(isSafeUrl, mustBe(SAFE_URL)).optional(),
  OIDC_AUDIENCE: line("one line of text").optional(),
  OIDC_JWKS_URL: z.string().refine(isSafeUrl, mustBe(SAFE_URL)).optional(),
  OIDC_ALGORITHMS: listOf(isAlgorithm, `some of ${ALGORITHMS.join(", ")}, with commas between them`).prefault(
    "RS256,ES256",
  ),
  OIDC_TENANT_CLAIM: line("the name of a claim").optional(),
  OIDC_SCOPE_CLAIM: line("the name of a claim").default("scope"),
  RATE_LIMIT_PER_KEY: perMinute.prefault("6000"),
  RATE_LIMIT_PER_TENANT: perMinute.prefault("12000"),
  CORS_ORIGINS: listOf(isOrigin, "origins like https://app.example.com, with commas between them").optional(),
  TRUSTED_PROXIES: listOf(isNetwork, "addresses or networks like 10.0.0.0/8, with commas between them").optional(),
  DATA_DIR: line("the path of a folder").default(".data"),
  LOG_LEVEL: oneOf(LOG_LEVELS).default("info"),
  SMTP_HOST: z.string().refine(isHost, mustBe("a host name or IP address, without a scheme or a port")).optional(),
  SMTP_PORT: whole(1, 65_535).default(587),
  SMTP_USERNAME: line("one line of text").optional(),
  SMTP_PASSWORD: line("one line of text").optional(),
  SMTP_FROM_EMAIL: z.email(mustBe("an e-mail address like noreply@example.com")).optional(),
  SMTP_FROM_NAME: line("one line of text").default("Reminder System"),
  SMTP_TLS: oneOf(TLS_MODES).default("auto"),
  SMTP_FALLBACK_URLS: z.string().transform(readSmtpUrls).optional(),
  SMTP_ENVELOPE_FROM: z.email(mustBe("an e-mail address like bounces@example.com")).optional(),
  BOUNCE_ADDRESS: writtenInto("bounces@example.com"),
  REPLY_ADDRESS: writtenInto("replies@example.com"),
  BOUNCE_SECRET: z
    .string()
    .min(SHORTEST_BOUNCE_SECRET, mustBe(`at least ${SHORTEST_BOUNCE_SECRET} characters`))
    .optional(),
  EMAIL_NEW_THREAD_DAYS: whole(0, 365).default(7),
  DKIM_KEY_FILE: line("the path of a file").optional(),
  DKIM_SELECTOR: z.string().refine(isHost, mustBe("a name of letters, digits and hyphens, like s1")).optional(),
  DKIM_DOMAIN: z.string().refine(isHost, mustBe("a domain like example.com")).optional(),
  EMAIL_CONCURRENCY: whole(1, 100).default(10),
  SLACK_BOT_TOKEN: z.string().refine(isBotToken, mustBe("a bot token like xoxb-...")).optional(),
  SLACK_WEBHOOK_URL: z
    .string()
    .refine(isWebhookUrl, mustBe("the URL of an incoming webhook, like https://hooks.slack.com/services/..."))
    .optional(),
  SLACK_SIGNING_SECRET: z
    .string()
    .refine(isSigningSecret, mustBe("the signing secret of the app: letters and digits, 16 to 100 of them"))
    .optional(),
  SLACK_API_URL: z.string().refine(isSafeUrl, mustBe(SAFE_URL)).default("https://slack.com/api/"),
  SLACK_CONCURRENCY: whole(1, 100).default(10),
  TWILIO_ACCOUNT_SID: z.string().refine(isAccountSid, mustBe(SMS_WORDS.accountSid)).optional(),
  TWILIO_AUTH_TOKEN: z.string().refine(isAuthToken, mustBe(SMS_WORDS.authToken)).optional(),
  SMS_FROM: z.string().refine(isSmsFrom, mustBe(SMS_WORDS.from)).optional(),
  TWILIO_API_URL: z.string().refine(isSafeUrl, mustBe(SAFE_URL)).default("https://api.twilio.com"),
  SMS_CONCURRENCY: whole(1, 100).default(10),
  VAPID_PRIVATE_KEY: z.string().refine(isPrivateKey, mustBe(PUSH_WORDS.privateKey)).optional(),
  VAPID_SUBJECT: z.string().refine(isPushSubject, mustBe(PUSH_WORDS.subject)).optional(),
  WEBHOOK_SECRET: z.string().transform(splitSecrets).superRefine(refuseBadSigning).optional(),
  WEBHOOK_CONCURRENCY: whole(1, 100).default(20),
  CHANNEL_FALLBACKS: z.string().transform(toFallbacks).optional(),
  OUTGOING_SCHEMES: listOf(isScheme, `some of ${SCHEMES.join(", ")}, with commas between them`).prefault("https,http"),
  OUTGOING_PORTS: listOf(isPortRange, "ports like 443 or ranges like 8000-8999, with commas between them").prefault(
    "80,443",
  ),
  OUTGOING_ALLOW: listOf(isNetwork, "addresses or networks like 10.0.0.0/8, with commas between them").optional(),
  OUTGOING_DENY: listOf(isNetwork, "addresses or networks like 10.0.0.0/8, with commas between them").optional(),
  SECRETS_KEY: z.string().superRefine(refuseBadKeys).optional(),
  SECRETS_KEY_FILE: line("the path of a file").optional(),
  SQL_CHECKS_FILE: line("the path of a file").optional(),
  POLL_SECONDS: seconds(1, 10).default(5),
  BATCH_SIZE: whole(1, 10_000).default(500),
  DELIVERY_MAX_ATTEMPTS: whole(1, 100).default(5),
  RETRY_BASE_SECONDS: seconds(0.1, 86_400).default(15),
  CATCH_UP_PER_SECOND: whole(0, 1_000_000).default(100),
  CATCH_UP_DOUBLES_SECONDS: seconds(0.1, 3_600).default(5),
  MIN_INTERVAL_SECONDS: whole(1, 86_400).default(60),
  SENDS_PER_MINUTE: whole(1, 1_000_000).optional(),
  SENDS_PER_RECIPIENT_PER_HOUR: whole(1, 100_000).optional(),
  MAX_SENDS_PER_REMINDER: whole(1, 1_000_000).optional(),
  MAX_REMINDER_AGE_DAYS: whole(1, 36_500).optional(),
  ATTENTION_AFTER_UNKNOWN: whole(1, 1_000).default(5),
  RETENTION_DAYS: whole(7, 36_500).default(90),
});
type Settings = z.infer<typeof SETTINGS>;

/** Validates the environment, once. Throws a `ConfigError` that lists every mistake. */
export function loadConfig(environment: Environment): Config {
  // `NAME=` in a .env file or a container's environment is how people write "not set".
  const named = Object.keys(SETTINGS.shape).map((name) => [name, environment[name]] as const);
  const set = named.filter((pair): pair is [string, string] => Boolean(pair[1]?.trim()));
  // A password may well begin with a space.
  const given = Object.fromEntries(set.map(([name, value]) => [name, SECRET.has(name) ? value : value.trim()]));
  const parsed = SETTINGS.safeParse(given);
  const mistakes = [...(parsed.success ? [] : mistakesIn(parsed.error, given)), ...togetherMistakes(given)];
  if (!parsed.success || mistakes.length > 0) throw new ConfigError(mistakes);
  return deepFreeze(arrange(parsed.data));
}

/**
 * The process's environment, on top of what `.env` in the current folder says. The secrets are taken out of the process's
 * own: it would be written into Node's diagnostic reports as it stands, and handed on to every child.
 */
export function readEnvironment(): Environment {
  const environment = { ...readDotEnv(".env"), ...process.env };
  for (const name of SECRET) delete process.env[name];
  return environment;
}

function readDotEnv(path: string): Environment {
  try {
    return parseEnv(readFileSync(path, "utf8").replace(/^\uFEFF/, ""));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return {};
    throw new ConfigError([`can't read ${path}: ${message}`]);
  }
}

function mistakesIn(error: z.ZodError, given: Environment): string[] {
  // Somebody may have put a secret into the line beside its own; and whatever else is in a query, may be one.
  const hide = hider([...SECRET].map((name) => given[name]));
  const firstOfEach = new Map(error.issues.toReversed().map((issue) => [String(issue.path[0]), issue.message]));
  return [...firstOfEach].toReversed().map(([name, what]) => {
    if (what === UNENCODED_PASSWORD) return `${name}: ${what}`;
    const value = hide(hideUrlPasswords(given[name] ?? "", HIDDEN)).replace(/(?<=:\/\/[^?]*\?).+/, HIDDEN);
    const shown = SECRET.has(name)
      ? ""
      : `, not ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`;
    return `${name} must be ${what}${shown}`;
  });
}

/** What is missing beside what is set, whether that is right in itself or not. */
function togetherMistakes(settings: Environment): string[] {
  const mistakes: string[] = [];
  if (settings.SMTP_HOST && !settings.SMTP_FROM_EMAIL) {
    mistakes.push("SMTP_FROM_EMAIL must be set when SMTP_HOST is: the address that e-mails come from");
  }
  if (settings.SMTP_USERNAME && !settings.SMTP_PASSWORD) {
    mistakes.push("SMTP_PASSWORD must be set when SMTP_USERNAME is");
  }
  if (settings.SMTP_PASSWORD && !settings.SMTP_USERNAME) {
    mistakes.push("SMTP_USERNAME must be set when SMTP_PASSWORD is");
  }
  if (settings.SMTP_FALLBACK_URLS && !settings.SMTP_HOST) {
    mistakes.push("SMTP_HOST must be set when SMTP_FALLBACK_URLS is: the server that is tried first");
  }
  if (settings.BOUNCE_ADDRESS && !settings.BOUNCE_SECRET) {
    mistakes.push("BOUNCE_SECRET must be set when BOUNCE_ADDRESS is: what the addresses made of it are signed with");
  }
  if (settings.REPLY_ADDRESS && !settings.BOUNCE_SECRET) {
    mistakes.push("BOUNCE_SECRET must be set when REPLY_ADDRESS is: what the addresses made of it are signed with");
  }
  if (Boolean(settings.DKIM_KEY_FILE) !== Boolean(settings.DKIM_SELECTOR)) {
    mistakes.push("DKIM_KEY_FILE and DKIM_SELECTOR belong together: both or neither");
  }
  if (settings.SLACK_BOT_TOKEN && settings.SLACK_WEBHOOK_URL) {
    mistakes.push("SLACK_BOT_TOKEN and SLACK_WEBHOOK_URL can't both be set: a bot can do all that a webhook can");
  }
  if (settings.SLACK_SIGNING_SECRET && !settings.SLACK_BOT_TOKEN) {
    mistakes.push("SLACK_BOT_TOKEN must be set when SLACK_SIGNING_SECRET is: only messages of a bot have buttons");
  }
  mistakes.push(...SERVICES.map((service) => missingBeside(service, settings)).filter((mistake) => mistake !== null));
  mistakes.push(...belongTogether(settings, ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "SMS_FROM"]));
  mistakes.push(...belongTogether(settings, ["VAPID_PRIVATE_KEY", "VAPID_SUBJECT"]));
  mistakes.push(...belongTogether(settings, ["OIDC_ISSUER", "OIDC_AUDIENCE", "OIDC_JWKS_URL"]));
  return mistakes;
}

/** What is missing of settings that mean nothing without each other. */
function belongTogether(settings: Environment, names: readonly string[]): string[] {
  const missing = names.filter((name) => !settings[name]);
  if (missing.length === 0 || missing.length === names.length) return [];
  return [`${missing.join(" and ")} must be set too: ${names.join(", ")} belong together`];
}

function arrange(settings: Settings): Config {
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
        sends: settings.MAX_SENDS_PER_REMINDER ?? null,
        ageDays: settings.MAX_REMINDER_AGE_DAYS ?? null,
      },
      hold: { attentionAfter: settings.ATTENTION_AFTER_UNKNOWN },
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

function isScheme(text: string): boolean {
  return (SCHEMES as readonly string[]).includes(text);
}

function isPortRange(text: string): boolean {
  return parsePortRange(text) !== null;
}

function readSmtpUrls(text: string, context: z.RefinementCtx): SmtpServer[] {
  const servers = parseSmtpUrls(text);
  if (servers !== null) return servers;
  context.addIssue({ code: "custom", message: SMTP_URLS });
  return z.NEVER;
}

function toFallbacks(text: string, context: z.RefinementCtx): Fallbacks {
  const fallbacks = readFallbacks(text, CHANNEL_NAMES);
  if (typeof fallbacks !== "string") return fallbacks;
  context.addIssue({ code: "custom", message: fallbacks });
  return z.NEVER;
}

function refuseBadKeys(text: string, context: z.RefinementCtx): void {
  try {
    parseMasterKeys(text);
  } catch (error) {
    if (!(error instanceof BadKey)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
}

function refuseBadSigning(secrets: readonly string[], context: z.RefinementCtx): void {
  const flaw = signingFlaw(secrets);
  if (flaw !== null) context.addIssue({ code: "custom", message: flaw.replace(/^must be /, "") });
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

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (inner !== null && typeof inner === "object") deepFreeze(inner);
  return Object.freeze(value);
}
