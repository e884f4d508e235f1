import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { BadAddress } from "../../src/channels/channel.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { holding } from "../support/holding.ts";
import { DELIVERED, sinkChannel } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

test("a backup that reads the ledger for long holds up neither sending nor the worker's beat, though a partition is missing", async () => {
  const { database, insert, work, deliveryBecomes } = await world();
  const [last] = await database.query<{ name: string }>(
    "select max(inhrelid::regclass::text) as name from pg_inherits where inhparent = 'deliveries'::regclass and inhrelid::regclass::text like '%\\_w%'",
  );
  await database.query(`drop table ${last?.name}`);
  const release = await holding(database, "select count(*) from deliveries");

  work();
  const ids = [await insert({ run_at: new Date() }), await insert({ run_at: new Date() })];

  for (const id of ids) await deliveryBecomes(id, "sent");
  await release();
});

test("a due row that somebody locks costs little while it is locked, and fires once it is free", async () => {
  const { database, insert, work, becomes } = await world();
  const id = await insert({ run_at: new Date() });
  const release = await holding(database, "select from reminder_jobs where id = $1 for update", [id]);
  let calls = 0;
  const counted = <A extends unknown[], R>(call: (...args: A) => R) =>
    ((...args: A) => {
      calls += 1;
      return call(...args);
    }) as never;
  const { as } = database;
  database.as = (...how) => {
    const { query, transaction } = as(...how);
    return { query: counted(query), transaction: counted(transaction) };
  };

  work({ pollSeconds: 60 });
  const other = await insert({ run_at: new Date() });
  await becomes(other, { occurrence_count: 1 });
  const isPast = (count: number) => until(() => calls >= count, `it has asked ${count} times`);
  // What it does as it starts comes first.
  await isPast(100);
  const since = performance.now();
  await isPast(120);

  // Every 50 ms at the most, and a few for the other loops: without a rest, twenty would take some ms.
  expect(performance.now() - since).toBeGreaterThan(200);
  await release();
  await becomes(id, { occurrence_count: 1 });
});

test("flags whose reminders are locked don't hide the others, however many they are", async () => {
  const { database, insert, work, setFlag, becomes } = await world();
  const stop = (key: string) => ({ stop_condition_type: "db_check", stop_condition_value: key });
  for (let n = 0; n < 30; n += 1) await insert({ entity_type: "locked", ...stop(`locked:${n}`) });
  const free = await insert(stop("free"));
  const release = await holding(database, "select from reminder_jobs where entity_type = 'locked' for update");
  for (let n = 0; n < 30; n += 1) await setFlag(`locked:${n}`, true);
  await setFlag("free", true);

  work({ batchSize: 10 });

  await becomes(free, { status: "COMPLETED", completion_reason: "stop_condition" });
  await release();
  await until(
    async () => (await database.query("select from reminder_jobs where status = 'COMPLETED'")).length === 31,
    "the others are completed once they are free",
  );
});

test("a flag that somebody is just changing holds up no other", async () => {
  const { database, insert, work, setFlag, becomes } = await world();
  await insert({ stop_condition_type: "db_check", stop_condition_value: "busy" });
  await setFlag("busy", true);
  const release = await holding(database, "update status_flags set value = true where key = 'busy'");
  const id = await insert({ stop_condition_type: "db_check", stop_condition_value: "free" });
  work();

  await setFlag("free", true);

  await becomes(id, { status: "COMPLETED", completion_reason: "stop_condition" });
  await release();
});

test("P7: a backlog of one channel doesn't hold up what waits for another", async () => {
  const { database } = await world();
  const [busy, other] = [sinkChannel("busy", { concurrency: 5 }), sinkChannel("other")];
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, interval_minutes)
     select 'backlog', n::text, 'payment', case when n = 3000 then 'other' else 'busy' end, 'recurring', 600
       from generate_series(1, 3000) n`,
  );
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, next_attempt_at)
     select tenant_id, bucket, id, reminder_now(), channel, 'pending', reminder_now() - interval '1 second'
       from reminder_jobs where entity_type = 'backlog'`,
  );
  let busyBefore = 0;
  other.behave = () => {
    busyBefore = busy.received.length;
    return DELIVERED;
  };
  const worker = startWorker({
    database: workerDatabase(database),
    channels: channelMap([busy, other]),
    log: pino({ level: "silent" }),
  });
  onTestFinished(() => worker.stop());

  await until(() => other.received.length === 1, "the other channel's message is sent");

  expect(busyBefore).toBeLessThan(1_000);
});

test("a result whose own claim ran out while it was being stored is stored under the new one, not sent again", async () => {
  const { database, insert, sink, work, deliveryBecomes } = await world();
  const id = await insert({ run_at: new Date() });
  let answer: (() => void) | undefined;
  sink.behave = () =>
    new Promise((resolve) => {
      answer = () => resolve(DELIVERED);
    });
  work({ leaseSeconds: 2, pollSeconds: 0.2 });
  await until(() => answer, "the message is under way");
  // The row is held while the result comes in, and the lease runs out meanwhile.
  const release = await holding(database, "select from deliveries where reminder_id = $1 for update", [id]);
  answer?.();
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await release();

  await deliveryBecomes(id, "sent");
  expect(sink.received).toHaveLength(1);
});

const DELIVERY = "select from deliveries where reminder_id = $1 for update";

test.each([
  ["the reminder", "update reminder_jobs set updated_at = updated_at where id = $1", true],
  ["the delivery", DELIVERY, true],
  ["the delivery of one that goes on", DELIVERY, false],
])(
  "a result waits for whoever has %s locked, however long, and no other result waits with it",
  async (_, lock, isOnce) => {
    const { database, insert, sink, work, deliveryBecomes, becomes } = await world();
    const answers: (() => void)[] = [];
    sink.behave = () => new Promise((resolve) => answers.push(() => resolve(DELIVERED)));
    const goesOn = { run_at: new Date() };
    const once = { ...goesOn, schedule_type: "one_time", interval_minutes: null };
    const locked = await insert(isOnce ? once : goesOn);
    const [beside, several] = [await insert(once), await insert(goesOn)];
    const worker = work({ leaseSeconds: 4 });
    await until(() => answers.length === 3, "all messages are under way");
    const release = await holding(database, lock, [locked]);
    for (const answer of answers.splice(0)) answer();

    await deliveryBecomes(beside, "sent");
    await becomes(beside, { status: "COMPLETED" });
    await deliveryBecomes(several, "sent");
    const later = await insert(once);
    await until(() => answers.length === 1, "what is due later is under way");
    answers[0]?.();
    await deliveryBecomes(later, "sent");
    const held = "select status from deliveries where reminder_id = $1";
    expect(await database.query(held, [locked])).toEqual([{ status: "sending" }]);

    await release();
    await deliveryBecomes(locked, "sent");
    await becomes(locked, { status: isOnce ? "COMPLETED" : "ACTIVE" });
    expect(sink.received).toHaveLength(4);
    await worker.stop();
  },
);

test("nor does any wait with one whose address somebody is just suppressing", async () => {
  const { database, insert, sink, work, deliveryBecomes } = await world();
  const answers = new Map<string | null, () => void>();
  sink.behave = ({ recipient }) =>
    new Promise((resolve, reject) => {
      const gone = new BadAddress("there is nobody of that name", { reason: "hard_bounce", days: null });
      answers.set(recipient, () => (recipient === "gone" ? reject(gone) : resolve(DELIVERED)));
    });
  const once = { schedule_type: "one_time", interval_minutes: null, run_at: new Date() };
  const [gone, beside] = [await insert({ ...once, recipient: "gone" }), await insert({ ...once, recipient: "there" })];
  work();
  await until(() => answers.size === 2, "both messages are under way");
  const suppress = `insert into suppressions (tenant_id, channel, address, reason, because, created_by)
                    values ('default', 'sink', 'gone', 'manual', 'they asked for it', 'somebody')`;
  const release = await holding(database, suppress);
  for (const answer of answers.values()) answer();

  await deliveryBecomes(beside, "sent");
  await release();
  await deliveryBecomes(gone, "failed");
});
