import { Command } from "commander";
import { run } from "./run.ts";
import { type LimitOptions, tenantsCreate, tenantsList, tenantsSet, tenantsShow } from "./tenants.ts";

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
    .action(() => run(tenantsList));

  tenants
    .command("set <name>")
    .description("gives a tenant limits of its own; those that aren't named stay as they are")
    .option("--requests-per-minute <number>", "of all its keys, or none: as RATE_LIMIT_PER_TENANT says")
    .option("--sends-per-minute <number>", "messages within any minute, or none: as SENDS_PER_MINUTE says")
    .option(
      "--sends-per-recipient-per-hour <number>",
      "messages to one recipient within any hour, or none: as SENDS_PER_RECIPIENT_PER_HOUR says",
    )
    .addHelpText("after", "\nEvery process follows within three seconds; nothing has to be restarted.")
    .action((name: string, options: LimitOptions) => run(tenantsSet(name, options)));

  tenants
    .command("show <name>")
    .description("shows the limits of a tenant")
    .action((name: string) => run(tenantsShow(name)));
  return tenants;
}
