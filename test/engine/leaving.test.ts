import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { Retryable } from "../../src/channels/channel.ts";
import { Overtaken } from "../../src/engine/gate.ts";
import type { Held } from "../../src/engine/held.ts";
import { Leaving } from "../../src/engine/leaving.ts";
import { claimDeliveries, claimDigests } from "../../src/store/claimed.ts";
import { writeResults } from "../../src/store/delivery-results.ts";
import type { Database, Row, Sql } from "../../src/store/postgres.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { advance } from "../support/clock.ts";
import { freshDatabase } from "../support/database.ts";
import { holding } from "../support/holding.ts";
import { DELIVERED } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

const ONCE = { isAtMostOnce: true };
const SECONDS = 12;

async function insertPending(database: Database, { together = false, count = 2 } = {}): Promise<void> {
  await database.query(
    `with r as (
       insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, run_at)
       select 'invoice', n::text, 'payment', 'sms', 'one_time', reminder_now() from generate_series(1, $2::int) n
       returning id, bucket)
     insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, next_attempt_at, digest_at)
     select 'default', bucket, id, reminder_now(), 'sms', '+4915112345678', 'pending', reminder_now(),
            case when $1 then reminder_now() end
       from r`,
    [together, count],
  );
}

/** What a worker that takes all has in its hands, as far as it matters here. */
async function claim(database: Database): Promise<Held[]> {
  const token = randomUUID();
  const lease = { token, seconds: SECONDS };
  const worker = workerDatabase(database);
  const room = { leftFor: () => 100, tryTake: () => true, full: () => [] };
  const alone = await claimDeliveries(worker, {
    ...{
      channel: "sms",
      limit: 100,
      suspects: { together: 9, alone: 1 },
      from: null,
      after: null,
      maxAttempts: 5,
      lease,
    },
  });
  const digests = await claimDigests(worker, {
    ...{ channel: "sms", limit: 10, room, except: [], suspects: { alone: 9, together: 9 }, maxAttempts: 5, lease },
  });
  return [...alone.claimed, ...digests.flatMap(({ items }) => items)].map(
    (one) => ({ ...one, token }) as unknown as Held,
  );
}

const marks = (held: readonly Held[]) => held.map(({ mayHaveLeft }) => mayHaveLeft);

test.each([{ together: false }, { together: true }])(
  "whoever takes over what may have left knows it, however often it is taken over (%o)",
  async ({ together }) => {
    const database = await freshDatabase();
    const worker = workerDatabase(database);
    const leaving = new Leaving(worker);
    await insertPending(database, { together });
    const first = await claim(database);
    expect(marks(first)).toEqual([false, false]);
    expect(await leaving.note(ONCE, first)).toBe(true);
    expect(await leaving.note(ONCE, first), "it is noted once").toBe(false);
    for (let n = 0; n < 2; n += 1) {
      await advance(database, { seconds: SECONDS });
      expect(marks(await claim(database))).toEqual([true, true]);
    }
  },
);

test("what was answered with a clear no may leave again", async () => {
  const database = await freshDatabase();
  const worker = workerDatabase(database);
  await insertPending(database);
  const first = await claim(database);
  await new Leaving(worker).note(ONCE, first);
  await writeResults(
    worker,
    first.map((held) => ({
      ...held,
      ...{
        status: "retrying" as const,
        retryInMs: 0,
        untried: false,
        reason: "busy",
        providerId: null,
        demo: false,
        checked: null,
      },
    })),
  );
  expect(marks(await claim(database))).toEqual([false, false]);
});

test("whoever lost the claim doesn't send", async () => {
  const database = await freshDatabase();
  const leaving = new Leaving(workerDatabase(database));
  await insertPending(database);
  const first = await claim(database);
  await advance(database, { seconds: SECONDS });
  const second = await claim(database);
  await expect(leaving.note(ONCE, first)).rejects.toBeInstanceOf(Overtaken);
  expect(marks(first)).toEqual([false, false]);
  expect(await leaving.note(ONCE, second)).toBe(true);
});

test("where the receiver knows what comes again, nothing is noted", async () => {
  const database = await freshDatabase();
  await insertPending(database);
  const held = await claim(database);
  expect(await new Leaving(workerDatabase(database)).note({}, held)).toBe(false);
  expect(await database.query("select from deliveries where left_under is not null")).toEqual([]);
});

/** The same, with `after` called whenever it has answered. */
function calling({ query }: Sql, after: () => unknown): Sql {
  return {
    query: async <R extends Row>(text: string, params?: readonly unknown[]) => {
      const rows = await query<R>(text, params);
      await after();
      return rows;
    },
  };
}

const OTHERS = "select from deliveries where reminder_id <> $1 for update";
const ITSELF = "select from deliveries where reminder_id = $1 for update";

test("what somebody has locked isn't waited for, however much it is: the others leave meanwhile, by one connection", async () => {
  const database = await freshDatabase();
  await insertPending(database, { count: 15 });
  const [free, ...locked] = (await claim(database)) as [Held, ...Held[]];
  await holding(database, OTHERS, [free.reminderId]);
  let statements = 0;
  const leaving = new Leaving(
    calling(workerDatabase(database), () => {
      statements += 1;
    }),
  );

  const ended: unknown[] = [];
  const notLeaving = locked.map((held) => leaving.note(ONCE, [held]).catch((error: unknown) => ended.push(error)));
  expect(await leaving.note(ONCE, [free])).toBe(true);
  expect(ended).toEqual([]);
  expect(statements).toBe(1);

  await Promise.all(notLeaving);
  expect(ended).toHaveLength(locked.length);
  for (const error of ended) expect(error).toBeInstanceOf(Overtaken);
  expect(marks([free, ...locked])).toEqual([true, ...locked.map(() => false)]);
});

test("what is locked for a moment, as by a worker that prolongs its lease, leaves after that", async () => {
  const database = await freshDatabase();
  await insertPending(database);
  const held = await claim(database);
  const release = await holding(database, ITSELF, [held[0]?.reminderId]);

  const leaving = new Leaving(calling(workerDatabase(database), release));

  expect(await leaving.note(ONCE, held)).toBe(true);
  const marked = "select from deliveries where left_under = lease_token";
  expect(await database.query(marked)).toHaveLength(held.length);
});

/** Has a delivery be as another worker leaves it that had taken it over, may have sent it, and whose own lease has run out; and waits until it is taken. */
async function leftByAnother(database: Database, id: number): Promise<void> {
  const token = randomUUID();
  const left =
    "update deliveries set lease_token = $2, left_under = $2, next_attempt_at = reminder_now() where reminder_id = $1";
  await database.query(left, [id, token]);
  await database.query("select pg_notify('reminder_engine', 'clock')");
  const isTaken = "select from deliveries where reminder_id = $1 and lease_token <> $2";
  await until(async () => (await database.query(isTaken, [id, token])).length === 1, "it has come back");
}

const once = () => ({ schedule_type: "one_time", interval_minutes: null, run_at: new Date() });

/** Waits until nobody is at its delivery any more, and returns that. */
function whenLetGo({ deliveries }: World, id: number): Promise<Record<string, unknown>> {
  return until(
    async () => (await deliveries(id)).find(({ status, lease_token }) => status !== "sending" && lease_token === null),
    `nobody is at the delivery of reminder ${id}`,
  );
}

test("what is locked as it is about to leave goes back, and leaves when it is free", async () => {
  const made = await world();
  const { database, insert, sink, work, deliveryBecomes } = made;
  sink.isAtMostOnce = true;
  const connected: (() => void)[] = [];
  sink.connect = () => new Promise((resolve) => connected.push(resolve));
  const [locked, free] = [await insert(once()), await insert(once())];
  work();
  await until(() => connected.length === 2, "both are about to leave");
  const release = await holding(database, ITSELF, [locked]);
  sink.connect = async () => {};
  for (const goOn of connected) goOn();

  await deliveryBecomes(free, "sent");
  const later = await insert(once());
  await deliveryBecomes(later, "sent");
  await release();

  expect(await deliveryBecomes(locked, "sent")).toMatchObject({ attempts: 1 });
  expect(sink.received.map(({ reminder }) => reminder.id).toSorted()).toEqual([locked, free, later].toSorted());
});

test("what has left is unknown, and doesn't leave again, where its channel fails without saying what that means", async () => {
  const made = await world();
  const { insert, sink, work } = made;
  sink.isAtMostOnce = true;
  sink.behave = () => Promise.reject(new TypeError("it can't read the answer"));
  const id = await insert(once());

  work();

  expect(await whenLetGo(made, id)).toMatchObject({ status: "unknown", attempts: 1 });
  expect(sink.received).toHaveLength(1);
});

test("so is what its channel doesn't let go of when the worker ends", async () => {
  const made = await world();
  const { insert, sink, work } = made;
  sink.isAtMostOnce = true;
  sink.behave = () => new Promise(() => {});
  const id = await insert(once());
  const worker = work({ graceMs: 100 });
  await until(() => sink.received.length === 1, "it has left");

  await worker.stop();

  expect(await whenLetGo(made, id)).toMatchObject({ status: "unknown", attempts: 1 });
});

test("what fails when it is asked about once more hasn't left, and leaves later", async () => {
  const { database, insert, sink, work, deliveries } = await world();
  sink.isAtMostOnce = true;
  // As it is noted, contacts are taken away, as in the middle of a restore; and what is known of the reminder is too old by then.
  await database.query(`
    create function take_away() returns trigger security definer language plpgsql as $f$ begin
      if to_regclass('contacts') is not null then
        perform pg_sleep(0.3);
        alter table contacts rename to contacts_away;
      end if;
      return null;
    end $f$;
    create trigger take_away after update on deliveries
      for each row when (new.left_under is not null) execute function take_away()`);
  const failures: unknown[] = [];
  const { send } = sink;
  sink.send = (message, options) =>
    send(message, options).catch((error: unknown) => {
      failures.push(error);
      throw error;
    });
  const id = await insert(once());
  work();
  await until(() => failures.length === 1, "it fails");
  await database.query("drop trigger take_away on deliveries; alter table contacts_away rename to contacts");

  const ended = await until(
    async () => (await deliveries(id)).find(({ status }) => status === "sent" || status === "unknown"),
    "it has ended",
  );

  expect(failures).toMatchObject([{ code: "42P01" }]);
  expect(ended).toMatchObject({ status: "sent", attempts: 2 });
  expect(sink.received).toHaveLength(1);
});

test("what waits in a worker's lane, and another may have sent meanwhile and died with, doesn't leave from there as well", async () => {
  const made = await world({ concurrency: 1 });
  const { database, insert, sink, work, deliveryBecomes } = made;
  sink.isAtMostOnce = true;
  let answer = () => {};
  sink.behave = () =>
    new Promise((resolve) => {
      answer = () => resolve(DELIVERED);
    });
  const first = await insert(once());
  work();
  await until(() => sink.received.length === 1, "the first is under way");
  const second = await insert(once());
  await deliveryBecomes(second, "sending");

  await leftByAnother(database, second);
  sink.behave = () => DELIVERED;
  answer();

  await deliveryBecomes(first, "sent");
  expect(await whenLetGo(made, second)).toMatchObject({ status: "unknown" });
  expect(sink.received.map(({ reminder }) => reminder.id)).toEqual([first]);
});

test("nor is it put back where it comes back while its result is just being stored", async () => {
  const made = await world();
  const { database, insert, sink, work } = made;
  sink.isAtMostOnce = true;
  sink.connect = () => Promise.reject(new Retryable("nobody is there"));
  const id = await insert(once());
  let hasComeBack = false;
  const { as } = database;
  database.as = (...how) => {
    const session = as(...how);
    const query =
      (sql: Sql): Sql["query"] =>
      async <R extends Row>(text: string, params?: readonly unknown[]) => {
        // Storing it asks for its reminder first.
        if (!hasComeBack && /where id = any\(\$1::bigint\[\]\)\s+order by id\s+for update$/.test(text)) {
          hasComeBack = true;
          await leftByAnother(database, id);
        }
        return sql.query<R>(text, params);
      };
    return {
      ...session,
      transaction: (doIt, limits) => session.transaction((sql) => doIt({ query: query(sql) }), limits),
    };
  };
  work();

  await until(() => hasComeBack, "it comes back while it is stored");
  expect(await whenLetGo(made, id)).toMatchObject({ status: "unknown" });
  expect(sink.received).toEqual([]);
});

test("what a worker couldn't put back before another may have sent it, and died with it, isn't put back by it later", async () => {
  const made = await world();
  const { database, insert, sink, work } = made;
  sink.isAtMostOnce = true;
  sink.connect = () => Promise.reject(new Retryable("nobody is there"));
  // The worker is cut off with its results: nothing of them is stored.
  let [isCutOff, tries] = [true, 0];
  const { as } = database;
  database.as = (...how) => {
    const session = as(...how);
    return {
      ...session,
      transaction: (doIt, limits) =>
        session.transaction(
          (sql) =>
            doIt({
              query: async <R extends Row>(text: string, params?: readonly unknown[]) => {
                if (!isCutOff || !text.includes("demo = u.demo")) return sql.query<R>(text, params);
                tries += 1;
                throw Object.assign(new Error("cut off"), { code: "ECONNRESET" });
              },
            }),
          limits,
        ),
    };
  };
  const id = await insert(once());
  work();
  await until(() => tries > 0, "its result can't be stored");

  await leftByAnother(database, id);
  isCutOff = false;

  expect(await whenLetGo(made, id)).toMatchObject({ status: "unknown" });
  expect(sink.received).toEqual([]);
});
