import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { channelMap } from "../../src/channels/registry.ts";
import { Maintainer } from "../../src/engine/maintain.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { holding } from "../support/holding.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

// Recovery works page by page. A page full of what can't be recovered must not hide what lies behind it.

const log = pino({ level: "silent" });

/** From now on the database refuses every change of reminders of this kind, as a constraint or a trigger of a user's might. */
async function refuseChanges({ database }: World, entityType: string): Promise<void> {
  await database.query(
    `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$`,
  );
  await database.query(
    `create trigger refuse before update on reminder_jobs for each row when (old.entity_type = '${entityType}')
     execute function refuse()`,
  );
}

/** Open deliveries of as many one-time reminders, whose lease ran out. */
async function insertAbandoned({ database }: World, channel: string, count: number, secondsAgo: number): Promise<void> {
  await database.query(
    `with r as (
       insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, run_at)
       select $1, n::text || ':' || $3, 'payment', $1, 'x', 'one_time', reminder_now() - interval '1 hour'
         from generate_series(1, $2::int) n
       returning *
     )
     insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, attempts, next_attempt_at, lease_token)
     select tenant_id, bucket, id, next_run_at, channel, 'sending', 1, reminder_now() - $3::int * interval '1 second', gen_random_uuid()
       from r`,
    [channel, count, secondsAgo],
  );
  await database.query(
    "update reminder_jobs set last_occurrence_at = next_run_at, next_run_at = null where entity_type = $1 and next_run_at is not null",
    [channel],
  );
}

async function insertStray({ database, insert }: World, entityType: string): Promise<number> {
  const id = await insert({ entity_type: entityType });
  await database.query("update reminder_jobs set next_run_at = null where id = $1", [id]);
  return id;
}

test("a stray behind pages of reminders whose messages are under way is found", async () => {
  const made = await world();
  await insertAbandoned(made, "elsewhere", 2_500, 1);
  const stray = await insertStray(made, "stray");

  await new Maintainer(workerDatabase(made.database), 90, log).maintain();

  expect((await made.reminder(stray)).next_run_at).not.toBeNull();
});

test("strays that somebody holds, or that can't be rescued, don't hide the others", async () => {
  const made = await world();
  const { database, reminder, events } = made;
  for (let n = 0; n < 3; n += 1) await insertStray(made, "held");
  const refused = await insertStray(made, "refused");
  const stray = await insertStray(made, "stray");
  await refuseChanges(made, "refused");
  const release = await holding(database, "select from reminder_jobs where entity_type = 'held' for update");

  await new Maintainer(workerDatabase(database), 90, log).maintain();
  await release();

  expect((await reminder(stray)).next_run_at).not.toBeNull();
  expect(await events(stray)).toMatchObject([{ type: "rescued" }]);
  expect((await reminder(refused)).next_run_at).toBeNull();
});

test("reminders that can be neither fired nor paused don't hold up those that are due behind them, batch after batch", async () => {
  const made = await world();
  const { insert, work, becomes, database } = made;
  for (let n = 0; n < 25; n += 1) await insert({ entity_type: "refused", run_at: new Date(Date.now() - 60_000 + n) });
  const behind = await insert({ run_at: new Date() });
  await refuseChanges(made, "refused");

  work({ batchSize: 10, pollSeconds: 0.2 });

  await becomes(behind, { occurrence_count: 1 });
  expect(
    await database.query("select from reminder_jobs where entity_type = 'refused' and status = 'ACTIVE'"),
  ).toHaveLength(25);
});

test("what a dead worker held is taken over though more of it than a page is locked by somebody", async () => {
  const made = await world({ concurrency: 1 });
  const { database, sink, work } = made;
  await insertAbandoned(made, "sink", 60, 100);
  const release = await holding(database, "select from deliveries for update");
  await insertAbandoned(made, "sink", 1, 1);

  work();

  await until(() => sink.received.length === 1, "the one that is free is sent");
  await release();
  await until(() => sink.received.length === 61, "the others are sent once they are free");
});

test("what waits for a channel that is gone holds up nothing, and stays as it is", async () => {
  const made = await world({ concurrency: 1 });
  const { sink, work, database } = made;
  await insertAbandoned(made, "gone", 100, 100);
  await insertAbandoned(made, "sink", 1, 1);

  work();

  await until(() => sink.received.length === 1, "the other is sent");
  expect(await database.query("select from deliveries where channel = 'gone' and status = 'sending'")).toHaveLength(
    100,
  );
});

test("a batch that takes longer than a statement may is tried smaller, until it can be fired", async () => {
  const made = await world();
  const { database, insert, sink } = made;
  for (let n = 0; n < 60; n += 1) await insert({ run_at: new Date() });
  await database.query(
    `create function slowly() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); return new; end $$`,
  );
  await database.query("create trigger slowly before update on reminder_jobs for each row execute function slowly()");
  const base = workerDatabase(database);
  const impatient: typeof base = { ...base, transaction: (run) => base.transaction(run, { statementMs: 400 }) };

  const worker = startWorker({ database: impatient, channels: channelMap([sink]), log, settings: { batchSize: 60 } });
  onTestFinished(() => worker.stop());

  await until(() => sink.received.length === 60, "all are sent");
  expect(new Set(sink.received.map((message) => message.reminder.id)).size).toBe(60);
});
