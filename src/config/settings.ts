import { z } from "zod";
import { SHORTEST_BOUNCE_SECRET } from "../channels/email/return-path.ts";
import { TLS_MODES } from "../channels/email/settings.ts";
import { isPrivateKey, isPushSubject, PUSH_WORDS } from "../channels/push/account.ts";
import { isBotToken, isSigningSecret, isWebhookUrl } from "../channels/slack/account.ts";
import { isAccountSid, isAuthToken, isSmsFrom, SMS_WORDS } from "../channels/sms/account.ts";
import { splitSecrets } from "../channels/webhook/signing.ts";
import { SCHEMES } from "../outgoing/settings.ts";
import {
  isPortRange,
  isScheme,
  readSmtpUrls,
  refuseBadKeys,
  refuseBadSigning,
  SAFE_URL,
  toFallbacks,
  writtenInto,
} from "./rules.ts";
import { SERVICE_SETTINGS } from "./secret.ts";
import { LOG_LEVELS } from "./shape.ts";
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
} from "./values.ts";

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
  MAX_OCCURRENCES_PER_REMINDER: whole(1, 1_000_000).optional(),
  MAX_REMINDER_AGE_DAYS: whole(1, 36_500).optional(),
  ATTENTION_AFTER_CHECK_ERRORS: whole(1, 1_000).default(5),
  RETENTION_DAYS: whole(7, 36_500).default(90),
});

export type Settings = z.infer<typeof SETTINGS>;
