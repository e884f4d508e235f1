import { expect, test } from "vitest";
import { dropOldPartitions, ensurePartitions } from "../../src/store/partitions.ts";
import type { Sql } from "../../src/store/postgres.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

const partitions = async (sql: Sql, parent: string): Promise<string[]> => {
  const rows = await sql.query<{ name: string }>(
    "select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::text::regclass order by 1",
    [parent],
  );
  return rows.map((row) => row.name);
};

test("weeks older than the retention are dropped whole, and what is younger stays", async () => {
  const { database, insert, work, advance, deliveryBecomes, deliveries } = await world();
  const worker = work();
  const old = await insert({ run_at: new Date(), interval_minutes: 5_000_000 });
  await deliveryBecomes(old, "sent");
  await worker.stop();
  await advance({ days: 200 });
  await ensurePartitions(database, 5);
  const another = work();
  const [now] = await database.query<{ at: number }>("select reminder_now() as at");
  const young = await insert({ run_at: new Date(now?.at as number), interval_minutes: 5_000_000 });
  await deliveryBecomes(young, "sent");
  await another.stop();

  await dropOldPartitions(database, 90);

  expect(await deliveries(old)).toEqual([]);
  expect(await deliveries(young)).toHaveLength(1);
  // This week, four weeks ahead, and the default one; the five that the migration made are gone.
  expect(await partitions(database, "deliveries")).toHaveLength(6);
  expect(await partitions(database, "reminder_events")).toHaveLength(6);
});

test("a week in which something still waits to be sent is kept however old it is", async () => {
  const { database, insert, advance } = await world();
  const id = await insert();
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, next_attempt_at)
     values ('default', 0, $1, reminder_now(), 'sink', 'retrying', reminder_now() + interval '1 year')`,
    [id],
  );
  await advance({ days: 365 });

  await dropOldPartitions(database, 90);

  expect(await database.query("select from deliveries")).toHaveLength(1);
});

test("when no worker ran for months, what is fired before the partitions are there works as well, and goes in its time", async () => {
  const { database, insert, advance, work, deliveryBecomes, becomes, deliveries } = await world();
  const id = await insert({ interval_minutes: 60 });
  await advance({ days: 200 });
  const worker = work();
  await becomes(id, { occurrence_count: 1 });
  await deliveryBecomes(id, "sent");
  await advance({ minutes: 61 });
  await becomes(id, { occurrence_count: 2 });
  await deliveryBecomes(id, "sent");
  const second = (await deliveries(id))[1]?.occurrence_at;
  await worker.stop();
  await ensurePartitions(database, 5);

  await dropOldPartitions(database, 90);
  expect(await database.query("select from deliveries")).toHaveLength(2);

  await advance({ days: 100 });
  // Its own maintenance would drop the week before the third is in it.
  const another = work({ retentionDays: 10_000 });
  await becomes(id, { occurrence_count: 3 });
  await deliveryBecomes(id, "sent");
  await another.stop();
  await dropOldPartitions(database, 90);

  // The first ended 100 days ago. The third was due then too, in the same week as the second, but was sent just now.
  const left = await deliveries(id);
  expect(left).toHaveLength(2);
  expect(left[0]).toMatchObject({ occurrence_at: second });
});

test("a worker sees to it by itself: it makes the weeks ahead, and drops those that are over", async () => {
  const { database, advance, work } = await world();
  await advance({ days: 365 });
  const before = await partitions(database, "deliveries");

  work();

  const after = async () => (await partitions(database, "deliveries")).filter((name) => !before.includes(name));
  await until(async () => (await after()).length === 5, "this week and the next four are there");
  await until(
    async () =>
      (await partitions(database, "deliveries")).every((name) => !before.includes(name) || name.endsWith("default")),
    "those of a year ago are gone",
  );
  expect((await partitions(database, "reminder_events")).length).toBe(6);
});

test("whoever reads the ledger goes first: maintenance gives up and comes back later", async () => {
  const { database, advance } = await world();
  await advance({ days: 365 });
  await database.transaction(async (sql) => {
    await sql.query("select from deliveries limit 1");
    await expect(dropOldPartitions(database, 90)).rejects.toThrow(/lock timeout/);
  });
  expect(await dropOldPartitions(database, 90)).toBe(10);
});
