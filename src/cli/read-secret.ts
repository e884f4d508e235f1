import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { CannotRun } from "./say.ts";

const LONGEST_SECRET_CHARS = 1_000;

/** How people name what is read, and how they give it. */
export interface SecretOption {
  what: string;
  /** Names a file. */
  option: string;
  /** What follows `reminder-engine`. */
  command: string;
}

/** One line, from the file or from standard input: never an argument, which every user of the machine can see. */
export async function readSecret(path: string | undefined, { what, option, command }: SecretOption): Promise<string> {
  if (path === undefined && process.stdin.isTTY) {
    throw new CannotRun(
      `give the ${what} by ${option}, or on standard input: ` +
        `read -rs P && printf %s "$P" | npx reminder-engine ${command}`,
    );
  }
  const given = path === undefined ? await text(process.stdin) : await readFile(path, "utf8").catch(refuseFile(what));
  const secret = given.replace(/\r?\n$/, "");
  if (secret === "") throw new CannotRun(`the ${what} is empty: give it by ${option}, or on standard input`);
  if (secret.length > LONGEST_SECRET_CHARS || /[\p{Cc}]/u.test(secret)) {
    throw new CannotRun(`the ${what} must be one line of at most ${LONGEST_SECRET_CHARS} characters`);
  }
  return secret;
}

function refuseFile(what: string): (error: unknown) => never {
  return (error) => {
    throw new CannotRun(`can't read the ${what}: ${(error as Error).message}`);
  };
}
