import { expect, test } from "vitest";
import type { Database } from "../../src/store/postgres.ts";
import { freshDatabase } from "../support/database.ts";
import { duplicates, openPostOffice } from "../support/post-office.ts";
import { type Program, runProgram } from "../support/program.ts";
import { until } from "../support/wait.ts";

async function insertDue(database: Database, count: number): Promise<void> {
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, interval_minutes, run_at)
     select 'invoice', n::text, 'payment', 'email', 'someone@example.org', 'recurring', 600, reminder_now()
       from generate_series(1, $1::int) n`,
    [count],
  );
}

async function countByStatus(database: Database): Promise<Record<string, number>> {
  const rows = await database.query<{ status: string; count: number }>(
    "select status, count(*) as count from deliveries group by status",
  );
  return Object.fromEntries(rows.map((row) => [row.status, row.count]));
}

async function startWorkers(count: number, env: Record<string, string>): Promise<Program[]> {
  const workers = Array.from({ length: count }, () => runProgram(["worker"], env));
  await Promise.all(workers.map((worker) => worker.says("Scheduler started")));
  return workers;
}

test("P2, P6: four worker processes send 5,000 due reminders, each exactly once", async () => {
  const [database, office] = await Promise.all([freshDatabase(), openPostOffice()]);
  await startWorkers(4, { ...office.env, DATABASE_URL: database.url });

  await insertDue(database, 5_000);
  await until(async () => (await countByStatus(database)).sent === 5_000, "all 5,000 are sent", 120_000);

  expect(office.accepted).toHaveLength(5_000);
  expect(duplicates(office.accepted)).toBe(0);
  const [jobs] = await database.query(
    "select min(occurrence_count) as least, max(occurrence_count) as most from reminder_jobs",
  );
  expect(jobs).toEqual({ least: 1, most: 1 });
  expect(await database.query("select from deliveries where attempts <> 1")).toHaveLength(0);
}, 300_000);

test("P5, P6: a worker killed in the middle of a batch loses nothing and repeats only what was in flight", async () => {
  const [database, office] = await Promise.all([freshDatabase(), openPostOffice()]);
  const env = { ...office.env, DATABASE_URL: database.url, EMAIL_CONCURRENCY: "5" };
  const [victim] = await startWorkers(1, env);
  let release: () => void = () => {};
  office.hold = new Promise((resolve) => {
    release = resolve;
  });
  await insertDue(database, 60);
  await until(() => office.waiting === 5, "five messages are in flight");

  victim?.kill("SIGKILL");
  await victim?.ended;
  const killedAt = performance.now();
  release();
  office.hold = null;
  await startWorkers(1, env);
  await until(async () => (await countByStatus(database)).sent === 60, "the other worker has sent everything");

  expect((performance.now() - killedAt) / 1000).toBeLessThan(20);
  expect(new Set(office.accepted).size).toBe(60);
  expect(duplicates(office.accepted)).toBeLessThanOrEqual(5);
});

test("a worker that slept past its lease changes nothing: what others sent meanwhile stays as they recorded it", async () => {
  const [database, office] = await Promise.all([freshDatabase(), openPostOffice()]);
  const env = { ...office.env, DATABASE_URL: database.url, EMAIL_CONCURRENCY: "5" };
  const [sleeper] = await startWorkers(1, env);
  let release: () => void = () => {};
  office.hold = new Promise((resolve) => {
    release = resolve;
  });
  await insertDue(database, 40);
  await until(() => office.waiting === 5, "five messages are in flight");

  sleeper?.kill("SIGSTOP");
  release();
  office.hold = null;
  await startWorkers(1, env);
  await until(async () => (await countByStatus(database)).sent === 40, "the other worker has sent everything");
  const before = await database.query("select * from deliveries order by reminder_id");
  sleeper?.kill("SIGCONT");
  // Awake again, it takes new work: then it has long dealt with the old.
  await database.query("update reminder_jobs set next_run_at = reminder_now()");
  await until(async () => (await countByStatus(database)).sent === 80, "the next occurrences are sent");

  const [first] = await database.query<{ at: string }>("select min(occurrence_at)::text as at from deliveries");
  const after = await database.query("select * from deliveries where occurrence_at <= $1 order by reminder_id", [
    first?.at,
  ]);
  expect(after).toEqual(before);
  expect(new Set(office.accepted).size).toBe(80);
  expect(duplicates(office.accepted)).toBeLessThanOrEqual(5);
});

test("P5: SIGTERM hands back in under 5 s what a hung receiver keeps, and nothing is lost", async () => {
  const [database, office] = await Promise.all([freshDatabase(), openPostOffice()]);
  const env = { ...office.env, DATABASE_URL: database.url, EMAIL_CONCURRENCY: "5" };
  const [worker] = await startWorkers(1, env);
  office.hold = new Promise(() => {});
  await insertDue(database, 40);
  await until(() => office.waiting === 5, "five messages are in flight");

  const toldAt = performance.now();
  worker?.kill("SIGTERM");

  expect(await worker?.ended).toBe(0);
  expect(performance.now() - toldAt).toBeLessThan(5_000);
  const left = await countByStatus(database);
  expect(left.sending ?? 0).toBe(0);
  expect((left.pending ?? 0) + (left.retrying ?? 0) + (left.unknown ?? 0)).toBe(40);
});
