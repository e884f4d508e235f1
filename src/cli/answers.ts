import { randomBytes } from "node:crypto";
import { Command } from "commander";
import { DEFAULT_TENANT } from "../core/tenant.ts";
import { rotateAnswerKey } from "../store/answer-keys.ts";
import { note } from "./note.ts";
import { ownedDatabase } from "./owned-database.ts";
import { type Command as Run, run } from "./run.ts";
import { CannotRun, say } from "./say.ts";

interface RotateOptions {
  atOnce?: true;
}

/** As long as any link may be used. */
const MOST_DAYS = 365;

/** `answers` and what is below it. */
export function answersCommand(settingsHelp: string): Command {
  const answers = new Command("answers")
    .description(
      "the links by which messages are answered; on DATABASE_URL, with the role that ran migrate, or on the embedded one",
    )
    .addHelpText("after", settingsHelp);

  answers
    .command("rotate-key")
    .description("signs links with a new key from now on; what was sent already goes on until it expires")
    .option("--at-once", "links that were sent already end now, for a key that somebody may have got hold of")
    .action((options: RotateOptions) => run(rotate(options)));
  return answers;
}

function rotate({ atOnce }: RotateOptions): Run {
  return async (service) => {
    const database = await ownedDatabase(service, "answers");
    const added = await database.transaction(async (sql) => {
      const key = await rotateAnswerKey(sql, randomBytes(32), atOnce ? 0 : MOST_DAYS);
      const details = { at_once: atOnce ?? false };
      if (key) await note(sql, DEFAULT_TENANT, { operation: "answers rotate-key", target: `key ${key.id}`, details });
      return key;
    });
    if (!added)
      throw new CannotRun("there are 256 keys already whose links may still be used: end them with --at-once");
    say(
      atOnce
        ? `Links are signed with key ${added.id} within 2 seconds; all that were sent before are good no more.`
        : `Links are signed with key ${added.id} within 2 seconds; those that were sent before go on until they expire.`,
    );
    return "done";
  };
}
