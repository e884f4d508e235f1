import { Command } from "commander";
import { newPrivateKey } from "../channels/push/account.ts";
import { SERVICES } from "../channels/services/list.ts";
import { deleteChannelSettings, listChannelSettings, readChannelSettings } from "../store/channel-settings.ts";
import { channelSummary } from "./channel-summary.ts";
import { fallbackCommand } from "./fallback-command.ts";
import { note } from "./note.ts";
import { operate } from "./operate.ts";
import { type Command as Run, run } from "./run.ts";
import { CannotRun, say } from "./say.ts";
import { type EmailOptions, setEmail } from "./set-email.ts";
import { type PushOptions, setPush } from "./set-push.ts";
import { type ServiceOptions, setService } from "./set-service.ts";
import { type SlackOptions, setSlack } from "./set-slack.ts";
import { type SmsOptions, setSms } from "./set-sms.ts";
import { setWebhook, type WebhookOptions } from "./set-webhook.ts";

const TENANT = ["--tenant <name>", "whose settings they are", "default"] as const;

/** `channels ...`: what tenants have set for themselves. */
export function channelsCommand(settingsHelp: string): Command {
  const channels = new Command("channels")
    .description("what tenants have set for channels, such as an e-mail account of their own")
    .addHelpText("after", settingsHelp);

  const set = channels.command("set").description("sets a channel for a tenant, in place of all it had set before");
  set
    .command("email")
    .description("gives a tenant an e-mail account of its own")
    .option(...TENANT)
    .requiredOption("--smtp-host <host>", "its mail server")
    .option("--smtp-port <port>", "587 for STARTTLS, 465 for TLS from the start", "587")
    .option("--smtp-tls <mode>", "auto, required, implicit or off", "auto")
    .option("--smtp-username <name>", "the login, if the server wants one")
    .option("--password-file <path>", "a file with the password; without it, the password comes on standard input")
    .option("--fallback-file <path>", "a file with the URLs of servers to try when that one is down, with their logins")
    .option("--envelope-from <address>", "where mail that comes back goes; without it, to --from")
    .option("--bounce-address <address>", "the same, with each delivery written into it and signed (BOUNCE_SECRET)")
    .option(
      "--reply-address <address>",
      "where readers' replies go, with each delivery written into it and signed as well",
    )
    .option("--header <line>", 'a header of its own, like "X-Team: billing"; may be given more than once', collect, [])
    .option(
      "--new-thread-days <days>",
      "a reminder's messages begin a new thread after so many days; 0: each its own",
      "7",
    )
    .option("--dkim-key-file <path>", "a file with the private key (RSA, PEM) that its messages are signed with")
    .option("--dkim-selector <name>", "names that key in the DNS")
    .option("--dkim-domain <domain>", "the domain that signs; without it, that of --from")
    .requiredOption("--from <address>", "the address that its e-mails come from")
    .option("--from-name <name>", "the name beside it", "Reminder System")
    .addHelpText("after", `\nThe password is sealed with the key in SECRETS_KEY or SECRETS_KEY_FILE.\n${settingsHelp}`)
    .action((options: EmailOptions) => run(setEmail(options)));
  set
    .command("slack")
    .description("gives a tenant a way to Slack of its own")
    .option(...TENANT)
    .option(
      "--secret-file <path>",
      "a file with the bot token (xoxb-...) or the URL of an incoming webhook; without it, on standard input",
    )
    .option(
      "--signing-secret-file <path>",
      "a file with the signing secret of the bot's app; with it, messages have buttons",
    )
    .addHelpText("after", `\n${settingsHelp}`)
    .action((options: SlackOptions) => run(setSlack(options)));
  set
    .command("webhook")
    .description("has a tenant's webhooks signed with a secret of its own")
    .option(...TENANT)
    .option("--secret-file <path>", "a file with the secret (whsec_...); without it, it comes on standard input")
    .addHelpText(
      "after",
      `\nSeveral secrets, with spaces between them, sign each webhook with each: while receivers change to a new one.\n${settingsHelp}`,
    )
    .action((options: WebhookOptions) => run(setWebhook(options)));
  set
    .command("sms")
    .description("gives a tenant an account at Twilio of its own")
    .option(...TENANT)
    .requiredOption("--account-sid <sid>", "the account (AC...)")
    .requiredOption("--from <sender>", "a number, a messaging service (MG...), or a name")
    .option("--secret-file <path>", "a file with the auth token; without it, it comes on standard input")
    .addHelpText("after", `\n${settingsHelp}`)
    .action((options: SmsOptions) => run(setSms(options)));
  set
    .command("push")
    .description("gives a tenant a key for push services of its own")
    .option(...TENANT)
    .requiredOption("--subject <url>", "where push services reach whoever runs it: mailto:... or https://...")
    .option("--secret-file <path>", "a file with the private key; without it, it comes on standard input")
    .addHelpText("after", `\n\`channels new-push-key\` prints a new key.\n${settingsHelp}`)
    .action((options: PushOptions) => run(setPush(options)));
  for (const service of SERVICES) {
    const { name, title, access, apiUrl } = service;
    const command = set
      .command(name)
      .description(`gives a tenant a way to ${title} of its own`)
      .option(...TENANT)
      .option("--secret-file <path>", `a file with ${access.told}; without it, it comes on standard input`)
      .addHelpText("after", `\n${settingsHelp}`)
      .action((options: ServiceOptions) => run(setService(service, options)));
    if (apiUrl === null) command.requiredOption("--api-url <url>", "where it runs");
    if (typeof apiUrl === "string") command.option("--api-url <url>", "where it runs", apiUrl);
    if (access.isOptional) command.option("--open", "without a secret: everybody may write there");
  }
  channels
    .command("new-push-key")
    .description("prints a new private key, for VAPID_PRIVATE_KEY or `channels set push`; the public one is made of it")
    .addHelpText("after", settingsHelp)
    .action(() => say(newPrivateKey()));
  channels
    .command("list")
    .description("lists what tenants have set")
    .option("--tenant <name>", "only this tenant's")
    .addHelpText("after", settingsHelp)
    .action(({ tenant }: { tenant?: string }) => run(list(tenant ?? null)));
  channels
    .command("show <channel>")
    .description("shows what a tenant has set; of secrets, only that they are")
    .option(...TENANT)
    .addHelpText("after", settingsHelp)
    .action((channel: string, { tenant }: { tenant: string }) => run(show(channel, tenant)));
  channels
    .command("unset <channel>")
    .description("lets a tenant use the settings of the environment again")
    .option(...TENANT)
    .addHelpText("after", settingsHelp)
    .action((channel: string, { tenant }: { tenant: string }) => run(unset(channel, tenant)));
  channels.addCommand(fallbackCommand(settingsHelp));
  return channels;
}

function collect(line: string, before: string[]): string[] {
  return [...before, line];
}

function list(tenant: string | null): Run {
  return async (service) => {
    const { database } = await operate(service, "channels list");
    const all = await listChannelSettings(database, tenant);
    if (all.length === 0) say("Nothing is set: the settings of the environment are used");
    for (const { tenantId, channel, settings } of all) {
      say(`${tenantId}  ${channel}  ${channelSummary(channel, settings)}`);
    }
    return "done";
  };
}

function show(channel: string, tenant: string): Run {
  return async (service) => {
    const { database, keyring } = await operate(service, "channels show");
    const found = (await readChannelSettings(database, channel, [tenant])).get(tenant);
    if (!found) throw nothingSet(channel, tenant);
    const secrets = [...found.secrets].map(([name, { keyId }]) => {
      return [name, keyring.has(keyId) ? "set" : `set, but sealed with the key ${keyId}, which is missing here`];
    });
    const lines = [...Object.entries(found.settings), ...secrets];
    const width = Math.max(...lines.map(([name]) => String(name).length)) + 2;
    for (const [name, value] of lines) say(`${`${name}:`.padEnd(width)}${shown(value)}`);
    return "done";
  };
}

/** Lists as their parts, objects as JSON. */
function shown(value: unknown): string {
  return typeof value === "object" && !Array.isArray(value) ? JSON.stringify(value) : String(value);
}

function unset(channel: string, tenant: string): Run {
  return async (service) => {
    const { database } = await operate(service, "channels unset");
    const wasSet = await database.transaction(async (sql) => {
      const wasSet = await deleteChannelSettings(sql, tenant, channel);
      if (wasSet) await note(sql, tenant, { operation: "channels unset", target: `channel ${channel}` });
      return wasSet;
    });
    if (!wasSet) throw nothingSet(channel, tenant);
    say(`Tenant ${tenant} uses the settings of the environment for ${channel} again; workers follow within 5 s`);
    return "done";
  };
}

function nothingSet(channel: string, tenant: string): CannotRun {
  return new CannotRun(`tenant ${tenant} has set nothing for ${channel}: see \`reminder-engine channels list\``);
}
