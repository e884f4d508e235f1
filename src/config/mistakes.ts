import type { z } from "zod";
import { HIDDEN, hider } from "../telemetry/hide.ts";
import { hideUrlPasswords } from "../telemetry/url-password.ts";
import { SECRET } from "./secret.ts";
import { UNENCODED_PASSWORD } from "./values.ts";

/** Settings by their names, as they are given. */
export type Environment = Record<string, string | undefined>;

/** One line for each mistake; none of them shows a secret. */
export class ConfigError extends Error {
  override name = "ConfigError";
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(lines.join("\n"));
    this.lines = lines;
  }
}

/** A line for each setting that isn't what it must be. */
export function mistakesIn(error: z.ZodError, given: Environment): string[] {
  // Somebody may have put a secret into the line beside its own; and whatever else is in a query, may be one.
  const hide = hider([...SECRET].map((name) => given[name]));
  const firstOfEach = new Map(error.issues.toReversed().map((issue) => [String(issue.path[0]), issue.message]));
  return [...firstOfEach].toReversed().map(([name, what]) => {
    if (what === UNENCODED_PASSWORD) return `${name}: ${what}`;
    const value = hide(hideUrlPasswords(given[name] ?? "", HIDDEN)).replace(/(?<=:\/\/[^?]*\?).+/, HIDDEN);
    const shown = SECRET.has(name)
      ? ""
      : `, not ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`;
    return `${name} must be ${what}${shown}`;
  });
}
