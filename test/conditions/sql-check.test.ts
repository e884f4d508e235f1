import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { openQueries, readQueries } from "../../src/cli/sql-checks.ts";
import { StopList } from "../../src/cli/stop-list.ts";
import { sqlCheck } from "../../src/conditions/sql-check.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { tellsSecret } from "../../src/core/secret-forms.ts";
import type { StopSubject } from "../../src/core/stop-subject.ts";
import { openDatabase } from "../../src/store/postgres.ts";
import { type NamedQuery, SqlQueryRunner } from "../../src/store/sql-queries.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { indiscreetDatabase } from "../support/indiscreet-database.ts";

/** A database of somebody else's, with invoices. */
async function billing(): Promise<{ url: string; drop(): Promise<void>; query: (sql: string) => Promise<unknown[]> }> {
  const server = openDatabase({ url: inject("serverUrl"), poolSize: 1 });
  const name = `billing_${randomUUID().replaceAll("-", "")}`;
  await server.runAlone(`create database ${name}`);
  const url = new URL(inject("serverUrl"));
  url.pathname = `/${name}`;
  const database = openDatabase({ url: url.href, poolSize: 2 });
  await database.query("create table invoices (id text primary key, tenant text, paid boolean)");
  await database.query(
    "insert into invoices values ('1', 'default', true), ('2', 'default', false), ('3', 'default', null)",
  );
  const drop = () => server.runAlone(`drop database if exists ${name} with (force)`);
  onTestFinished(async () => {
    await database.close();
    await drop();
    await server.close();
  });
  return { url: url.href, drop, query: (sql) => database.query(sql) };
}

function runnerOn(url: string, queries: Record<string, Partial<NamedQuery>>, timeoutSeconds = 5) {
  const errors: unknown[] = [];
  const named = Object.entries(queries).map(([name, query]): [string, NamedQuery] => [
    name,
    { database: "billing", sql: "select true", parameters: [], tenants: null, ...query },
  ]);
  const runner = new SqlQueryRunner(
    { databases: new Map([["billing", { url, maxConnections: 2, timeoutSeconds }]]), queries: new Map(named) },
    (error) => errors.push(error),
  );
  onTestFinished(() => runner.close());
  return { runner, errors };
}

type Asked = { tenantId?: string; entityId?: string; data?: JsonObject; settings?: JsonObject };

/** The state and the sentence. */
async function ask(runner: SqlQueryRunner, value: string, asked: Asked = {}): Promise<[string, string]> {
  const { tenantId = "default", entityId = "1", data = {}, settings = {} } = asked;
  const reminder = {
    id: 7,
    tenantId,
    entityType: "invoice",
    entityId,
    eventType: "payment",
    channel: "email",
    recipient: null,
    data,
  };
  const asking = { queries: runner, signal: new AbortController().signal } as never;
  try {
    const condition = { type: "sql_check", value, settings };
    const answer = await sqlCheck.answer(condition, { reminder } as unknown as StopSubject, asking);
    return [answer.state, answer.because];
  } catch (error) {
    return ["unknown", (error as Error).message];
  }
}

const PAID = { sql: "select paid from invoices where id = $1 and tenant = $2", parameters: ["entity_id", "tenant_id"] };

test("true is done; false, null and no row are not; anything else is unknown", async () => {
  const { runner } = runnerOn((await billing()).url, {
    paid: PAID,
    text: { sql: "select 'true'" },
    nothing: { sql: "select from invoices" },
  });
  expect(await ask(runner, "paid", { entityId: "1" })).toEqual(["met", "the query paid says that it is done"]);
  expect(await ask(runner, "paid", { entityId: "2" })).toEqual(["not_met", "the query paid says that it is not done"]);
  expect(await ask(runner, "paid", { entityId: "3" })).toEqual(["not_met", "the query paid says that it is not done"]);
  expect(await ask(runner, "paid", { entityId: "4" })).toEqual(["not_met", "the query paid found no row"]);
  expect(await ask(runner, "text")).toEqual(["unknown", "the query text answers with neither true nor false"]);
  expect(await ask(runner, "nothing")).toEqual(["unknown", "the query nothing answers with neither true nor false"]);
});

test("what a reminder holds is a parameter and never a part of the query", async () => {
  const { runner } = runnerOn((await billing()).url, { paid: { ...PAID, parameters: ["invoice", "tenant_id"] } });
  const settings = { parameters: { invoice: "data.invoice.id" } };
  const withId = (id: unknown) => ask(runner, "paid", { data: { invoice: { id } } as JsonObject, settings });
  expect((await withId("1"))[0]).toBe("met");
  expect((await withId("' or true --"))[0]).toBe("not_met");
  for (const id of [null, ["1"], { a: 1 }])
    expect((await withId(id))[1]).toContain("no text or number in data.invoice.id");
  expect((await ask(runner, "paid"))[1]).toContain("parameter invoice has no value");
});

test("nobody but the reminder says whose it is, and who isn't listed may not use it", async () => {
  const { runner } = runnerOn((await billing()).url, { paid: PAID, ours: { ...PAID, tenants: ["acme"] } });
  const settings = { parameters: { tenant_id: "data.tenant" } };
  expect((await ask(runner, "paid", { tenantId: "acme", data: { tenant: "default" }, settings }))[0]).toBe("not_met");
  expect(sqlCheck.settings?.safeParse(settings).success).toBe(false);
  const none = ["unknown", "the query ours is none that may be used here"];
  expect(await ask(runner, "ours")).toEqual(none);
  expect((await ask(runner, "ours", { tenantId: "acme" }))[0]).toBe("not_met");
  expect((await ask(runner, "nothing"))[1]).toContain("is none that may be used here");
});

test("nothing is written, whatever the operator has written", async () => {
  const database = await billing();
  await database.query(`create function pay() returns boolean language plpgsql as
    $$ begin update invoices set paid = true; return true; end $$`);
  const { runner } = runnerOn(database.url, {
    function: { sql: "select pay()" },
    update: { sql: "update invoices set paid = true returning paid" },
    cte: { sql: "with x as (delete from invoices returning true) select true from x" },
    setting: { sql: "select set_config('transaction_read_only', 'off', false) = 'off' and pay()" },
  });
  for (const name of ["function", "update", "cte", "setting"]) {
    expect((await ask(runner, name))[0], name).toBe("unknown");
  }
  expect(await database.query("select id from invoices where paid")).toEqual([{ id: "1" }]);
});

test("one row is fetched of however many, and connections are used again, at most as many as there may be", async () => {
  const database = await billing();
  const { runner } = runnerOn(database.url, {
    many: { sql: "select true from generate_series(1, 10000), generate_series(1, 10000) as more" },
  });
  const states = await Promise.all(Array.from({ length: 20 }, () => ask(runner, "many")));
  expect(new Set(states.map(([state]) => state))).toEqual(new Set(["met"]));
  const sessions = await database.query(
    "select from pg_stat_activity where datname = current_database() and application_name = 'reminder-engine sql_check'",
  );
  expect(sessions.length).toBeLessThanOrEqual(2);
});

test("what takes too long, is refused, or isn't there is unknown, without a word of the database's own", async () => {
  const database = await billing();
  const { runner, errors } = runnerOn(
    database.url,
    { slow: { sql: "select pg_sleep(60) is null" }, wrong: { sql: "select secret_column from invoices" }, paid: PAID },
    0.3,
  );
  expect(await ask(runner, "slow")).toEqual(["unknown", "the query slow did not answer within 0.3 s"]);
  expect(await ask(runner, "wrong")).toEqual([
    "unknown",
    "the query wrong was refused by its database (SQLSTATE 42703)",
  ]);
  expect((await ask(runner, "paid"))[0]).toBe("met");
  await database.drop();
  expect(await ask(runner, "paid")).toEqual(["unknown", "the query paid can't reach its database"]);
  expect(String(errors[1])).toContain("secret_column");
});

test.each([
  ["as it is", (password: string) => password, "password [hidden] is wrong"],
  ["in base64", btoa, "password [hidden] is wrong"],
  ["behind a name in base64", (password: string) => btoa(`u:${password}`), "isn't shown"],
])("a password that its database says back %s is not in the log", async (_, form, said) => {
  const [password, lines] = ["canary-7f3a", [] as string[]];
  const url = `postgresql://me:${password}@127.0.0.1:${await indiscreetDatabase(form)}/billing`;
  const log = createLog({ level: "trace", destination: { write: (line) => lines.push(line) } });
  const opened = new StopList(log);
  const databases = new Map([["billing", { url, maxConnections: 1, timeoutSeconds: 1 }]]);
  const query = { database: "billing", sql: "select true", parameters: [], tenants: null };
  const runner = openQueries({ log, opened }, { databases, queries: new Map([["paid", query]]) });

  expect(await ask(runner, "paid")).toEqual(["unknown", "the query paid can't reach its database"]);

  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { query: "paid", code: "28P01", said: expect.stringContaining(said) },
  ]);
  expect(tellsSecret(lines.join(), password)).toBe(false);
  await opened.close(performance.now() + 1_000);
});

test("the variable that a database's URL comes from is taken out of the environment, as all secrets are", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sql-checks-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "checks.json");
  await writeFile(path, JSON.stringify({ databases: { billing: { url_env: "BILLING_URL_OF_A_TEST" } }, queries: {} }));
  process.env.BILLING_URL_OF_A_TEST = "postgresql://me:hunter2@db/billing";

  const { databases } = await readQueries(path, { ...process.env });

  expect(databases.get("billing")?.url).toContain("hunter2");
  expect(process.env).not.toHaveProperty("BILLING_URL_OF_A_TEST");
});

test("what is wrong with the file is told, all of it, and no password with it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sql-checks-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "checks.json");
  const told = async (content: unknown, environment: Record<string, string> = {}) => {
    await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
    return readQueries(path, environment).then(
      () => "fine",
      (error: Error) => error.message,
    );
  };
  const url = "postgresql://me:hunter2@db/billing";
  const query = { database: "billing", sql: "select $1 = 'a'", parameters: ["entity_id"] };
  expect(await told({ databases: { billing: { url } }, queries: { a: query } })).toBe("fine");
  expect(await told({ databases: { billing: { url_env: "B" } }, queries: { a: query } }, { B: url })).toBe("fine");
  for (const [content, mistake] of [
    [`{"databases": {"billing": {"url": "${url}"}`, "it is no JSON"],
    [{ databases: { billing: { url_env: "B" } }, queries: {} }, "the environment variable B must be a URL"],
    [
      { databases: { billing: { url, url_env: "B" } }, queries: {} },
      "databases.billing must have either url or url_env",
    ],
    [
      { databases: { billing: { url: "mysql://x:hunter2@y" } }, queries: {} },
      "databases.billing.url must be a URL like",
    ],
    [{ databases: {}, queries: { a: query } }, "queries.a.database: there is no database billing"],
    [
      { databases: { billing: { url } }, queries: { a: { ...query, parameters: [] } } },
      "queries.a.parameters must name what $1",
    ],
    [
      { databases: { billing: { url } }, queries: { a: { ...query, sql: "select 1; drop table x" } } },
      "queries.a.sql must be one query",
    ],
    [
      { databases: { billing: { url } }, queries: { a: { ...query, tenants: ["No"] } } },
      "queries.a.tenants.0 must be tenants' names",
    ],
  ] as const) {
    const line = await told(content);
    expect(line).toContain(mistake);
    expect(line).not.toContain("hunter2");
  }
  await rm(path);
  await expect(readQueries(path, {})).rejects.toThrow(/SQL_CHECKS_FILE .* can't be read/);
});
