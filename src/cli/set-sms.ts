import { AUTH_TOKEN, isAuthToken, SMS_WORDS, StoredSms } from "../channels/sms/account.ts";
import { readSecret } from "./read-secret.ts";
import type { Command } from "./run.ts";
import { CannotRun, say } from "./say.ts";
import { setChannel } from "./set-channel.ts";

export interface SmsOptions {
  tenant: string;
  accountSid: string;
  from: string;
  secretFile?: string;
}

const SECRET_OPTION = { what: "auth token", option: "--secret-file", command: "channels set sms ..." };
const OPTIONS: Record<string, string> = { account_sid: "--account-sid", from: "--from" };

/** Gives a tenant an account for SMS of its own, in place of any it had. */
export function setSms({ tenant: tenantId, accountSid, from, secretFile }: SmsOptions): Command {
  return async (service) => {
    const { data: settings, error } = StoredSms.safeParse({ account_sid: accountSid, from });
    if (!settings) {
      const mistakes = error.issues.map(({ path, message }) => `${OPTIONS[String(path[0])]} ${message}`);
      throw new CannotRun(mistakes.join("; "));
    }
    await setChannel(service, {
      ...{ tenantId, channel: "sms", hasSecrets: true },
      read: async () => {
        const token = await readSecret(secretFile, SECRET_OPTION);
        if (!isAuthToken(token)) throw new CannotRun(`it must be ${SMS_WORDS.authToken}`);
        return { settings, secrets: { [AUTH_TOKEN]: token } };
      },
    });
    say(`Tenant ${tenantId} sends SMS from ${settings.from}; workers follow within 5 s`);
    return "done";
  };
}
