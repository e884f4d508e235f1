import { Command } from "commander";
import { SCOPES } from "../api/access/scope.ts";
import { type CreateOptions, keysCreate, keysList, keysRevoke, keysRotate } from "./keys.ts";
import { run } from "./run.ts";

/** `keys` and what is below it. */
export function keysCommand(settingsHelp: string): Command {
  const keys = new Command("keys")
    .description(
      "the keys of those who use the API; on DATABASE_URL, with the role that ran migrate, or on the embedded one",
    )
    .addHelpText(
      "after",
      `
  As long as nobody has ever been given a key, the API asks nobody for one, and answers this machine only.
  ${settingsHelp}`,
    );

  keys
    .command("create")
    .description("makes a key and shows it, this once")
    .requiredOption("--scope <scopes>", `what it may do: some of ${SCOPES.join(",")}`)
    .option("--tenant <name>", "for whom it acts", "default")
    .option("--expires <duration>", "when it stops, like 90d or 24h, or never", "90d")
    .option("--name <text>", "what it is for, for people")
    .option("--per-minute <number>", "requests per minute, in place of RATE_LIMIT_PER_KEY")
    .action((options: CreateOptions) => run(keysCreate(options)));

  keys
    .command("list")
    .description("lists all keys, without their secrets")
    .option("--json", "as JSON")
    .action((options: { json?: boolean }) => run(keysList(options)));

  keys
    .command("revoke <id>")
    .description("stops a key within 5 seconds; doing it again changes nothing")
    .action((id: string) => run(keysRevoke(id)));

  keys
    .command("rotate <id>")
    .description("makes a key that may do the same, while the old one goes on for the overlap")
    .option("--overlap <duration>", "how long, like 24h", "24h")
    .action((id: string, options: { overlap: string }) => run(keysRotate(id, options)));
  return keys;
}
