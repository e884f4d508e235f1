import { isSigningSecret, readAccount, SLACK_SECRETS, SLACK_SIGNING_SECRET } from "../channels/slack/account.ts";
import { readSecret } from "./read-secret.ts";
import type { Command } from "./run.ts";
import { CannotRun, say } from "./say.ts";
import { setChannel } from "./set-channel.ts";

export interface SlackOptions {
  tenant: string;
  secretFile?: string;
  signingSecretFile?: string;
}

const SECRET_OPTION = { what: "bot token or webhook URL", option: "--secret-file", command: "channels set slack ..." };
const SIGNING_OPTION = { ...SECRET_OPTION, what: "signing secret", option: "--signing-secret-file" };
const WAYS = { bot: "a bot of its own", webhook: "an incoming webhook of its own" };

/** Gives a tenant a way to Slack of its own, in place of any it had: which one, the secret itself says. */
export function setSlack({ tenant: tenantId, secretFile, signingSecretFile }: SlackOptions): Command {
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
        const signing = signingSecretFile === undefined ? {} : await readSigning(account.via, signingSecretFile);
        way = WAYS[account.via] + (signingSecretFile === undefined ? "" : ", with buttons");
        return { settings: { via: account.via }, secrets: { [SLACK_SECRETS[account.via]]: secret, ...signing } };
      },
    });
    say(`Tenant ${tenantId} writes to Slack by ${way}; workers follow within 5 s`);
    return "done";
  };
}

async function readSigning(via: keyof typeof WAYS, path: string): Promise<Record<string, string>> {
  if (via !== "bot") throw new CannotRun("only messages of a bot have buttons: leave --signing-secret-file out");
  const secret = await readSecret(path, SIGNING_OPTION);
  if (isSigningSecret(secret)) return { [SLACK_SIGNING_SECRET]: secret };
  throw new CannotRun("the signing secret must be letters and digits, 16 to 100 of them");
}
