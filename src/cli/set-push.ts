import { PRIVATE_KEY, PUSH_WORDS, readPushAccount } from "../channels/push/account.ts";
import { readSecret } from "./read-secret.ts";
import type { Command } from "./run.ts";
import { CannotRun, say } from "./say.ts";
import { setChannel } from "./set-channel.ts";

export interface PushOptions {
  tenant: string;
  subject: string;
  secretFile?: string;
}

const SECRET_OPTION = { what: "private key", option: "--secret-file", command: "channels set push ..." };

/** Gives a tenant a key for push services of its own, in place of any it had. */
export function setPush({ tenant: tenantId, subject, secretFile }: PushOptions): Command {
  return async (service) => {
    let shown = "";
    await setChannel(service, {
      ...{ tenantId, channel: "push", hasSecrets: true },
      read: async () => {
        const privateKey = await readSecret(secretFile, SECRET_OPTION);
        if (readPushAccount(privateKey, "mailto:a@example.com") === null)
          throw new CannotRun(`the private key must be ${PUSH_WORDS.privateKey}`);
        const account = readPushAccount(privateKey, subject);
        if (account === null) throw new CannotRun(`--subject must be ${PUSH_WORDS.subject}`);
        shown = account.publicKey;
        return { settings: { public_key: account.publicKey, subject }, secrets: { [PRIVATE_KEY]: privateKey } };
      },
    });
    say(`Tenant ${tenantId} sends push messages by the public key ${shown}; workers follow within 5 s`);
    say("Devices that subscribed before by another key have to subscribe again");
    return "done";
  };
}
