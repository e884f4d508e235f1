import { type Logger, type LoggerOptions, pino } from "pino";
import { PinoPretty as pretty } from "pino-pretty";
import { hideBearers } from "./bearers.ts";
import { HIDDEN, hider } from "./hide.ts";
import { hideUrlPasswords } from "./url-password.ts";

export interface LogOptions {
  level: string;
  /** Values that must never appear, whatever they are part of. */
  secrets?: readonly (string | null | undefined)[];
  /** Where to. Standard error unless told otherwise: standard output is for what a command answers. */
  destination?: { write(line: string): unknown };
}

/** Where secrets usually stand. */
const SECRET_NAMES = ["password", "authorization", "cookie", "token", "secret", "apiKey", "api_key"];

/** The program's log: JSON lines for machines, or, when a person looks at a terminal, lines for people. No secrets. */
export function createLog({ level, secrets = [], destination = standardError() }: LogOptions): Logger {
  const hide = hider(secrets);
  const options: LoggerOptions = {
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.headers.${name}`]),
      censor: HIDDEN,
    },
    hooks: { streamWrite: (line) => hide(hideBearers(hideUrlPasswords(line, HIDDEN), HIDDEN)) },
  };
  return pino(options, destination as pino.DestinationStream);
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
