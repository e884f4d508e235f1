import { ConfigError } from "../config/mistakes.ts";
import { EmbeddedError } from "../store/embedded.ts";
import { MigrationError } from "../store/migrate.ts";
import { isDatabaseAway } from "../store/postgres.ts";
import { refusalOf } from "./refusals.ts";

/** The command can't do its work. The message is one line for the user that says why and what to do. */
export class CannotRun extends Error {
  override name = "CannotRun";
}

/** What a command answers, on standard output. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What is to be said beside that, on standard error. */
export function remark(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * Why a command failed, on standard error: a line for each mistake, or, for a bug, all that is known. `hide` takes secrets
 * out of it: others, such as a server that refused us, may have put into words what they got.
 */
export function complain(error: unknown, hide: (text: string) => string): void {
  for (const line of explain(error)) process.stderr.write(`✖ ${hide(line)}\n`);
}

function explain(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.lines;
  if (error instanceof CannotRun || error instanceof EmbeddedError || error instanceof MigrationError) {
    return [error.message];
  }
  const refusal = refusalOf(error);
  if (refusal) return [refusal];
  if (isDatabaseAway(error)) {
    return [`the connection to PostgreSQL broke: ${(error as Error).message}: try again once it is there`];
  }
  return [`this is a bug: ${error instanceof Error ? error.stack : String(error)}`];
}
