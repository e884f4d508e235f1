import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { DEFAULT_SETTINGS } from "../../src/engine/settings.ts";
import type { Database } from "../../src/store/postgres.ts";
import { advance } from "../support/clock.ts";
import { freshDatabase } from "../support/database.ts";
import { duplicates, openPostOffice } from "../support/post-office.ts";
import { buildProgram, runProgram } from "../support/program.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

const POISON = "poison@example.org";
const DIES = `--import ${fileURLToPath(new URL("../support/preload/die-on.mjs", import.meta.url))}`;
const CONCURRENCY = 3;

async function insertDue(database: Database, recipient: string, count: number): Promise<void> {
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, run_at)
     select 'invoice', gen_random_uuid()::text, 'payment', 'email', $1, 'one_time', reminder_now()
       from generate_series(1, $2::int) n`,
    [recipient, count],
  );
}

/** One worker after the other, the next when the leases of the dead one have run out. Resolves to how many died. */
async function workUntilDone(
  database: Database,
  env: Record<string, string>,
  { mostDeaths, whenDead = async () => {} }: { mostDeaths: number; whenDead?: () => Promise<void> },
): Promise<number> {
  const isOver = async () => (await database.query("select from reminder_jobs where status = 'ACTIVE'")).length === 0;
  for (let deaths = 0; ; ) {
    const worker = runProgram(["worker"], env);
    let isDead = false;
    worker.ended.then(() => {
      isDead = true;
    });
    await until(async () => isDead || (await isOver()), "the worker dies or all is done");
    if (!isDead) return deaths;
    deaths += 1;
    expect(await worker.ended).toBe("SIGKILL");
    expect(deaths, "how often a worker died of it").toBeLessThanOrEqual(mostDeaths);
    await whenDead();
    await advance(database, { seconds: DEFAULT_SETTINGS.leaseSeconds });
  }
}

test("among those with which workers died before, it takes each of the others along once at most", async () => {
  const [database, office] = await Promise.all([freshDatabase(), openPostOffice()]);
  const env = {
    ...office.env,
    DATABASE_URL: database.url,
    EMAIL_CONCURRENCY: String(CONCURRENCY),
    NODE_OPTIONS: DIES,
    DIE_ON: POISON,
  };
  await insertDue(database, POISON, 1);
  await insertDue(database, "someone@example.org", 12);
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, attempts, next_attempt_at, lease_token)
     select tenant_id, bucket, id, next_run_at, channel, recipient, 'sending', 2, reminder_now(), gen_random_uuid()
       from reminder_jobs`,
  );
  await database.query(
    "update reminder_jobs set next_run_at = null, last_occurrence_at = run_at, occurrence_count = 1",
  );

  await workUntilDone(database, env, { mostDeaths: 3 });
  const ends = await database.query(
    "select recipient, status, count(*) as count, max(attempts) as most from deliveries group by 1, 2 order by recipient",
  );
  expect(ends).toEqual([
    { recipient: POISON, status: "failed", count: 1, most: 5 },
    { recipient: "someone@example.org", status: "sent", count: 12, most: expect.any(Number) },
  ]);
  expect(ends[1]?.most).toBeLessThanOrEqual(4);
});

test("what is paused isn't failed because its attempts are used up beside it, and is sent when it is resumed", async () => {
  const [database, office] = await Promise.all([freshDatabase(), openPostOffice()]);
  const env = { ...office.env, DATABASE_URL: database.url, NODE_OPTIONS: DIES, DIE_ON: POISON };
  await insertDue(database, POISON, 1);
  await insertDue(database, "someone@example.org", 20);
  // The one has two attempts left, the others none at all.
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, attempts, next_attempt_at, lease_token)
     select tenant_id, bucket, id, next_run_at, channel, recipient, 'sending', case recipient when $1 then 3 else 5 end,
            reminder_now(), gen_random_uuid()
       from reminder_jobs`,
    [POISON],
  );
  await database.query(
    `update reminder_jobs set next_run_at = null, last_occurrence_at = run_at, occurrence_count = 1,
                              status = case recipient when $1 then 'ACTIVE' else 'PAUSED' end`,
    [POISON],
  );

  expect(await workUntilDone(database, env, { mostDeaths: 2 })).toBe(2);
  const statuses = "select status, count(*)::int as count from deliveries where recipient <> $1 group by 1 order by 1";
  await until(
    async () => (await database.query("select from deliveries where status = 'sending'")).length === 0,
    "all have ended",
  );
  expect(await database.query(statuses, [POISON])).toEqual([{ status: "suppressed", count: 20 }]);
  await database.query("update reminder_jobs set status = 'ACTIVE' where status = 'PAUSED'");

  await until(async () => new Set(office.accepted).size === 20, "they are sent");
  await until(
    async () => (await database.query("select from reminder_jobs where status <> 'COMPLETED'")).length === 0,
    "all are done",
  );
  expect(await database.query(statuses, [POISON])).toEqual([
    { status: "sent", count: 20 },
    { status: "suppressed", count: 20 },
  ]);
});

test.each([5, 2])(
  "a message that kills its worker ends after its %i attempts as failed, and those beside it get through",
  async (maxAttempts) => {
    const [database, office] = await Promise.all([freshDatabase(), openPostOffice()]);
    const env = {
      ...office.env,
      DATABASE_URL: database.url,
      EMAIL_CONCURRENCY: String(CONCURRENCY),
      DELIVERY_MAX_ATTEMPTS: String(maxAttempts),
      NODE_OPTIONS: DIES,
      DIE_ON: POISON,
    };
    // First in the queue, so that every worker takes it up together with those that wait behind it.
    await insertDue(database, POISON, 1);
    await insertDue(database, "someone@example.org", 40);

    // Others come in beside it.
    const deaths = await workUntilDone(database, env, {
      mostDeaths: maxAttempts,
      whenDead: () => insertDue(database, "someone@example.org", 5),
    });

    expect(deaths).toBe(maxAttempts);
    const others = 40 + 5 * deaths;
    const ends = await database.query(
      "select recipient, status, count(*) as count from deliveries group by 1, 2 order by recipient",
    );
    expect(ends).toEqual([
      { recipient: POISON, status: "failed", count: 1 },
      { recipient: "someone@example.org", status: "sent", count: others },
    ]);
    const [poisoned] = await database.query(
      `select d.attempts, d.reason, r.status, r.completion_reason
         from deliveries d join reminder_jobs r on r.id = d.reminder_id where d.recipient = $1`,
      [POISON],
    );
    expect(poisoned).toEqual({
      attempts: maxAttempts,
      reason: `gave up after ${maxAttempts} delivery attempts: during the last one the worker died or was cut off, so whether the message arrived is unknown`,
      status: "COMPLETED",
      completion_reason: "delivery_failed",
    });
    expect(new Set(office.accepted).size).toBe(others);
    expect(duplicates(office.accepted)).toBeLessThanOrEqual(deaths * CONCURRENCY);
  },
);
