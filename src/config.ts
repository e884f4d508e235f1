import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { arrange } from "./config/arrange.ts";
import { ConfigError, type Environment, mistakesIn } from "./config/mistakes.ts";
import { SECRET } from "./config/secret.ts";
import { SETTINGS } from "./config/settings.ts";
import type { Config } from "./config/shape.ts";
import { togetherMistakes } from "./config/together.ts";

/** Validates the environment, once. Throws a `ConfigError` that lists every mistake. */
export function loadConfig(environment: Environment): Config {
  // `NAME=` in a .env file or a container's environment is how people write "not set".
  const named = Object.keys(SETTINGS.shape).map((name) => [name, environment[name]] as const);
  const set = named.filter((pair): pair is [string, string] => Boolean(pair[1]?.trim()));
  // A password may well begin with a space.
  const given = Object.fromEntries(set.map(([name, value]) => [name, SECRET.has(name) ? value : value.trim()]));
  const parsed = SETTINGS.safeParse(given);
  const mistakes = [...(parsed.success ? [] : mistakesIn(parsed.error, given)), ...togetherMistakes(given)];
  if (!parsed.success || mistakes.length > 0) throw new ConfigError(mistakes);
  return deepFreeze(arrange(parsed.data));
}

/**
 * The process's environment, on top of what `.env` in the current folder says. The secrets are taken out of the process's
 * own: it would be written into Node's diagnostic reports as it stands, and handed on to every child.
 */
export function readEnvironment(): Environment {
  const environment = { ...readDotEnv(".env"), ...process.env };
  for (const name of SECRET) delete process.env[name];
  return environment;
}

function readDotEnv(path: string): Environment {
  try {
    return parseEnv(readFileSync(path, "utf8").replace(/^\uFEFF/, ""));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return {};
    throw new ConfigError([`can't read ${path}: ${message}`]);
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (inner !== null && typeof inner === "object") deepFreeze(inner);
  return Object.freeze(value);
}
