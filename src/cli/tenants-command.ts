import { Command } from "commander";
import { run } from "./run.ts";
import { type OwnOptions, tenantsCreate, tenantsList, tenantsSet, tenantsShow } from "./tenants.ts";

/** `tenants` and what is below it. */
export function tenantsCommand(settingsHelp: string): Command {
  const tenants = new Command("tenants")
    .description(
      "the tenants of this installation; on DATABASE_URL, with the role that ran migrate, or on the embedded one",
    )
    .addHelpText("after", settingsHelp);

  tenants
    .command("create <name>")
    .description("creates a tenant; doing it again changes nothing")
    .action((name: string) => run(tenantsCreate(name)));

  tenants
    .command("list")
    .description("lists them by name, one a line")
    .option("--json", "as JSON, with the limits of each")
    .action((options: { json?: true }) => run(tenantsList(options)));

  tenants
    .command("set <name>")
    .description("gives a tenant limits, a time zone and quiet hours of its own; what isn't named stays as it is")
    .option("--requests-per-minute <number>", "of all its keys, or none: as RATE_LIMIT_PER_TENANT says")
    .option("--sends-per-minute <number>", "messages within any minute, or none: as SENDS_PER_MINUTE says")
    .option(
      "--sends-per-recipient-per-hour <number>",
      "messages to one recipient within any hour, or none: as SENDS_PER_RECIPIENT_PER_HOUR says",
    )
    .option("--max-reminders <number>", "reminders that are ACTIVE at once, or none: as many as there are")
    .option(
      "--time-zone <name>",
      "whose clocks its reminders go by where neither they nor their contact say so, or none: UTC",
    )
    .option(
      "--quiet-hours <windows>",
      'for contacts that have none of their own, like "22:00-07:00; sat,sun 00:00-24:00", or none',
    )
    .addHelpText("after", "\nEvery process follows within three seconds; nothing has to be restarted.")
    .action((name: string, options: OwnOptions) => run(tenantsSet(name, options)));

  tenants
    .command("show <name>")
    .description("shows what is a tenant's own")
    .action((name: string) => run(tenantsShow(name)));
  return tenants;
}
