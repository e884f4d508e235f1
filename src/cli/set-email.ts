import { mistakesIn, PASSWORD, StoredEmailAccount } from "../channels/email/account.ts";
import { readSecret } from "./read-secret.ts";
import type { Command } from "./run.ts";
import { CannotRun, say } from "./say.ts";
import { setChannel } from "./set-channel.ts";

/** What can be said of a tenant's e-mail account on the command line. The password can't: every user sees arguments. */
export interface EmailOptions {
  tenant: string;
  smtpHost: string;
  smtpPort?: string;
  smtpTls?: string;
  smtpUsername?: string;
  passwordFile?: string;
  from: string;
  fromName?: string;
}

const PASSWORD_OPTION = { what: "password", option: "--password-file", command: "channels set email ..." };

/** The options by the names under which they are stored. */
const OPTIONS: Record<string, string> = {
  smtp_host: "--smtp-host",
  smtp_port: "--smtp-port",
  smtp_tls: "--smtp-tls",
  smtp_username: "--smtp-username",
  from_email: "--from",
  from_name: "--from-name",
};

/** Gives a tenant an e-mail account of its own, in place of any it had. */
export function setEmail(options: EmailOptions): Command {
  return async (service) => {
    const { tenant: tenantId } = options;
    const settings = settingsOf(options);
    const hasSecrets = options.smtpUsername !== undefined;
    await setChannel(service, {
      ...{ tenantId, channel: "email", hasSecrets },
      read: async () => ({
        settings: { ...settings },
        secrets: hasSecrets ? { [PASSWORD]: await readSecret(options.passwordFile, PASSWORD_OPTION) } : {},
      }),
    });
    const { smtp_host, smtp_port, from_email } = settings;
    say(
      `Tenant ${tenantId} sends its e-mails by ${smtp_host}:${smtp_port} from ${from_email}; workers follow within 5 s`,
    );
    return "done";
  };
}

function settingsOf(options: EmailOptions): StoredEmailAccount {
  const { data, error } = StoredEmailAccount.safeParse({
    smtp_host: options.smtpHost,
    smtp_port: options.smtpPort === undefined ? undefined : Number(options.smtpPort),
    smtp_tls: options.smtpTls,
    ...(options.smtpUsername === undefined ? {} : { smtp_username: options.smtpUsername }),
    from_email: options.from,
    from_name: options.fromName,
  });
  if (data) return data;
  const mistakes = mistakesIn(error).map((mistake) => mistake.replace(/^\w+/, (name) => OPTIONS[name] ?? name));
  throw new CannotRun(mistakes.join("; "));
}
