import { pino } from "pino";
import { expect, test } from "vitest";
import { Maintainer } from "../../src/engine/maintain.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { world } from "../support/world.ts";

const log = pino({ level: "silent" });

test("a recurring reminder that lost its next run by hand is due again an interval from now, and its timeline says so", async () => {
  const { database, insert, reminder, events } = await world();
  const id = await insert({ interval_minutes: 60 });
  await database.query("update reminder_jobs set next_run_at = null, occurrence_count = 3 where id = $1", [id]);
  const [clock] = await database.query<{ now: number }>("select reminder_now() as now");

  await new Maintainer(workerDatabase(database), 90, log).maintain();

  const { next_run_at, status } = await reminder(id);
  expect(status).toBe("ACTIVE");
  expect(next_run_at).toBeGreaterThanOrEqual((clock?.now as number) + 60 * 60_000);
  expect(await events(id)).toMatchObject([{ type: "rescued" }]);
});

test("a one-time reminder made ACTIVE again by hand after its message was sent ends again, and frees its key", async () => {
  const { database, insert, work, becomes, reminder, sink } = await world();
  const id = await insert({ schedule_type: "one_time", interval_minutes: null });
  const worker = work();
  await becomes(id, { status: "COMPLETED" });
  await worker.stop();
  await database.query("update reminder_jobs set status = 'ACTIVE', completion_reason = null where id = $1", [id]);

  await new Maintainer(workerDatabase(database), 90, log).maintain();

  expect(await reminder(id)).toMatchObject({ status: "COMPLETED", completion_reason: "one_time_sent" });
  expect(sink.received).toHaveLength(1);
});

test("one whose message is still under way is left alone", async () => {
  const { database, insert, reminder } = await world();
  const id = await insert({ schedule_type: "one_time", interval_minutes: null, run_at: new Date() });
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, next_attempt_at)
     select tenant_id, bucket, id, next_run_at, channel, 'retrying', reminder_now() from reminder_jobs where id = $1`,
    [id],
  );
  await database.query(
    "update reminder_jobs set last_occurrence_at = next_run_at, next_run_at = null, occurrence_count = 1 where id = $1",
    [id],
  );

  await new Maintainer(workerDatabase(database), 90, log).maintain();

  expect(await reminder(id)).toMatchObject({ status: "ACTIVE", next_run_at: null });
});

test("P1: plain SQL can't give a reminder another bucket than its key's, and a changed key finds its own", async () => {
  const { database, insert, reminder } = await world();
  const id = await insert({ entity_id: "same" });
  await expect(
    database.query(
      `insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, interval_minutes, bucket, next_run_at, anchor_at)
       select entity_type, entity_id, event_type, channel, 'recurring', 60, (bucket + 1) % 64, now(), now() from reminder_jobs where id = $1`,
      [id],
    ),
  ).rejects.toThrow(/bucket_is_of_key/);
  const other = await insert({ entity_id: "other" });
  await expect(database.query("update reminder_jobs set entity_id = 'same' where id = $1", [other])).rejects.toThrow(
    /reminder_jobs_one_active/,
  );
  expect(await reminder(other)).toMatchObject({ entity_id: "other" });
});
