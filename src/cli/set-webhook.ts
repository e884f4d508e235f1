import { SIGNING_SECRETS, signingFlaw, splitSecrets, storedSigning } from "../channels/webhook/signing.ts";
import { readSecret } from "./read-secret.ts";
import type { Command } from "./run.ts";
import { CannotRun, say } from "./say.ts";
import { setChannel } from "./set-channel.ts";

export interface WebhookOptions {
  tenant: string;
  secretFile?: string;
}

const SECRET_OPTION = { what: "signing secret", option: "--secret-file", command: "channels set webhook ..." };

/** Has a tenant's webhooks signed with secrets of its own, in place of any it had. */
export function setWebhook({ tenant: tenantId, secretFile }: WebhookOptions): Command {
  return async (service) => {
    let count = 0;
    await setChannel(service, {
      ...{ tenantId, channel: "webhook", hasSecrets: true },
      read: async () => {
        const secrets = splitSecrets(await readSecret(secretFile, SECRET_OPTION));
        const flaw = signingFlaw(secrets);
        if (flaw !== null) throw new CannotRun(`the signing secret ${flaw}`);
        count = secrets.length;
        return { settings: storedSigning(secrets), secrets: { [SIGNING_SECRETS]: secrets.join(" ") } };
      },
    });
    const own = count === 1 ? "a secret of its own" : `${count} secrets of its own`;
    say(`Webhooks of tenant ${tenantId} are signed with ${own}; workers follow within 5 s`);
    return "done";
  };
}
