import { readAccount, SLACK_SECRETS } from "../channels/slack/account.ts";
import { readSecret } from "./read-secret.ts";
import type { Command } from "./run.ts";
import { CannotRun, say } from "./say.ts";
import { setChannel } from "./set-channel.ts";

export interface SlackOptions {
  tenant: string;
  secretFile?: string;
}

const SECRET_OPTION = { what: "bot token or webhook URL", option: "--secret-file", command: "channels set slack ..." };
const WAYS = { bot: "a bot of its own", webhook: "an incoming webhook of its own" };

/** Gives a tenant a way to Slack of its own, in place of any it had: which one, the secret itself says. */
export function setSlack({ tenant: tenantId, secretFile }: SlackOptions): Command {
  return async (service) => {
    let way = "";
    await setChannel(service, {
      ...{ tenantId, channel: "slack", hasSecrets: true },
      read: async () => {
        const secret = await readSecret(secretFile, SECRET_OPTION);
        const account = readAccount(secret);
        if (account === null) {
          throw new CannotRun("it must be a bot token (xoxb-...) or the URL of an incoming webhook (https://...)");
        }
        way = WAYS[account.via];
        return { settings: { via: account.via }, secrets: { [SLACK_SECRETS[account.via]]: secret } };
      },
    });
    say(`Tenant ${tenantId} writes to Slack by ${way}; workers follow within 5 s`);
    return "done";
  };
}
