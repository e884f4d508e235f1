import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { channelMap } from "../../src/channels/registry.ts";
import { Claims } from "../../src/engine/claims.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { claimDeliveries } from "../../src/store/claimed.ts";
import { claimShares, dueTenants } from "../../src/store/shares.ts";
import { type WorkerDatabase, workerDatabase } from "../../src/store/tenant-database.ts";
import { weighing } from "../support/effort.ts";
import { sinkChannel } from "../support/sink.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

const NO_RAMP = { perSecond: 0, doublesEverySeconds: 1 };

/** Reminders of a tenant that are all due at the same instant, so many seconds ago. */
async function insertDue({ database }: World, tenant: string, count: number, secondsAgo: number): Promise<void> {
  await database.query(
    `insert into reminder_jobs (tenant_id, entity_type, entity_id, event_type, channel, recipient, schedule_type,
                                interval_minutes, run_at)
     select $1, 'invoice', n::text, 'payment', 'sink', 'x', 'recurring', 600,
            date_trunc('minute', reminder_now()) - $3::int * interval '1 second'
       from generate_series(1, $2::int) n`,
    [tenant, count, secondsAgo],
  );
}

/** How many of the others' reminders were fired before this tenant's first. */
async function firedBefore({ database }: World, tenant: string): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `select count(*)::int as count from deliveries
      where tenant_id <> $1 and created_at < (select min(created_at) from deliveries where tenant_id = $1)`,
    [tenant],
  );
  return row?.count as number;
}

test.each([
  ["acme", "zeta"],
  ["zeta", "acme"],
  ["default", "acme"],
  ["acme", "default"],
])("P9: %s with 20,000 due doesn't delay the only one of %s, due at the very same instant", async (big, small) => {
  const made = await world();
  const { database, work } = made;
  await createTenants(database, "acme", "zeta");
  await insertDue(made, big, 20_000, 300);
  await insertDue(made, small, 1, 300);

  const worker = work({ batchSize: 100, catchUp: NO_RAMP });
  const fired = () => database.query("select from deliveries where tenant_id = $1", [small]);
  await until(async () => (await fired()).length === 1, "the only one is fired");
  await worker.stop();

  // The batch that told of the backlog, and those that were claimed side by side with its own.
  expect(await firedBefore(made, small)).toBeLessThanOrEqual(300);
});

test("P9: what falls due for another tenant beside a backlog of default doesn't wait until that is gone", async () => {
  const made = await world();
  const { database, work, insert } = made;
  await createTenants(database, "acme");
  await insertDue(made, "default", 20_000, 300);
  const fired = (tenant: string) => database.query("select from deliveries where tenant_id = $1", [tenant]);
  const worker = work({ batchSize: 100, catchUp: NO_RAMP });
  await until(async () => (await fired("default")).length >= 1_000, "the backlog is being fired");

  const id = await insert({ tenant_id: "acme", run_at: new Date() });
  await until(async () => (await fired("acme")).length === 1, "the only one of acme is fired");
  await worker.stop();

  const [before] = await database.query<{ count: number }>(
    `select count(*)::int as count from deliveries
      where tenant_id = 'default' and created_at < (select created_at from deliveries where reminder_id = $1)`,
    [id],
  );
  // Else it would come with the last batch or two; how soon it is to come says the next test, by a clock of its own.
  expect(before?.count).toBeLessThan(18_000);
});

test("P9: beside a backlog of default, what falls due for another tenant is claimed a tenth of a second later", async () => {
  const made = await world();
  const { database, insert } = made;
  await createTenants(database, "acme");
  await insertDue(made, "default", 1_000, 300);
  let nowMs = 0;
  const claims = new Claims({ batchSize: 100, catchUp: NO_RAMP }, () => nowMs);
  const claim = { channels: ["sink"], aheadMs: 0, from: null, leaveOut: [] };
  const batch = () => workerDatabase(database).transaction((sql) => claims.claim(sql, claim));
  await batch();
  expect(claims.hasBacklog).toBe(true);
  // Nobody else has anything due.
  await batch();

  const id = await insert({ tenant_id: "acme", run_at: new Date(Date.now() - 60_000) });
  nowMs += 100;

  expect((await batch()).map(({ reminder }) => reminder.id)).toContain(id);
});

test("each of 200 tenants behind one with much due has its turn within a few batches", async () => {
  const made = await world();
  const { database, work } = made;
  const tenants = Array.from({ length: 200 }, (_, n) => `t${n}`);
  await createTenants(database, "acme", ...tenants);
  await insertDue(made, "acme", 10_000, 300);
  for (const tenant of tenants) await insertDue(made, tenant, 1, 200);

  const worker = work({ batchSize: 100, catchUp: NO_RAMP });
  const fired = () => database.query("select from deliveries where tenant_id <> 'acme'");
  await until(async () => (await fired()).length === 200, "all of the others are fired");
  await worker.stop();

  const [row] = await database.query<{ count: number }>(
    `select count(*)::int as count from deliveries
      where tenant_id = 'acme' and created_at < (select max(created_at) from deliveries where tenant_id <> 'acme')`,
  );
  expect(row?.count).toBeLessThan(1_000);
});

test("what falls due now is fired beside a backlog of the same tenant, not behind it", async () => {
  const made = await world({ concurrency: 2 });
  const { database, insert, work, sink } = made;
  await insertDue(made, "default", 20_000, 3_600);
  work({ batchSize: 100, catchUp: NO_RAMP });
  await until(() => sink.received.length > 50, "the backlog is being worked on");
  const before = sink.received.length;

  const id = await insert({ run_at: new Date() });
  await until(() => sink.received.some((message) => message.reminder.id === id), "the one due now is sent");

  // It overtook not only those that weren't fired yet, but also those that were and waited for a place.
  const place = sink.received.findIndex((message) => message.reminder.id === id);
  expect(place - before).toBeLessThan(2_000);
  const [left] = await database.query<{ count: number }>(
    "select count(*)::int as count from deliveries where status = 'pending'",
  );
  expect(left?.count).toBeGreaterThan(0);
});

test("P9: messages of one tenant that wait for a channel hold up no other's, nor what a dead worker held", async () => {
  const made = await world();
  const { database } = made;
  await createTenants(database, "acme", "zeta");
  await insertDue(made, "acme", 5_000, 300);
  await insertDue(made, "zeta", 2, 300);
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, attempts, next_attempt_at)
     select tenant_id, bucket, id, next_run_at, channel, case when entity_id = '2' and tenant_id = 'zeta' then 'sending' else 'pending' end,
            case when entity_id = '2' and tenant_id = 'zeta' then 1 else 0 end, reminder_now() - interval '1 second' * (case tenant_id when 'acme' then 300 else 1 end)
       from reminder_jobs`,
  );
  await database.query(
    "update reminder_jobs set last_occurrence_at = next_run_at, next_run_at = reminder_now() + interval '1 day'",
  );
  const order: string[] = [];
  const sink = sinkChannel("sink", { concurrency: 2 });
  sink.behave = ({ reminder }) => {
    order.push(reminder.tenantId);
    return { providerId: null, demo: false };
  };
  const log = pino({ level: "silent" });
  const worker = startWorker({ database: workerDatabase(database), channels: channelMap([sink]), log });
  onTestFinished(() => worker.stop());

  await until(() => order.filter((tenant) => tenant === "zeta").length === 2, "both of zeta's are sent");

  // A lane takes twenty at a time; the first of them may all be acme's.
  expect(order.lastIndexOf("zeta")).toBeLessThan(150);
});

test("P9: a page full of flags that many reminders wait for doesn't hold up the next flag", async () => {
  const { database, insert, work, setFlag, becomes } = await world();
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, interval_minutes,
                                stop_condition_type, stop_condition_value)
     select 'crowd', n::text, 'payment', 'sink', 'recurring', 600, 'db_check', 'crowd:' || n % 20
       from generate_series(1, 6000) n`,
  );
  const only = await insert({ stop_condition_type: "db_check", stop_condition_value: "only" });
  for (let n = 0; n < 20; n += 1) await setFlag(`crowd:${n}`, true);
  await setFlag("only", true);

  const worker = work({ batchSize: 10 });
  await becomes(only, { status: "COMPLETED" });
  await worker.stop();

  const [before] = await database.query<{ count: number }>(
    `select count(*)::int as count from reminder_events
      where type = 'completed' and id < (select id from reminder_events where reminder_id = $1 and type = 'completed')`,
    [only],
  );
  // Two pages of ten flags are before it, and each gets its turn once.
  expect(before?.count).toBeLessThanOrEqual(40);
});

test("what it costs to share out doesn't grow with what is due", async () => {
  const made = await world();
  const { database } = made;
  await createTenants(database, "acme", "zeta");
  await insertDue(made, "acme", 20_000, 300);
  await insertDue(made, "zeta", 1, 300);
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, next_attempt_at)
     select tenant_id, bucket, id, next_run_at, channel, 'pending', next_run_at from reminder_jobs`,
  );
  await database.runAlone("vacuum analyze reminder_jobs");
  await database.runAlone("vacuum analyze deliveries");
  const pages: number[] = [];
  const weighed = (words: string) =>
    workerDatabase(weighing(database, words, (count) => pages.push(count))) as WorkerDatabase;
  const claim = { channels: ["sink"], aheadMs: 0, from: null, leaveOut: [] };

  const found = await dueTenants(weighed("visited"), claim, "", 64);
  expect(found).toEqual({ tenants: ["acme", "zeta"], after: null });
  const shares = found.tenants.map((tenantId) => ({ tenantId, oldest: 25, newest: 25 }));
  const claimed = await claimShares(weighed("shares"), claim, shares, {
    newestWithinMs: 3_600_000,
    isFilled: true,
    defaultFrom: null,
  });
  expect(claimed.map(({ oldest, newest }) => [oldest.length, newest.length])).toEqual([
    [25, 25],
    [0, 1],
  ]);
  const lease = { token: "00000000-0000-4000-8000-000000000000", seconds: 12 };
  const wanted = {
    channel: "sink",
    limit: 50,
    suspects: { alone: 0, together: 0 },
    from: null,
    after: "",
    lease,
    maxAttempts: 5,
  };
  const taken = await claimDeliveries(weighed("with recursive visited"), wanted);
  expect(taken.claimed).toHaveLength(26);
  expect(taken.next).toBe("");

  // 20,000 rows lie on some 800 pages, and their index on a hundred.
  expect(pages).toHaveLength(3);
  for (const count of pages) expect(count).toBeLessThan(400);
});

test("once it was seen that default has nothing due, to look again passes over what is due for others", async () => {
  const made = await world();
  const { database } = made;
  await createTenants(database, "acme");
  // Some of default once were there, by the statistics.
  await insertDue(made, "default", 2_000, 300);
  await database.runAlone("vacuum analyze reminder_jobs");
  await database.query("delete from reminder_jobs");
  await insertDue(made, "acme", 20_000, 300);
  const pages: number[] = [];
  const weighed = workerDatabase(weighing(database, "default_oldest", (count) => pages.push(count))) as WorkerDatabase;
  const claim = { channels: ["sink"], aheadMs: 0, from: null, leaveOut: [] };
  const shares = [
    { tenantId: "default", oldest: 1, newest: 1 },
    { tenantId: "acme", oldest: 1, newest: 1 },
  ];
  const claimWith = (defaultFrom: number | null) =>
    claimShares(weighed, claim, shares, { newestWithinMs: 3_600_000, isFilled: true, defaultFrom });

  for (const from of [null, Date.now() - 1_000, null]) await claimWith(from);

  const [, fromThen, fromTheBeginning] = pages as [number, number, number];
  expect(fromTheBeginning, "the premise").toBeGreaterThan(fromThen + 150);
});

test("a backlog of which nothing fell due last is claimed in full batches to its end, and what is due now among them", async () => {
  const made = await world();
  const { database, insert } = made;
  await insertDue(made, "default", 40, 300);
  let nowMs = 0;
  const claims = new Claims({ batchSize: 4, catchUp: NO_RAMP }, () => nowMs);
  // As beside a transaction that is open elsewhere: from a mark on.
  const claim = { channels: ["sink"], aheadMs: 0, from: { at: Date.now() - 3_600_000, id: 1 }, leaveOut: [] };
  const batch = () =>
    workerDatabase(database).transaction(async (sql) => {
      nowMs += 30;
      const ids = (await claims.claim(sql, claim)).map(({ reminder }) => reminder.id);
      await sql.query("update reminder_jobs set next_run_at = null where id = any ($1)", [ids]);
      return ids;
    });
  for (let n = 0; n < 5; n += 1) {
    expect(await batch()).toHaveLength(4);
    expect(claims.hasBacklog).toBe(true);
  }

  const id = await insert({ run_at: new Date() });

  expect(await batch()).toContain(id);
  for (let n = 0; n < 4; n += 1) expect(await batch()).toHaveLength(4);
});
