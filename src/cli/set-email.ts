import { mistakesIn, PASSWORD, StoredEmailAccount } from "../channels/email/account.ts";
import type { SealedSecret } from "../core/secret.ts";
import { NoKey } from "../secrets/keyring.ts";
import { secretKind, writeChannelSettings } from "../store/channel-settings.ts";
import { isTenant } from "../store/tenants.ts";
import { note } from "./note.ts";
import { operate } from "./operate.ts";
import { readSecret } from "./read-secret.ts";
import type { Command } from "./run.ts";
import { CannotRun, say } from "./say.ts";

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
    const { database, keyring } = await operate(service, "channels set");
    if (!(await isTenant(database, tenantId))) {
      throw new CannotRun(`there is no tenant ${tenantId}: create it with \`reminder-engine tenants create\``);
    }
    const secrets = new Map<string, SealedSecret>();
    if (options.smtpUsername !== undefined) {
      // Said before anybody types a password.
      if (keyring.newestId === null) throw new CannotRun(new NoKey().message);
      const password = await readSecret(options.passwordFile, PASSWORD_OPTION);
      secrets.set(PASSWORD, keyring.seal({ tenantId, kind: secretKind("email"), name: PASSWORD }, password));
    }
    await database.transaction(async (sql) => {
      await writeChannelSettings(sql, { tenantId, channel: "email", settings, secrets });
      await note(sql, tenantId, { operation: "channels set", target: "channel email", details: { ...settings } });
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
