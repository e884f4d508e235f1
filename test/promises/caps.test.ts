import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { channelMap } from "../../src/channels/registry.ts";
import { Maintainer } from "../../src/engine/maintain.ts";
import type { EngineSettings } from "../../src/engine/settings.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

/** Nothing begins but what may: waits until all that is left waits for an instant that hasn't come. */
async function settled({ database }: World): Promise<void> {
  await until(async () => {
    const [row] = await database.query<{ busy: boolean }>(
      `select exists (select from deliveries
                       where status = 'sending'
                          or (status in ('pending', 'retrying') and next_attempt_at <= reminder_now()))
              or exists (select from reminder_jobs where status = 'ACTIVE' and next_run_at <= reminder_now()) as busy`,
    );
    return !row?.busy;
  }, "nothing is under way");
}

async function insertDue({ database }: World, count: number, tenant = "default", recipient = "n"): Promise<void> {
  await database.query(
    `insert into reminder_jobs (tenant_id, entity_type, entity_id, event_type, channel, recipient, schedule_type, run_at)
     select $2, 'invoice', $3 || n::text, 'payment', 'sink', case $3 when 'n' then n::text else $3 end, 'one_time', reminder_now()
       from generate_series(1, $1::int) n`,
    [count, tenant, recipient],
  );
}

/** The most messages that ended within any window of so many seconds, of those that this column names as one. */
async function mostWithin({ database }: World, seconds: number, by: "tenant_id" | "recipient"): Promise<number> {
  const [row] = await database.query<{ most: number }>(
    `select coalesce(max(count), 0)::int as most
       from (select count(*) over (partition by ${by} order by finished_at
                                   range between interval '${seconds} seconds' preceding and current row) as count
               from deliveries where status = 'sent') windows`,
  );
  return row?.most as number;
}

const capped = (perMinute: number | null, perRecipientPerHour: number | null): Partial<EngineSettings> => ({
  limits: { perMinute, perRecipientPerHour },
  catchUp: { perSecond: 0, doublesEverySeconds: 1 },
});

test("a tenant's messages a minute: three workers together keep to it, to the last one, and another tenant isn't in the way", async () => {
  const made = await world();
  const { database, sink, work, advance } = made;
  await createTenants(database, "acme");
  await database.query("update tenants set sends_per_minute = 7 where name = 'acme'");
  await insertDue(made, 28, "acme");
  await insertDue(made, 30);

  for (let n = 0; n < 3; n += 1) work(capped(null, null));
  await settled(made);
  expect(sink.received.filter(({ reminder }) => reminder.tenantId === "default")).toHaveLength(30);
  expect(sink.received.filter(({ reminder }) => reminder.tenantId === "acme")).toHaveLength(7);
  const [waiting] = await database.query(
    "select status, attempts, reason from deliveries where status <> 'sent' limit 1",
  );
  expect(waiting).toEqual({
    status: "pending",
    attempts: 0,
    reason: "waits for its turn: at most 7 messages a minute for this tenant",
  });

  for (let step = 0; step < 240 && sink.received.length < 58; step += 1) {
    await advance({ seconds: 2 });
    await settled(made);
  }
  expect(new Set(sink.received.map(({ reminder }) => reminder.id)).size).toBe(58);
  expect(sink.received).toHaveLength(58);
  expect(
    await database.query("select from deliveries where tenant_id = 'acme' and status = 'sent' and attempts = 1"),
  ).toHaveLength(28);
  await database.query("delete from deliveries where tenant_id = 'default'");
  expect(await mostWithin(made, 60, "tenant_id")).toBeLessThanOrEqual(7);
});

test("what waits under a cap asks anew within seconds when the cap changes, and keeps to the new one", async () => {
  const made = await world();
  const { database, sink, work, advance } = made;
  await createTenants(database, "acme");
  const setCap = (cap: number | null) =>
    database.query("update tenants set sends_per_minute = $1 where name = 'acme'", [cap]);
  await setCap(2);
  await insertDue(made, 12, "acme");
  work(capped(null, null));
  await settled(made);
  expect(sink.received).toHaveLength(2);

  await setCap(5);
  await until(() => sink.received.length === 5, "the places that there are more are used");
  await settled(made);
  expect(sink.received).toHaveLength(5);
  expect(await mostWithin(made, 60, "tenant_id")).toBe(5);

  // Lower again: nothing leaves by a promise of before.
  await setCap(1);
  await until(
    async () =>
      (
        await database.query(
          "select from deliveries where reason = 'waits for its turn: at most 1 messages a minute for this tenant'",
        )
      ).length === 7,
    "what waits has asked anew",
  );
  // A promised place is lost by whoever is more than three seconds late for it, and each step takes its time besides.
  for (let step = 0; step < 120 && sink.received.length < 7; step += 1) {
    await advance({ seconds: 1.5 });
    await settled(made);
  }
  expect(sink.received).toHaveLength(7);
  expect(await mostWithin(made, 60, "tenant_id")).toBe(5);
  const [last] = await database.query<{ gap: number }>(
    `select extract(epoch from max(finished_at) - (select finished_at from deliveries where status = 'sent'
                                                    order by finished_at desc offset 1 limit 1)) as gap
       from deliveries where status = 'sent'`,
  );
  expect(Number(last?.gap)).toBeGreaterThanOrEqual(60);

  await setCap(null);
  await until(() => sink.received.length === 12, "without a cap nothing waits");
  expect(new Set(sink.received.map(({ reminder }) => reminder.id)).size).toBe(12);
});

test("a recipient's messages an hour: what is over waits, what others get doesn't, and a stop while it waits is heeded", async () => {
  const made = await world();
  const { database, sink, work, advance, setFlag } = made;
  await insertDue(made, 8, "default", "ann@example.org");
  await insertDue(made, 5, "default", "bob@example.org");
  await database.query(
    "update reminder_jobs set stop_condition_type = 'db_check', stop_condition_value = 'paid' where entity_id = 'ann@example.org8'",
  );

  work(capped(1_000, 5));
  await settled(made);
  const of = (who: string) => sink.received.filter(({ recipient }) => recipient === who);
  expect(of("bob@example.org")).toHaveLength(5);
  expect(of("ann@example.org")).toHaveLength(5);

  const wasSent = of("ann@example.org").some(({ reminder }) => reminder.entityId === "ann@example.org8");
  await setFlag("paid", true);
  await advance({ minutes: 59 });
  await settled(made);
  expect(of("ann@example.org")).toHaveLength(5);
  for (let step = 0; step < 15; step += 1) {
    await advance({ minutes: 2 });
    await settled(made);
  }
  expect(of("ann@example.org")).toHaveLength(wasSent ? 8 : 7);
  expect(await mostWithin(made, 3_600, "recipient")).toBeLessThanOrEqual(5);
});

test("each attempt counts, since a failed one may have arrived: retries keep to the cap too", async () => {
  const made = await world();
  const { sink, work, advance, database } = made;
  const begun: number[] = [];
  sink.behave = async () => {
    const [clock] = await database.query<{ now: number }>("select reminder_now() as now");
    begun.push(clock?.now as number);
    throw new Error("busy");
  };
  await insertDue(made, 4);

  work({ ...capped(3, null), retry: { maxAttempts: 3, baseSeconds: 1, factor: 1, capSeconds: 1 } });
  await settled(made);
  for (let step = 0; step < 150 && begun.length < 12; step += 1) {
    await advance({ seconds: 2 });
    await settled(made);
  }
  expect(begun).toHaveLength(12);
  for (const from of begun)
    expect(begun.filter((at) => at >= from && at < from + 60_000).length).toBeLessThanOrEqual(3);
  expect(await database.query("select from deliveries where status = 'failed' and attempts = 3")).toHaveLength(4);
});

test("a reminder due every two minutes under one message an hour gets one each hour: newer ones take over the place, none is lost or doubled", async () => {
  const made = await world();
  const { sink, work, advance, insert, database } = made;
  const id = await insert({ interval_minutes: 2, run_at: new Date() });

  work(capped(null, 1));
  for (let minute = 0; minute < 220; minute += 2) {
    await settled(made);
    await advance({ minutes: 2 });
  }
  await settled(made);

  // 220 minutes: one at once, and then one in each hour and the few minutes for which places are kept longer: 61 to 67.
  expect(sink.received).toHaveLength(4);
  expect(new Set(sink.received.map((message) => message.occurrenceAt)).size).toBe(4);
  const open = await database.query(
    "select from deliveries where reminder_id = $1 and status in ('pending', 'retrying')",
    [id],
  );
  expect(open.length).toBeLessThanOrEqual(2);
  expect(await mostWithin(made, 3_600, "recipient")).toBe(1);
});

test("after an outage in which many places passed, the cap still holds", async () => {
  const made = await world();
  const { sink, work, advance } = made;
  await insertDue(made, 40);
  const worker = work(capped(10, null));
  await settled(made);
  expect(sink.received).toHaveLength(10);
  await worker.stop();

  await advance({ minutes: 30 });
  work(capped(10, null));
  await settled(made);

  expect(sink.received).toHaveLength(20);
  for (let step = 0; step < 100 && sink.received.length < 40; step += 1) {
    await advance({ seconds: 5 });
    await settled(made);
  }
  expect(sink.received).toHaveLength(40);
  expect(await mostWithin(made, 60, "tenant_id")).toBeLessThanOrEqual(10);
});

test("after a day without workers the caps of recipient and tenant hold together, over all that is overdue, and none is lost", async () => {
  const made = await world();
  const { sink, work, advance } = made;
  await insertDue(made, 8, "default", "ann@example.org");
  await insertDue(made, 25);
  await advance({ days: 1 });

  for (let n = 0; n < 2; n += 1) work(capped(6, 3));
  await settled(made);
  expect(sink.received).toHaveLength(6);
  for (let step = 0; step < 400 && sink.received.length < 33; step += 1) {
    await advance(step < 40 ? { seconds: 15 } : { minutes: 2 });
    await settled(made);
  }

  expect(new Set(sink.received.map(({ reminder }) => reminder.id)).size).toBe(33);
  expect(sink.received).toHaveLength(33);
  expect(await mostWithin(made, 60, "tenant_id")).toBeLessThanOrEqual(6);
  expect(await mostWithin(made, 3_600, "recipient")).toBeLessThanOrEqual(3);
});

test("what had its place when its worker was told to end, and hadn't been let go, keeps that place for whoever takes it next", async () => {
  const made = await world();
  const { sink, work, insert, deliveries, deliveryBecomes } = made;
  let connecting = 0;
  sink.connect = () => {
    connecting += 1;
    return new Promise(() => {});
  };
  const id = await insert({ schedule_type: "one_time", interval_minutes: null, run_at: new Date() });
  const worker = work(capped(null, 1));
  await until(() => connecting === 1, "it has its place, and no connection");
  await worker.stop();
  await deliveryBecomes(id, "retrying");
  expect((await deliveries(id))[0]).toMatchObject({ recipient_slot_at: expect.any(Number) });

  sink.connect = async () => {};
  work(capped(null, 1));
  expect(await deliveryBecomes(id, "sent")).toMatchObject({ attempts: 1, recipient_slot_at: null });
  expect(sink.received).toHaveLength(1);
});

test("without a cap nothing is asked of the paces, and no message costs a statement more", async () => {
  const made = await world();
  const { database, sink } = made;
  const statements: string[] = [];
  const base = workerDatabase(database);
  const spied: typeof base = {
    ...base,
    query: (text, params) => {
      statements.push(text);
      return base.query(text, params);
    },
    transaction: (run, limits) =>
      base.transaction(
        (sql) =>
          run({
            query: (text, params) => {
              statements.push(text);
              return sql.query(text, params);
            },
          }),
        limits,
      ),
  };
  await insertDue(made, 300);

  const worker = startWorker({ database: spied, channels: channelMap([sink]), log: pino({ level: "silent" }) });
  onTestFinished(() => worker.stop());
  await until(() => sink.received.length === 300, "all are sent");

  // Once an hour what is idle is cleared away.
  expect(statements.filter((text) => /\bpace\b/.test(text) && !text.includes("idle")).length).toBe(0);
  expect(statements.filter((text) => /sends_per_minute/.test(text)).length).toBeLessThanOrEqual(2);
});

test("what limits nothing any more is cleared away, however much of it there is", async () => {
  const { database } = await world();
  await database.query(
    `insert into pace (tenant_id, kind, key, used_at)
     select 'default', 'recipient', n::text, reminder_now() - n % 3 * interval '1 day' from generate_series(1, 20000) n`,
  );
  await new Maintainer(workerDatabase(database), 90, pino({ level: "silent" })).maintain();
  const [left] = await database.query("select count(*)::int as left from pace");
  expect(left).toEqual({ left: 6_666 });
});
