import { Command } from "commander";
import { listOwnFallbacks, setFallback, unsetFallback } from "./fallback.ts";
import { run } from "./run.ts";

const TENANT = ["--tenant <name>", "whose messages they are", "default"] as const;

/** `channels fallback ...`: over which channel a tenant's messages go that another one can't deliver. */
export function fallbackCommand(settingsHelp: string): Command {
  const fallback = new Command("fallback")
    .description("over which channel a tenant's messages go that another one can't deliver")
    .addHelpText("after", settingsHelp);
  fallback
    .command("set <channel> <fallback>")
    .description("names the fallback of a channel for a tenant, or none; instead of what CHANNEL_FALLBACKS says of it")
    .option(...TENANT)
    .option("--after <time>", "also what has only failed for so long, like 15m; without it, what has failed for good")
    .addHelpText("after", settingsHelp)
    .action((channel: string, to: string, options: { tenant: string; after?: string }) =>
      run(setFallback(channel, to, options)),
    );
  fallback
    .command("unset <channel>")
    .description("lets CHANNEL_FALLBACKS say again what the fallback of a channel is")
    .option(...TENANT)
    .addHelpText("after", settingsHelp)
    .action((channel: string, { tenant }: { tenant: string }) => run(unsetFallback(channel, tenant)));
  fallback
    .command("list")
    .description("lists what tenants have said")
    .option("--tenant <name>", "only this tenant's")
    .addHelpText("after", settingsHelp)
    .action(({ tenant }: { tenant?: string }) => run(listOwnFallbacks(tenant ?? null)));
  return fallback;
}
