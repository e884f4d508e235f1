#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { answersCommand } from "./cli/answers.ts";
import { api } from "./cli/api.ts";
import { channelsCommand } from "./cli/channels.ts";
import { keysCommand } from "./cli/keys-command.ts";
import { migrateOnce } from "./cli/migrate-once.ts";
import { run } from "./cli/run.ts";
import { secretsCommand } from "./cli/secrets.ts";
import { start } from "./cli/start.ts";
import { tenantsCommand } from "./cli/tenants-command.ts";
import { worker } from "./cli/worker.ts";

const { version, description } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
  description: string;
};

const SETTINGS_HELP = `
Settings are environment variables, or lines of .env in the current folder; .env.example explains them all.`;

const program = new Command("reminder-engine")
  .description(description)
  .version(version)
  .addHelpText("after", SETTINGS_HELP)
  .showHelpAfterError("(--help shows what there is)");

program
  .command("start")
  .description("everything in one process: database, API and worker")
  .addHelpText(
    "after",
    `
Without DATABASE_URL it brings its own PostgreSQL, with its files in DATA_DIR (default .data); with it, it uses that one.
Creates or updates the tables by itself. Ctrl-C stops it; the data stays.
${SETTINGS_HELP}`,
  )
  .action(() => run(start));

program
  .command("api")
  .description("the HTTP API alone, on HOST:PORT; needs DATABASE_URL and its tables (see migrate)")
  .addHelpText("after", SETTINGS_HELP)
  .action(() => run(api));

program
  .command("worker")
  .description("one worker alone: fires and sends what is due; needs DATABASE_URL and its tables (see migrate)")
  .addHelpText("after", `\nAny number of workers may run at once, on any number of machines.\n${SETTINGS_HELP}`)
  .action(() => run(worker));

program
  .command("migrate")
  .description("creates the tables in DATABASE_URL, or brings them up to date, and ends")
  .addHelpText("after", `\nMay run at any time, and many at once: they take turns.\n${SETTINGS_HELP}`)
  .action(() => run(migrateOnce));

program.addCommand(tenantsCommand(SETTINGS_HELP));
program.addCommand(channelsCommand(SETTINGS_HELP));
program.addCommand(secretsCommand(SETTINGS_HELP));
program.addCommand(keysCommand(SETTINGS_HELP));
program.addCommand(answersCommand(SETTINGS_HELP));

await program.parseAsync();
