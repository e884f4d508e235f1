import { readFile } from "node:fs/promises";
import { mistakesIn, PASSWORD, StoredEmailAccount } from "../channels/email/account.ts";
import { BadDkim, DKIM_KEY, type Dkim, dnsRecord, readDkim } from "../channels/email/dkim.ts";
import { FALLBACK, parseSmtpUrls, SMTP_URLS } from "../channels/email/smtp-url.ts";
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
  fallbackFile?: string;
  envelopeFrom?: string;
  bounceAddress?: string;
  replyAddress?: string;
  header?: string[];
  newThreadDays?: string;
  dkimKeyFile?: string;
  dkimSelector?: string;
  dkimDomain?: string;
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
  envelope_from: "--envelope-from",
  bounce_address: "--bounce-address",
  reply_address: "--reply-address",
  headers: "--header",
  new_thread_after_days: "--new-thread-days",
  dkim_selector: "--dkim-selector",
  dkim_domain: "--dkim-domain",
};

/** Gives a tenant an e-mail account of its own, in place of any it had. */
export function setEmail(options: EmailOptions): Command {
  return async (service) => {
    const { tenant: tenantId } = options;
    const fallback = await fallbackOf(options);
    const settings = settingsOf(options, fallback);
    const pem = await keyOf(options);
    const dkim = pem === null ? null : readWholeDkim(settings, pem);
    const hasPassword = options.smtpUsername !== undefined;
    const hasSecrets = hasPassword || fallback !== null || pem !== null;
    await setChannel(service, {
      ...{ tenantId, channel: "email", hasSecrets },
      read: async () => ({
        settings: { ...settings },
        secrets: {
          ...(hasPassword ? { [PASSWORD]: await readSecret(options.passwordFile, PASSWORD_OPTION) } : {}),
          ...(fallback === null ? {} : { [FALLBACK]: fallback }),
          ...(pem === null ? {} : { [DKIM_KEY]: pem }),
        },
      }),
    });
    const { smtp_host, smtp_port, from_email } = settings;
    say(
      `Tenant ${tenantId} sends its e-mails by ${smtp_host}:${smtp_port} from ${from_email}; workers follow within 5 s`,
    );
    if (dkim !== null) {
      const { name, text } = dnsRecord(dkim);
      say(`Its signatures (DKIM) are good once this is in the DNS:\n${name} TXT "${text}"`);
    }
    return "done";
  };
}

/** The URLs of the other servers; null where there are none. */
async function fallbackOf({ fallbackFile }: EmailOptions): Promise<string | null> {
  if (fallbackFile === undefined) return null;
  const urls = await readOption("--fallback-file", fallbackFile);
  if (parseSmtpUrls(urls) === null) throw new CannotRun(`--fallback-file must hold ${SMTP_URLS}`);
  return urls.trim();
}

/** The private key that its messages are signed with; null where they aren't. */
async function keyOf({ dkimKeyFile, dkimSelector, dkimDomain }: EmailOptions): Promise<string | null> {
  if ((dkimKeyFile === undefined) !== (dkimSelector === undefined) || (dkimDomain !== undefined && !dkimKeyFile)) {
    throw new CannotRun("--dkim-key-file and --dkim-selector belong together: both or neither");
  }
  return dkimKeyFile === undefined ? null : await readOption("--dkim-key-file", dkimKeyFile);
}

function readWholeDkim({ from_email, dkim_selector, dkim_domain }: StoredEmailAccount, pem: string): Dkim {
  try {
    return readDkim(from_email, { domain: dkim_domain ?? null, selector: dkim_selector ?? "", pem });
  } catch (error) {
    if (error instanceof BadDkim)
      throw new CannotRun(`--dkim-key-file, --dkim-selector and --dkim-domain: it ${error.message}`);
    throw error;
  }
}

async function readOption(option: string, path: string): Promise<string> {
  return await readFile(path, "utf8").catch((error: Error) => {
    throw new CannotRun(`${option} can't be read: ${error.message}`);
  });
}

function settingsOf(options: EmailOptions, fallback: string | null): StoredEmailAccount {
  const { data, error } = StoredEmailAccount.safeParse({
    smtp_host: options.smtpHost,
    smtp_port: options.smtpPort === undefined ? undefined : Number(options.smtpPort),
    smtp_tls: options.smtpTls,
    smtp_fallback: (parseSmtpUrls(fallback ?? "") ?? []).map(({ host, port }) => `${host}:${port}`),
    ...(options.dkimSelector === undefined ? {} : { dkim_selector: options.dkimSelector }),
    ...(options.dkimDomain === undefined ? {} : { dkim_domain: options.dkimDomain }),
    ...(options.smtpUsername === undefined ? {} : { smtp_username: options.smtpUsername }),
    from_email: options.from,
    ...(options.envelopeFrom === undefined ? {} : { envelope_from: options.envelopeFrom }),
    ...(options.bounceAddress === undefined ? {} : { bounce_address: options.bounceAddress }),
    ...(options.replyAddress === undefined ? {} : { reply_address: options.replyAddress }),
    headers: headersOf(options.header ?? []),
    new_thread_after_days: options.newThreadDays === undefined ? undefined : Number(options.newThreadDays),
    from_name: options.fromName,
  });
  if (data) return data;
  const mistakes = mistakesIn(error).map((mistake) => mistake.replace(/^\w+/, (name) => OPTIONS[name] ?? name));
  throw new CannotRun(mistakes.join("; "));
}

/** Headers as `Name: value`. */
function headersOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^([^:]+): *(.*)$/s.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new CannotRun('--header must be like "X-Team: billing"');
      return [name, value];
    }),
  );
}
