import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { Environment } from "../config/mistakes.ts";
import { isPostgresUrl } from "../config/values.ts";
import { readEnvironment } from "../config.ts";
import { withoutSecrets } from "../core/secret-forms.ts";
import { isTenantName } from "../core/tenant.ts";
import { type NamedQueries, SqlQueryRunner } from "../store/sql-queries.ts";
import { HIDDEN } from "../telemetry/hide.ts";
import { passwordsIn } from "../telemetry/url-password.ts";
import type { Service } from "./run.ts";
import { CannotRun } from "./say.ts";

const NOT_SHOWN = "what it said isn't shown, as it has the password in it";

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, "a name must be small letters, digits, hyphens and underscores");

const DatabaseEntry = z.strictObject({
  url: z.string().refine(isPostgresUrl, "must be a URL like postgresql://user:password@host:5432/database").optional(),
  /** The environment variable that holds the URL, so that no password is in the file. */
  url_env: z.string().min(1).optional(),
  max_connections: z.int().min(1).max(20).default(3),
  timeout_seconds: z.number().min(0.1).max(10).default(2),
});

const QueryEntry = z.strictObject({
  database: name,
  sql: z
    .string()
    .min(1)
    .max(10_000)
    .refine((sql) => !sql.includes(";"), "must be one query, without a semicolon"),
  parameters: z.array(z.string().min(1).max(200)).max(20).default([]),
  tenants: z.array(z.string().refine(isTenantName, "must be tenants' names")).min(1).optional(),
});

const SqlChecksFile = z.strictObject({
  databases: z.record(name, DatabaseEntry),
  queries: z.record(name, QueryEntry),
});

/** The queries of SQL_CHECKS_FILE; none without it. Throws `CannotRun` with everything that is wrong with it. */
export async function namedQueries({ config: { sqlChecksFile } }: Pick<Service, "config">): Promise<NamedQueries> {
  if (sqlChecksFile === null) return { databases: new Map(), queries: new Map() };
  return readQueries(sqlChecksFile, readEnvironment());
}

/** Asks them. What a database says of a failure is in the log, but for its password: some say back what they got. */
export function openQueries({ log, opened }: Pick<Service, "log" | "opened">, named: NamedQueries): SqlQueryRunner {
  const passwords = [...named.databases.values()].flatMap(({ url }) => passwordsIn(url));
  const runner = new SqlQueryRunner(named, (error, query) => {
    const { code, message } = error as { code?: string; message?: string };
    const said = withoutSecrets(String(message ?? error), passwords, HIDDEN) ?? NOT_SHOWN;
    log.warn({ query, code, said }, "a query of SQL_CHECKS_FILE failed");
  });
  opened.add("sql_check databases", () => runner.close());
  return runner;
}

export async function readQueries(path: string, environment: Environment): Promise<NamedQueries> {
  const fail = (mistakes: readonly string[]): never => {
    throw new CannotRun(`SQL_CHECKS_FILE (${path}): ${mistakes.join("; ")}`);
  };
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    // What can't be parsed may hold a password, and V8 quotes it.
    return fail([error instanceof SyntaxError ? "it is no JSON" : `can't be read: ${(error as Error).message}`]);
  }
  const { data, error } = SqlChecksFile.safeParse(json);
  if (!data) return fail(error.issues.map(({ path: at, message }) => `${at.map(String).join(".")} ${message}`));

  const mistakes: string[] = [];
  const databases = Object.entries(data.databases).map(([name, entry]) => {
    const url = entry.url ?? (entry.url_env ? environment[entry.url_env]?.trim() : undefined);
    if ((entry.url === undefined) === (entry.url_env === undefined)) {
      mistakes.push(`databases.${name} must have either url or url_env`);
    } else if (url === undefined || !isPostgresUrl(url)) {
      mistakes.push(`databases.${name}: the environment variable ${entry.url_env} must be a URL like postgresql://…`);
    }
    const { max_connections: maxConnections, timeout_seconds: timeoutSeconds } = entry;
    return [name, { url: url ?? "", maxConnections, timeoutSeconds }] as const;
  });
  // As all secrets of the environment: see `readEnvironment`.
  for (const { url_env } of Object.values(data.databases)) if (url_env !== undefined) delete process.env[url_env];
  const queries = Object.entries(data.queries).map(([name, { database, sql, parameters, tenants }]) => {
    if (!Object.hasOwn(data.databases, database))
      mistakes.push(`queries.${name}.database: there is no database ${database}`);
    const highest = Math.max(0, ...[...sql.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
    if (highest !== parameters.length) {
      mistakes.push(
        `queries.${name}.parameters must name what $1 to $${highest} are: ${highest}, not ${parameters.length}`,
      );
    }
    return [name, { database, sql, parameters, tenants: tenants ?? null }] as const;
  });
  return mistakes.length > 0 ? fail(mistakes) : { databases: new Map(databases), queries: new Map(queries) };
}
