import { expect, test } from "vitest";
import type { Row } from "../../src/store/postgres.ts";
import { lockWaits } from "../support/database.ts";
import { holding } from "../support/holding.ts";
import { DELIVERED } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

// What becomes of results while somebody has their rows locked (docs/decisions/0060).

const REMINDER = "select from reminder_jobs where id = $1 for update";
const DELIVERY = "select from deliveries where reminder_id = $1 for update";
const once = () => ({ schedule_type: "one_time", interval_minutes: null, run_at: new Date() });

/** Has the sink answer when it is told to; what comes later is answered at once. */
function answeringLater({ sink }: World): () => void {
  const answers: (() => void)[] = [];
  sink.behave = () => new Promise((resolve) => answers.push(() => resolve(DELIVERED)));
  return () => {
    sink.behave = () => DELIVERED;
    for (const answer of answers.splice(0)) answer();
  };
}

/** Has the sink answer when the worker's patience ends. */
function answeringAtLast({ sink }: World): void {
  sink.behave = (_message, signal) =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve(DELIVERED)));
}

const LOCK_TIMEOUT = "55P03";
const TIMED_OUT = "57014";
const LOCKS_OR_WRITES_RESULTS = /for update of d skip locked|demo = u\.demo/;

/**
 * Tells how each transaction of a worker ended that was to store results: "stored" if it was committed, else the SQLSTATE. To be called
 * before the worker is started. `before` is called when they are about to be locked or written, with how many such transactions came earlier.
 */
function watchResults({ database }: World, before: (earlier: number) => Promise<void> = async () => {}): string[] {
  const ends: string[] = [];
  let begun = 0;
  const { as } = database;
  database.as = (...how) => {
    const session = as(...how);
    return {
      ...session,
      transaction: async (work, limits) => {
        let isOfResults = false;
        try {
          const done = await session.transaction(
            (sql) =>
              work({
                query: async <R extends Row>(text: string, params?: readonly unknown[]) => {
                  if (!isOfResults && LOCKS_OR_WRITES_RESULTS.test(text)) {
                    isOfResults = true;
                    await before(begun++);
                  }
                  return sql.query<R>(text, params);
                },
              }),
            limits,
          );
          if (isOfResults) ends.push("stored");
          return done;
        } catch (error) {
          if (isOfResults) ends.push((error as { code: string }).code);
          throw error;
        }
      },
    };
  };
  return ends;
}

test("P6: while a reminder is locked for longer than a lease, its message stays with the worker that has sent it", async () => {
  const made = await world();
  const { database, insert, sink, work, deliveryBecomes } = made;
  const answer = answeringLater(made);
  const id = await insert(once());
  work({ leaseSeconds: 4 });
  await until(() => sink.received.length === 1, "the message is under way");
  const [row] = await database.query<{ lease: string }>("select next_attempt_at::text as lease from deliveries");
  work({ leaseSeconds: 4 });
  const release = await holding(database, REMINDER, [id]);
  answer();

  const isOver = "select 1 from deliveries where reminder_now() > $1::timestamptz + interval '1 second'";
  await until(async () => (await database.query(isOver, [row?.lease])).length > 0, "the lease would have run out");
  await release();

  // Nor did its own worker have to claim it again, which would count as an attempt.
  expect(await deliveryBecomes(id, "sent")).toMatchObject({ attempts: 1 });
  expect(sink.received).toHaveLength(1);
});

test("a result whose row is locked stands in the queue for it, time and again: when it is free, others want it too", async () => {
  const made = await world();
  const { database, insert, sink, work, deliveryBecomes } = made;
  const answer = answeringLater(made);
  const id = await insert({ run_at: new Date() });
  work();
  await until(() => sink.received.length === 1, "the message is under way");
  const release = await holding(database, DELIVERY, [id]);
  answer();

  for (let times = 0; times < 3; times += 1) {
    await until(async () => (await lockWaits(database)) === 1, "it waits where its row is");
    await until(async () => (await lockWaits(database)) === 0, "it lets go of all else that it has");
  }
  await release();
  await deliveryBecomes(id, "sent");
});

test.each([2, 4])(
  "one worker of several with %i results behind several locks stores each as soon as it is free",
  async (count) => {
    const made = await world();
    const { database, insert, sink, work, deliveryBecomes, becomes } = made;
    const answer = answeringLater(made);
    const ids = await Promise.all(Array.from({ length: count }, () => insert(once())));
    work();
    await until(() => sink.received.length === count, "all are under way");
    const releases = await Promise.all(
      ids.map((id, place) => holding(database, place % 2 === 0 ? REMINDER : DELIVERY, [id])),
    );
    answer();

    // The last that was locked is free first.
    for (const [place, id] of [...ids.entries()].reverse()) {
      await releases[place]?.();
      await deliveryBecomes(id, "sent");
      await becomes(id, { status: "COMPLETED" });
    }
    expect(sink.received).toHaveLength(count);
  },
);

test("P5: told to end, a worker stores what it can, though somebody has just locked one of its rows", async () => {
  const { database, insert, sink, work, deliveries } = await world();
  sink.behave = (_message, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("cut short"))));
  const [locked, free] = [await insert(once()), await insert(once())];
  const worker = work({ graceMs: 100 });
  await until(() => sink.received.length === 2, "both are under way");
  const release = await holding(database, DELIVERY, [locked]);

  await worker.stop();

  const isHandedBack = async () => (await deliveries(free))[0]?.lease_token === null;
  await until(isHandedBack, "the free one is handed back");
  expect(await deliveries(free)).toMatchObject([{ status: "retrying", attempts: 0 }]);
  expect(await deliveries(locked)).toMatchObject([{ status: "sending" }]);
  await release();
});

test("P6: from when it is told to end, a worker stands in no queue for a row that somebody has locked", async () => {
  const made = await world({ concurrency: 2 });
  const { database, insert, sink, work, deliveryBecomes } = made;
  const ends = watchResults(made);
  const answer = answeringLater(made);
  const [locked, free] = [await insert(once()), await insert(once())];
  const worker = work({ graceMs: 60_000 });
  await until(() => sink.received.length === 2, "both are under way");
  const notBegun = await insert(once());
  await deliveryBecomes(notBegun, "sending");
  const release = await holding(database, DELIVERY, [locked]);

  const stopped = worker.stop();
  await deliveryBecomes(notBegun, "pending");
  answer();

  await deliveryBecomes(free, "sent");
  expect(ends).not.toContain(TIMED_OUT);
  await release();
  await deliveryBecomes(locked, "sent");
  await stopped;
});

test("P6: told to end, a worker stores what is free when it looks again, though others are locked still", async () => {
  const made = await world();
  const { database, insert, sink, work, deliveries, deliveryBecomes } = made;
  let release = async () => {};
  watchResults(made, async (earlier) => {
    if (earlier === 1) await release();
  });
  answeringAtLast(made);
  const [locked, soonFree] = [await insert(once()), await insert(once())];
  const worker = work({ graceMs: 100 });
  await until(() => sink.received.length === 2, "both are under way");
  const releaseOther = await holding(database, DELIVERY, [locked]);
  release = await holding(database, DELIVERY, [soonFree]);

  await worker.stop();

  await deliveryBecomes(soonFree, "sent");
  expect(await deliveries(locked)).toMatchObject([{ status: "sending" }]);
  await releaseOther();
});

test("P6: told to end while the timeline can't be written, a worker first stores what needs no line of it", async () => {
  const made = await world({ concurrency: 100 });
  const { database, insert, sink, work, deliveryBecomes } = made;
  const ends = watchResults(made);
  answeringAtLast(made);
  for (let n = 0; n < 31; n += 1) await insert(once());
  const without = await insert({ run_at: new Date() });
  const worker = work({ graceMs: 100 });
  await until(() => sink.received.length === 32, "all are under way");
  const release = await holding(database, "lock table reminder_events in share mode");

  await worker.stop();

  await deliveryBecomes(without, "sent");
  expect(ends.slice(0, 2)).toEqual([LOCK_TIMEOUT, "stored"]);
  await release();
});

test("while the timeline can't be written, as an index is made of it, what needs no line of it waits with none that does", async () => {
  const made = await world({ concurrency: 100 });
  const { database, insert, sink, work, deliveryBecomes } = made;
  const ends = watchResults(made);
  const answer = answeringLater(made);
  const withLine: number[] = [];
  const without: number[] = [];
  for (let n = 0; n < 30; n += 1) {
    withLine.push(await insert(once()));
    without.push(await insert({ run_at: new Date() }));
  }
  work();
  await until(() => sink.received.length === 60, "all are under way");
  const release = await holding(database, "lock table reminder_events in share mode");
  answer();

  for (const id of without) await deliveryBecomes(id, "sent");
  // All together, before those are looked for that wait.
  expect(ends.slice(0, 3)).toEqual([TIMED_OUT, LOCK_TIMEOUT, "stored"]);
  expect(ends.filter((end) => end === "stored")).toHaveLength(1);
  const waiting = "select from deliveries where status = 'sending'";
  expect(await database.query(waiting)).toHaveLength(withLine.length);
  const later = await insert({ run_at: new Date() });
  await deliveryBecomes(later, "sent");

  await release();
  for (const id of withLine) await deliveryBecomes(id, "sent");
  expect(sink.received).toHaveLength(61);
});

test("P6: while too many results wait to be stored, nothing more is sent that would have to be sent again with them", async () => {
  const made = await world({ concurrency: 2 });
  const { database, insert, sink, work, deliveries, deliveryBecomes } = made;
  const ends = watchResults(made);
  const count = 300;
  await database.query(
    `with r as (
       insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, run_at)
       select 'backlog', n::text, 'payment', 'sink', 'one_time', reminder_now() from generate_series(1, $1::int) n
       returning id, tenant_id, bucket)
     insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, next_attempt_at)
     select tenant_id, bucket, id, reminder_now(), 'sink', 'someone@example.org', 'pending', reminder_now() from r`,
    [count],
  );
  await database.query("update reminder_jobs set next_run_at = null, last_occurrence_at = run_at");
  const release = await holding(database, "lock table reminder_events in share mode");
  // Of 100 results at the most, and of what the lane holds, 20.
  work({ batchSize: 5, mostUnstored: 100 });
  await until(() => sink.received.length >= 100, "results wait");

  const later = await insert({ run_at: new Date() });
  const fired = await until(async () => (await deliveries(later))[0], "more is due");
  expect(fired).toMatchObject({ status: "pending" });
  const before = ends.length;
  await until(() => ends.length > before + 1, "it has tried to store them again");
  expect(sink.received.length).toBeLessThanOrEqual(120);

  await release();
  await deliveryBecomes(later, "sent");
  const open = "select from deliveries where status <> 'sent'";
  await until(async () => (await database.query(open)).length === 0, "all is sent");
  expect(sink.received).toHaveLength(count + 1);
});
