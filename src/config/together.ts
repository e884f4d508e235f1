import { SERVICES } from "../channels/services/list.ts";
import { missingBeside } from "../channels/services/settings.ts";
import type { Environment } from "./mistakes.ts";

/** What is missing beside what is set, whether that is right in itself or not. */
export function togetherMistakes(settings: Environment): string[] {
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
