import { expect, test } from "vitest";
import { EVERY_TENANT, WORKER_ROLE } from "../../src/store/identity.ts";
import { freshDatabase } from "../support/database.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";
import { world, worldOn } from "../support/world.ts";

const WAITS_FOR_PAID = { stop_condition_type: "db_check", stop_condition_value: "paid" };

test("P9: the worker fires for every tenant, by that tenant's own flag and contact", async () => {
  const { database, sink, insert, work, becomes, deliveries } = await world();
  await createTenants(database, "acme", "globex");
  const ids: Record<string, number> = {};
  for (const tenant of ["default", "acme", "globex"]) {
    ids[tenant] = await insert({
      tenant_id: tenant,
      entity_id: "SAME",
      interval_minutes: 60,
      run_at: new Date(),
      ...WAITS_FOR_PAID,
    });
    await database.query("insert into status_flags (tenant_id, key, value) values ($1, 'paid', $2)", [
      tenant,
      tenant === "acme",
    ]);
    await database.query(
      "insert into contacts (tenant_id, entity_type, entity_id, name) values ($1, 'invoice', 'SAME', $1)",
      [tenant],
    );
  }

  work();
  await becomes(ids.acme as number, { status: "COMPLETED", completion_reason: "stop_condition" });
  await until(() => sink.received.length === 2, "the others are sent");

  expect(sink.received.map(({ reminder, contact }) => [reminder.tenantId, contact?.name]).sort()).toEqual([
    ["default", "default"],
    ["globex", "globex"],
  ]);
  expect(await deliveries(ids.acme as number)).toEqual([]);
  expect(await deliveries(ids.globex as number)).toMatchObject([{ tenant_id: "globex" }]);
});

test("P9: a flag that one tenant sets completes what waits for it there, and nothing elsewhere", async () => {
  const { database, insert, work, becomes, reminder, events } = await world();
  await createTenants(database, "acme");
  const mine = await insert({ tenant_id: "acme", ...WAITS_FOR_PAID });
  const theirs = await insert(WAITS_FOR_PAID);
  work();
  await database.query("insert into status_flags (tenant_id, key, value) values ('acme', 'paid', true)");
  await becomes(mine, { status: "COMPLETED" });
  await until(
    async () => (await database.query("select from status_flags where unsettled")).length === 0,
    "the flag is settled",
  );
  expect(await reminder(theirs)).toMatchObject({ status: "ACTIVE" });
  expect(await events(mine)).toMatchObject([{ tenant_id: "acme", type: "completed" }]);
});

test("what the worker keeps up, it keeps up for all tenants: strays, old weeks, the default partitions", async () => {
  const { database, insert, work, becomes, advance } = await world();
  await createTenants(database, "acme");
  const stray = await insert({ tenant_id: "acme" });
  await database.query("update reminder_jobs set next_run_at = null where id = $1", [stray]);
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, finished_at)
     select 'acme', 1, 1, now(), 'sink', 'sent', now()`,
  );
  await advance({ days: 120 });
  work({ retentionDays: 30 });
  await until(
    async () => (await database.query("select from deliveries where reminder_id = 1")).length === 0,
    "it is dropped",
  );
  await until(
    async () => (await database.query("select from reminder_events where type = 'rescued'")).length === 1,
    "it is rescued",
  );
  await becomes(stray, { status: "ACTIVE" });
});

test("an old week in which one tenant still waits is kept, whoever asks for it to be dropped", async () => {
  const database = await freshDatabase();
  const { advance } = worldOn(database);
  await createTenants(database, "acme");
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status)
     select 'acme', 1, 1, now(), 'sink', 'retrying'`,
  );
  await advance({ days: 120 });
  const drop = "select drop_partitions_before(reminder_now() - interval '30 days')";
  await database.as({ role: WORKER_ROLE, tenant: EVERY_TENANT }).query(drop);
  // Though this one, like a person at psql, sees no other rows than those of `default`.
  await database.as({ role: WORKER_ROLE, tenant: "default" }).query(drop);
  expect(await database.query("select from deliveries where reminder_id = 1")).toHaveLength(1);
});
