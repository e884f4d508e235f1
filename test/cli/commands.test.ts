import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { startEmbedded } from "../../src/store/embedded.ts";
import { type Database, openDatabase } from "../../src/store/postgres.ts";
import { freshDatabase } from "../support/database.ts";
import { buildProgram, type Program, runProgram } from "../support/program.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

test("ten migrations at once make the tables once, and all succeed", async () => {
  const url = await emptyDatabase();
  const programs = Array.from({ length: 10 }, () => runProgram(["migrate"], { DATABASE_URL: url }));
  expect(await Promise.all(programs.map((program) => program.ended))).toEqual(programs.map(() => 0));

  const said = programs.map((program) => program.stdout()).sort();
  expect(said).toEqual([
    "✅ Tables created successfully\n",
    ...Array(9).fill("✅ Tables created successfully (nothing to do: the schema is up to date)\n"),
  ]);
});

test("each command explains itself", async () => {
  for (const command of ["start", "api", "worker", "migrate"]) {
    const program = runProgram([command, "--help"]);
    expect(await program.ended).toBe(0);
    expect(program.stdout()).toContain(`Usage: reminder-engine ${command}`);
    expect(program.stdout()).toContain(".env.example");
  }
});

test("on a database of the user's own, its password is not shown", async () => {
  const database = await freshDatabase();
  const url = new URL(database.url);
  const secret = url.password || "trusted-anyway";
  url.password = secret;
  for (const command of ["start", "api", "worker"]) {
    const program = runProgram([command], { DATABASE_URL: url.href });
    await program.says("Database:");
    expect(program.told("Database")).toBe(url.href.replace(secret, "***"));
    program.kill("SIGTERM");
    expect(await program.ended).toBe(0);
    expect(program.output()).not.toContain(secret);
  }
});

test("the database's password is not shown in the log either, whatever repeats it", async () => {
  const database = await freshDatabase();
  const url = new URL(database.url);
  const secret = url.password || "trusted-anyway";
  url.password = "";
  url.searchParams.set("password", secret);
  const program = runProgram(["start"], { DATABASE_URL: url.href, LOG_LEVEL: "info" });
  await program.says("🟢 Scheduler started");
  expect(program.told("Database")).toMatch(/\?password=\*\*\*$/);

  await fetch(`${program.told("API")}/reminders?entity_id=${secret}-and-more`);
  await until(() => program.stderr().includes("-and-more"), "the request is logged");
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
  expect(program.output()).not.toContain(secret);
});

test("the parts run apart: what the API is told, a worker sends", async () => {
  const database = await freshDatabase();
  const api = runProgram(["api"], { DATABASE_URL: database.url });
  const worker = runProgram(["worker"], { DATABASE_URL: database.url });
  await api.says("API:");
  await worker.says("🟢 Scheduler started");
  expect(api.stdout()).not.toContain("🟢");

  await createReminder(api);
  await worker.says("INV_1");
  for (const program of [api, worker]) {
    program.kill("SIGTERM");
    expect(await program.ended).toBe(0);
  }
});

test("in one process, requests that wait for the database don't keep the worker from firing", async () => {
  const database = await freshDatabase();
  const program = runProgram(["start"], { DATABASE_URL: database.url, DATABASE_POOL_SIZE: "2" });
  await program.says("🟢 Scheduler started");
  const held = await insertReminder(database, "INV_0", "2100-01-01");
  const stuck = async () => (await database.query(WAITS_FOR_A_LOCK)).length;

  const answers = await database.transaction(async (sql) => {
    await sql.query("select from reminder_jobs where id = $1 for update", [held]);
    const pause = () => fetch(`${program.told("API")}/reminders/${held}/pause`, { method: "POST" });
    const pausing = Promise.all(Array.from({ length: 10 }, pause));
    await until(async () => (await stuck()) === 2, "the API has no connection left");
    await insertReminder(database, "INV_1", "now");
    await program.says("INV_1");
    expect(await stuck()).toBe(2);
    return () => pausing; // it goes on once this transaction has ended
  });
  await answers();
});

const WAITS_FOR_A_LOCK = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";

async function insertReminder(database: Database, entityId: string, dueAt: string): Promise<unknown> {
  const [row] = await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, next_run_at)
     values ('invoice', $1, 'payment', 'email', 'one_time', $2) returning id`,
    [entityId, dueAt],
  );
  return row?.id;
}

test("a database that goes away later ends nobody, and all go on when it is back", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "reminder-away-"));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const serve = () => startEmbedded({ dataDir, log: pino({ level: "silent" }) });
  let server = await serve();
  onTestFinished(() => server.stop());
  const env = { DATABASE_URL: server.url, POLL_SECONDS: "1" };

  expect(await runProgram(["migrate"], env).ended).toBe(0);
  const api = runProgram(["api"], env);
  const worker = runProgram(["worker"], env);
  await api.says("API:");
  await worker.says("🟢 Scheduler started");

  await server.stop();
  const readiness = async () => (await fetch(`${api.told("API")}/readyz`)).status;
  await until(async () => (await readiness()) === 503, "the API notices");
  const url = server.url;
  server = await serve();
  expect(server.url).toBe(url);

  await until(async () => (await readiness()) === 200, "API and worker are back");
  await createReminder(api);
  await worker.says("INV_1");
  for (const program of [api, worker]) {
    program.kill("SIGTERM");
    expect(await program.ended).toBe(0);
  }
});

test("a stop while the database is away comes in time", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "reminder-away-"));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const server = await startEmbedded({ dataDir, log: pino({ level: "silent" }) });
  onTestFinished(() => server.stop());
  const program = runProgram(["start"], { DATABASE_URL: server.url });
  await program.says("🟢 Scheduler started");
  await server.stop();
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
});

async function createReminder(api: Program): Promise<void> {
  const created = await fetch(`${api.told("API")}/reminders/`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      entity_type: "invoice",
      entity_id: "INV_1",
      event_type: "payment",
      channel: "email",
      schedule_type: "one_time",
      recipient: "someone@example.org",
    }),
  });
  expect(created.status).toBe(201);
}

async function emptyDatabase(): Promise<string> {
  const name = `empty_${randomUUID().replaceAll("-", "")}`;
  const server = openDatabase({ url: inject("serverUrl"), poolSize: 1 });
  await server.runAlone(`create database ${name}`);
  onTestFinished(async () => {
    await server.runAlone(`drop database if exists ${name} with (force)`);
    await server.close();
  });
  const url = new URL(inject("serverUrl"));
  url.pathname = `/${name}`;
  return url.href;
}
