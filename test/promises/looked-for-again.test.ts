import { expect, test } from "vitest";
import { NotYet, Permanent } from "../../src/channels/channel.ts";
import type { Row, Sql } from "../../src/store/postgres.ts";
import type { TestDatabase } from "../support/database.ts";
import { once as onceFor, severalChannels } from "../support/several-channels.ts";
import { DELIVERED } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

/** Longer than any test: what a worker left in its database it looks for again because something tells it to. */
const NEVER_LOOK = {
  ...{ pollSeconds: 86_400, leaseSeconds: 86_400 },
  retry: { maxAttempts: 3, baseSeconds: 0.05, factor: 1, capSeconds: 1 },
};
const ONCE = { schedule_type: "one_time", interval_minutes: null };
/** In the look for the digests that are due next; in the one for what else is; and the latter's parameter where it goes over all that there is. */
const LOOK_FOR_DIGESTS = "as channels(name)";
const LOOK = "as channels(name, from_at, place)";
const FROM_THE_BEGINNING = "-infinity";

interface Watch {
  before?: (text: string) => Promise<unknown> | null;
  after?: (text: string, params: readonly unknown[]) => void;
}

/** From now on, what a worker asks the database is seen before and after. */
function watch(database: TestDatabase, { before, after }: Watch): void {
  const seen =
    (sql: Sql): Sql["query"] =>
    async <R extends Row>(text: string, params: readonly unknown[] = []) => {
      await before?.(text);
      const rows = await sql.query<R>(text, params);
      after?.(text, params);
      return rows;
    };
  const { as } = database;
  database.as = (identity, planning) => {
    const session = as(identity, planning);
    return {
      query: seen(session),
      transaction: (work, limits) => session.transaction((sql) => work({ ...sql, query: seen(sql) }), limits),
    };
  };
}

/** Has the worker that `start` starts look round, send the first, and lie down: from now on nothing wakes it but what it is told. */
async function lieDown({ database, insert, deliveryBecomes }: World, start: () => void, first = {}): Promise<void> {
  const { listen } = database;
  let listens = false;
  database.listen = (channel, hear) =>
    listen(channel, (payload) => {
      hear(payload);
      listens = true;
    });
  // After a look at a part it soon comes again for the whole.
  let wasForDigests = false;
  let wasForAll = false;
  watch(database, {
    after: (text, params) => {
      if (text.includes(LOOK_FOR_DIGESTS)) wasForDigests = true;
      if (!text.includes(LOOK)) return;
      wasForAll = wasForDigests && (params[1] as string[]).every((from) => from === FROM_THE_BEGINNING);
      wasForDigests = false;
    },
  });
  start();
  await until(() => listens, "it is told of what is due");
  await deliveryBecomes(await insert({ ...ONCE, run_at: new Date(), ...first }), "sent");
  await until(() => wasForAll, "it has looked for all that there may be");
}

/** So many reminders that are due at once. */
async function insertDue(database: TestDatabase, count: number): Promise<void> {
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, run_at)
     select 'invoice', 'due-' || n, 'payment', 'sink', 'x', 'one_time', reminder_now() from generate_series(1, $1) n`,
    [count],
  );
}

test("P4: what was fired while its lane was full is sent as soon as there is room", async () => {
  const there = await world({ concurrency: 1 });
  await lieDown(there, () => there.work(NEVER_LOOK));
  await insertDue(there.database, 25);
  await until(() => there.sink.received.length === 26, "all are sent");
});

test("P4: and so it is where all that filled the lane has ended before that was stored", async () => {
  const there = await world({ concurrency: 1 });
  const { database, sink } = there;
  let beforeInsert: (() => Promise<unknown>) | null = null;
  watch(database, {
    before: (text) => {
      if (beforeInsert === null || !text.includes("insert into deliveries")) return null;
      const now = beforeInsert;
      beforeInsert = null;
      return now();
    },
  });
  await lieDown(there, () => there.work(NEVER_LOOK));
  let answer: () => void = () => {};
  sink.behave = () =>
    new Promise((resolve) => {
      answer = () => resolve(DELIVERED);
    });
  await insertDue(database, 10);
  await until(async () => (await openOf(database)) === 10 && sink.received.length === 2, "the lane is full");

  beforeInsert = async () => {
    sink.behave = () => DELIVERED;
    answer();
    await until(async () => (await openOf(database)) === 0, "all that filled it has ended");
  };
  const last = await there.insert({ ...ONCE, run_at: new Date() });

  await there.deliveryBecomes(last, "sent");
  expect(beforeInsert, "it was fired while the lane was full").toBeNull();
});

test.each([
  ["fails", new Error("cut off")],
  ["finds no room", new NotYet("waits for its turn", 50)],
])("P4: what %s is tried again when its time comes", async (_what, error) => {
  const there = await world();
  await lieDown(there, () => there.work(NEVER_LOOK));
  there.sink.behave = () => {
    there.sink.behave = () => DELIVERED;
    throw error;
  };
  await there.deliveryBecomes(await there.insert({ ...ONCE, run_at: new Date() }), "sent");
  expect(there.sink.received).toHaveLength(3);
});

test("P4: what goes over another channel leaves at once", async () => {
  const there = await severalChannels();
  await there.contact("ann", { first: "ann-1", second: "ann-2" });
  const ann = onceFor("ann", { run_at: new Date() });
  await lieDown(there, () => there.workWith("first:second", NEVER_LOOK), ann);
  there.first.behave = () => {
    throw new Permanent("nobody is there");
  };
  await there.goes(await there.insert(ann), ["first ann-1 failed", "second ann-2 sent"]);
});

test("P4: those whom it was escalated to are told at once that it is done", async () => {
  const there = await world();
  const { database, insert, sink, becomes } = there;
  await database.query(
    `insert into policies (name, steps, tell_when_done)
     values ('p', '[{"after": {"sends": 1}, "to": [{"address": "boss@example.org"}], "interval_minutes": 600}]', true)`,
  );
  await lieDown(there, () => there.work(NEVER_LOOK));
  const id = await insert({ policy: "p", run_at: new Date() });
  await until(() => sink.received.length === 2, "it has been sent once");
  await database.query("update reminder_jobs set next_run_at = reminder_now() where id = $1", [id]);
  await until(() => sink.received.length === 3, "it is escalated");
  await becomes(id, { occurrence_count: 2 });

  await database.query("update reminder_jobs set status = 'COMPLETED', completion_reason = 'manual' where id = $1", [
    id,
  ]);

  await until(() => sink.received.length === 4, "the one whom it was escalated to is told");
  expect(sink.received.at(-1)).toMatchObject({ recipient: "boss@example.org", addressed: { tells: true } });
});

async function openOf(database: TestDatabase): Promise<number> {
  const open = await database.query("select from deliveries where status in ('sending', 'pending', 'retrying')");
  return open.length;
}
