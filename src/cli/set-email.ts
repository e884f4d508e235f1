import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { mistakesIn, PASSWORD, StoredEmailAccount } from "../channels/email/account.ts";
import type { SealedSecret } from "../core/secret.ts";
import { NoKey } from "../secrets/keyring.ts";
import { secretKind, writeChannelSettings } from "../store/channel-settings.ts";
import { isTenant } from "../store/tenants.ts";
import { note } from "./note.ts";
import { operate } from "./operate.ts";
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

/** The options by the names under which they are stored. */
const OPTIONS: Record<string, string> = {
  smtp_host: "--smtp-host",
  smtp_port: "--smtp-port",
  smtp_tls: "--smtp-tls",
  smtp_username: "--smtp-username",
  from_email: "--from",
  from_name: "--from-name",
};
const LONGEST_PASSWORD = 1_000;

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
      const password = await readPassword(options.passwordFile);
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

/** The first line of the file, or of standard input. */
async function readPassword(path: string | undefined): Promise<string> {
  if (path === undefined && process.stdin.isTTY) {
    throw new CannotRun(
      "give the password by --password-file, or on standard input: " +
        'read -rs P && printf %s "$P" | npx reminder-engine channels set email ...',
    );
  }
  const given = path === undefined ? await text(process.stdin) : await readFile(path, "utf8").catch(refuseFile);
  const password = given.replace(/\r?\n$/, "");
  if (password === "") throw new CannotRun("the password is empty: give it by --password-file, or on standard input");
  if (password.length > LONGEST_PASSWORD || /[\p{Cc}]/u.test(password)) {
    throw new CannotRun(`the password must be one line of at most ${LONGEST_PASSWORD} characters`);
  }
  return password;
}

function refuseFile(error: unknown): never {
  throw new CannotRun(`can't read the password: ${(error as Error).message}`);
}
