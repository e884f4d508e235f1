import pg from "pg";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/store/postgres.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { PGBOUNCER, type PgBouncer, startPgBouncer } from "../support/pgbouncer.ts";
import { openPostOffice, type PostOffice } from "../support/post-office.ts";
import { buildProgram, type Program, runProgram } from "../support/program.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

interface Pooled {
  /** Straight to the server, to look. */
  database: TestDatabase;
  pooler: PgBouncer;
  office: PostOffice;
  env: Record<string, string>;
}

/** An empty database that the programs reach by the pooler alone, and where their mail goes. */
async function pooled(): Promise<Pooled> {
  const database = await freshDatabase();
  await database.query("drop schema public cascade");
  await database.query("create schema public");
  const [pooler, office] = await Promise.all([startPgBouncer(database.url), openPostOffice()]);
  return { database, pooler, office, env: { ...office.env, DATABASE_URL: pooler.url, POLL_SECONDS: "1" } };
}

async function started(command: "api" | "worker", env: Record<string, string>): Promise<Program> {
  const program = runProgram([command], env);
  await program.says(command === "api" ? "API:" : "🟢 Scheduler started");
  return program;
}

async function call(api: Program, method: string, path: string, body: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(new URL(path, api.told("API")), {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
  return (await response.json()) as Record<string, unknown>;
}

const wish = (n: number, fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  entity_type: "invoice",
  entity_id: `INV_${n}`,
  event_type: "payment",
  channel: "email",
  recipient: "someone@example.org",
  schedule_type: "recurring",
  interval_minutes: 60,
  run_at: new Date().toISOString(),
  ...fields,
});

describe.skipIf(!PGBOUNCER)("through PgBouncer in transaction mode (skipped where no pgbouncer is installed)", () => {
  test("tables are made, reminders created, fired, delivered and stopped, by polling, without a word in the log", async () => {
    const { database, env, office } = await pooled();
    const migrations = [runProgram(["migrate"], env), runProgram(["migrate"], env)];
    expect(await Promise.all(migrations.map(({ ended }) => ended))).toEqual([0, 0]);
    const [api, ...workers] = await Promise.all([started("api", env), started("worker", env), started("worker", env)]);

    const saidAtStart = [api, ...workers].map((program) => program.stderr());

    // Many at once, so that each of the pooler's three connections serves one client after the other.
    const stop = { stop_condition_type: "db_check", stop_condition_value: "{entity_id}:paid" };
    const created = await Promise.all(
      Array.from({ length: 60 }, (_, n) => call(api, "POST", "/reminders/", wish(n, stop))),
    );
    await until(() => office.accepted.length === 60, "all are sent");
    await Promise.all(created.map(({ entity_id }) => call(api, "PUT", `/flags/${entity_id}:paid`, { value: true })));

    const stopped = "select from reminder_jobs where status = 'COMPLETED' and completion_reason = 'stop_condition'";
    await until(async () => (await database.query(stopped)).length === 60, "all are completed by their flags");
    const sent = "select from deliveries where status = 'sent' and attempts = 1";
    await until(async () => (await database.query(sent)).length === 60, "each is sent at the first attempt");
    expect(new Set(office.accepted).size).toBe(60);
    for (const [n, program] of [api, ...workers].entries()) {
      program.kill("SIGTERM");
      expect(await program.ended).toBe(0);
      expect(program.stderr()).toBe(saidAtStart[n]);
    }
    expect(await database.query("select from workers")).toEqual([]);
  });

  test("P8: the pooler killed and started again: workers go on by themselves, and nothing is lost or sent twice", async () => {
    const { database, env, office, pooler } = await pooled();
    expect(await runProgram(["migrate"], env).ended).toBe(0);
    const worker = await started("worker", env);
    const insert = (from: number, to: number) =>
      database.query(
        `insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, interval_minutes, run_at)
         select 'invoice', n::text, 'payment', 'email', 'someone@example.org', 'recurring', 600, now()
           from generate_series($1::int, $2::int) n`,
        [from, to],
      );
    await insert(1, 30);
    await until(() => office.accepted.length === 30, "the first are sent");

    await pooler.kill();
    await insert(31, 60);
    await until(() => worker.stderr().includes("the database did not serve"), "the worker has noticed");
    await pooler.restart();

    const sent = "select from deliveries where status = 'sent'";
    await until(async () => (await database.query(sent)).length === 60, "all are sent");
    expect(office.accepted).toHaveLength(60);
    expect(new Set(office.accepted).size).toBe(60);
    expect(worker.kill("SIGTERM")).toBe(true);
    expect(await worker.ended).toBe(0);
  });

  test("no transaction leaves anything behind in a session that the next client gets", async () => {
    const { pooler } = await pooled();
    const ours = openDatabase({ url: pooler.url, poolSize: 5 });
    onTestFinished(() => ours.close());
    // Together, on fewer connections than clients; every second fails in the middle, where its answers are under way.
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, (_, n) =>
        ours.transaction(async (sql) => {
          const [row] = await sql.query<{ n: number }>("select $1::int / $2::int as n", [n, n % 2]);
          return row?.n;
        }),
      ),
    );

    expect(outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : "failed"))).toEqual(
      Array.from({ length: 100 }, (_, n) => (n % 2 === 0 ? "failed" : n)),
    );
    // Somebody else's session, on a connection that we had: with the server's own settings, not with ours.
    const other = new pg.Client({ connectionString: pooler.url });
    await other.connect();
    onTestFinished(() => other.end());
    const { rows } = await other.query("select current_setting('statement_timeout') as statement_timeout");
    expect(rows).toEqual([{ statement_timeout: "0" }]);
  });
});
