import { SERVICES } from "../channels/services/list.ts";
import { settingsOf } from "../channels/services/settings.ts";

export const SERVICE_SETTINGS = SERVICES.flatMap(settingsOf);

/** The values of settings that never appear in a message. */
export const SECRET: ReadonlySet<string> = new Set([
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
