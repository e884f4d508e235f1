import { type Logger, type LoggerOptions, pino } from "pino";
import { PinoPretty as pretty } from "pino-pretty";
import { hideBearers } from "./bearers.ts";
import { hideUrlPasswords } from "./url-password.ts";

export interface LogOptions {
  level: string;
  /** Values that must never appear, whatever they are part of. */
  secrets?: readonly (string | null | undefined)[];
  /** Where to. Standard error unless told otherwise: standard output is for what a command answers. */
  destination?: { write(line: string): unknown };
}

/** Shorter ones are hardly secret, and hiding every "a" would make the log unreadable. */
const SHORTEST_SECRET = 6;
const HIDDEN = "[hidden]";

/** Where secrets usually stand. */
const SECRET_NAMES = ["password", "authorization", "cookie", "token", "secret", "apiKey", "api_key"];

/** The program's log: JSON lines for machines, or, when a person looks at a terminal, lines for people. No secrets. */
export function createLog({ level, secrets = [], destination = standardError() }: LogOptions): Logger {
  const hidden = secrets.filter((secret) => typeof secret === "string" && secret.length >= SHORTEST_SECRET) as string[];
  const options: LoggerOptions = {
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.headers.${name}`]),
      censor: HIDDEN,
    },
    hooks: { streamWrite: (line) => hide(line, hidden) },
  };
  return pino(options, destination as pino.DestinationStream);
}

function hide(line: string, secrets: readonly string[]): string {
  let shown = hideBearers(hideUrlPasswords(line, HIDDEN), HIDDEN);
  // As it stands in a JSON string.
  for (const secret of secrets) shown = shown.replaceAll(JSON.stringify(secret).slice(1, -1), HIDDEN);
  return shown;
}

/** Written synchronously: the last line before an end is the one that tells why. */
function standardError(): pino.DestinationStream {
  const destination = process.stderr.isTTY
    ? pretty({ destination: 2, sync: true, translateTime: "SYS:HH:MM:ss", ignore: "pid,hostname", singleLine: true })
    : pino.destination({ dest: 2, sync: true });
  // A reader that went away (`2>&1 | head`, a closed terminal) ends the log, not the program.
  destination.on("error", () => {});
  return destination;
}
