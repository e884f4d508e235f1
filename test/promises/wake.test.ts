import { expect, test } from "vitest";
import type { Row, Session } from "../../src/store/postgres.ts";
import { until } from "../support/wait.ts";
import { world, worldOn } from "../support/world.ts";

/** Longer than any test: what happens within the test happened by being woken. */
const NEVER_POLL = { pollSeconds: 86_400 };
/** In the statement that tells a worker how long it may sleep. */
const NEXT_DUE = "one_row";

test("P4: a reminder inserted by plain SQL wakes a sleeping worker when it is due, by NOTIFY alone", async () => {
  const { database, insert, sink, work } = await world();
  work(NEVER_POLL);
  const first = await insert({ run_at: new Date() });
  await until(() => sink.received.length === 1, "the worker is awake and has sent");

  const soon = await database.query<{ at: number }>("select reminder_now() + interval '400 milliseconds' as at");
  const second = await insert({ run_at: new Date(soon[0]?.at as number) });
  await until(() => sink.received.length === 2, "the second is sent");

  expect(sink.received.map((message) => message.reminder.id)).toEqual([first, second]);
  expect(sink.received.filter((message) => message.at < message.occurrenceAt)).toEqual([]);
});

test("P4: a due instant moved to sooner by plain SQL is kept", async () => {
  const { database, insert, sink, work } = await world();
  const id = await insert({ interval_minutes: 600 });
  work(NEVER_POLL);
  await until(async () => (await database.query("select from workers")).length === 1, "the worker is at work");

  await database.query(
    "update reminder_jobs set next_run_at = reminder_now() + interval '200 milliseconds' where id = $1",
    [id],
  );

  await until(() => sink.received.length === 1, "it is sent");
});

test("P4: a reminder announced while the worker is just about to lie down wakes it", async () => {
  const { database } = await world();
  const heard: string[] = [];
  let announce: (() => Promise<unknown>) | null = null;
  const spied = <S extends Session>(session: S): S => ({
    ...session,
    // Between the answer to the last question before its sleep and the sleep, the reminder comes and is announced.
    query: async <R extends Row>(text: string, params?: readonly unknown[]) => {
      const rows = await session.query<R>(text, params);
      if (text.includes(NEXT_DUE) && heard.includes("")) {
        const now = announce;
        announce = null;
        await now?.();
      }
      return rows;
    },
  });
  const { insert, sink, work } = worldOn({
    ...spied(database),
    as: (identity) => spied(database.as(identity)),
    listen: (channel, hear) =>
      database.listen(channel, (payload) => {
        hear(payload);
        heard.push(payload);
      }),
  });
  announce = async () => {
    await insert({ run_at: new Date() });
    await until(() => heard.includes("due"), "the worker has been told");
  };

  work(NEVER_POLL);

  await until(() => sink.received.length === 1, "it is sent");
  expect(heard).toEqual(["", "due"]);
});

test("P4: polling alone is enough where NOTIFY never arrives", async () => {
  const { insert, sink, work, setFlag, becomes, database } = await world();
  database.listen = () => async () => {};
  work({ pollSeconds: 0.1 });

  const id = await insert({ run_at: new Date(), stop_condition_type: "db_check", stop_condition_value: "done" });
  await until(() => sink.received.length === 1, "it is sent");
  await setFlag("done", true);

  await becomes(id, { status: "COMPLETED", completion_reason: "stop_condition" });
});

test("P4: and so is everything else that a worker is usually told of", async () => {
  const { insert, work, database } = await world();
  database.listen = () => async () => {};
  work({ pollSeconds: 0.1 });
  await until(async () => (await database.query("select from workers")).length === 1, "the worker is at work");
  const gone = async (table: string, which = "true") =>
    (await database.query(`select from ${table} where ${which}`)).length === 0;

  const id = await insert({ schedule_type: "cron", interval_minutes: null, cron: "0 9 * * *" });
  await database.query("insert into errands (tenant_id, kind, reminder_id) values ('default', 'tell', $1)", [id]);
  await database.query(
    "insert into done_marks (tenant_id, reminder_id, channel, provider_id) values ('default', $1, 'sink', 'x')",
    [id],
  );
  await database.query(
    "insert into template_tests (channel, recipient, message) values ('sink', 'someone@example.org', '{}')",
  );

  await until(async () => await gone("reminder_jobs", "next_run_at is null"), "it is known when the reminder is due");
  await until(() => gone("errands"), "the errand is done");
  await until(() => gone("done_marks"), "the message that can't be changed is let go");
  await until(() => gone("template_tests", "finished_at is null"), "the test has ended");
});

// The database runs on this machine, so that its clock is ours.
test("P4: nothing leaves early, by the database's clock", async () => {
  const { database, sink, work } = await world();
  work();
  // All there before the first is due, however slow the machine: each is met ahead of its instant.
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, run_at)
     select 'invoice', n::text, 'payment', 'sink', 'one_time', reminder_now() + (1000 + n * 7) * interval '1 millisecond'
       from generate_series(1, 100) n`,
  );

  const sent = "select from deliveries where status = 'sent'";
  await until(async () => (await database.query(sent)).length === 100, "all are sent");

  expect(sink.received.filter((message) => message.at < message.occurrenceAt)).toEqual([]);
  expect(await database.query(`${sent} and finished_at < occurrence_at`)).toEqual([]);
});

test("creating reminders for later makes no noise: only what is due soon is announced", async () => {
  const { database, insert } = await world();
  const heard: string[] = [];
  const unlisten = database.listen("reminder_engine", (payload) => heard.push(payload));
  await until(() => heard.length === 1, "the connection is up");

  await insert({ interval_minutes: 600 });
  await insert({ interval_minutes: 600, run_at: new Date() });
  await until(() => heard.length === 2, "the second is announced");
  await unlisten();

  expect(heard).toEqual(["", "due"]);
});

test("a flag that many reminders wait for completes them all at once, and others stay on time", async () => {
  const { database, insert, sink, work, setFlag, becomes } = await world();
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, interval_minutes,
                                stop_condition_type, stop_condition_value)
     select 'invoice', n::text, 'bulk', 'sink', 'x', 'recurring', 600, 'db_check', 'all-done' from generate_series(1, 3000) n`,
  );
  work({ ...NEVER_POLL, batchSize: 100 });

  await setFlag("all-done", true);
  const other = await insert({ run_at: new Date() });

  await becomes(other, { occurrence_count: 1 });
  await until(
    async () =>
      (await database.query("select from reminder_jobs where completion_reason = 'stop_condition'")).length === 3000,
    "all that waited are completed",
  );
  await until(
    async () => (await database.query("select from status_flags where unsettled")).length === 0,
    "the flag is settled",
  );
  expect(sink.received.map((message) => message.reminder.id)).toEqual([other]);
});
