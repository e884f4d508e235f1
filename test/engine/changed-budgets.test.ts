import { pino } from "pino";
import { expect, test } from "vitest";
import { heedChangedBudgets } from "../../src/engine/budgets.ts";
import { Maintainer } from "../../src/engine/maintain.ts";
import { putContacts } from "../../src/store/contacts.ts";
import { apiDatabase, workerDatabase } from "../../src/store/tenant-database.ts";
import { holding } from "../support/holding.ts";
import { DELIVERED } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

const QUICK = { pollSeconds: 0.1 };

async function wants({ database }: World, preferences: object, person = "ann"): Promise<void> {
  await database.query(
    `insert into contacts (entity_type, entity_id, email, preferences) values ('person', $1, $1 || '@example.org', $2)
     on conflict (tenant_id, entity_type, entity_id) do update set preferences = excluded.preferences`,
    [person, JSON.stringify(preferences)],
  );
}

/** So many are due now, one after the other, and have been sent or wait. */
async function due(
  there: World,
  count: number,
  person = "ann",
  columns: Record<string, unknown> = {},
): Promise<number[]> {
  const ids: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const [now] = await there.database.query<{ at: number }>("select reminder_now() as at");
    const schedule = { schedule_type: "one_time", interval_minutes: null, run_at: new Date(now?.at as number) };
    const of = { entity_type: "person", entity_id: person, event_type: `${person}-${Math.random()}`, recipient: null };
    const id = await there.insert({ ...of, ...schedule, ...columns });
    ids.push(id);
    await until(
      async () => (await there.deliveries(id)).some(({ status }) => status !== "sending"),
      "it asked for its place",
    );
  }
  return ids;
}

async function settled({ database }: World): Promise<void> {
  await until(
    async () =>
      (
        await database.query(
          `select from deliveries
            where status = 'sending' or (status in ('pending', 'retrying') and next_attempt_at <= reminder_now())
           union all
           select from reminder_jobs where status = 'ACTIVE' and next_run_at <= reminder_now()`,
        )
      ).length === 0,
    "nothing is under way",
  );
}

/** What they are told who wait. */
async function reasons({ database }: World): Promise<unknown[]> {
  const rows = await database.query("select distinct reason from deliveries where status in ('pending', 'retrying')");
  return rows.map(({ reason }) => reason);
}

const sentOf = ({ sink }: World): number[] => sink.received.map(({ reminder }) => reminder.id);

async function hours(there: World, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await settled(there);
    await there.advance({ minutes: 60 });
    await settled(there);
  }
}

test("a lower number holds for the very next message: what was promised a place by the one of before waits, and keeps its order", async () => {
  const there = await world();
  await wants(there, { max_per_day: 4 });
  there.work(QUICK);
  const ids = await due(there, 9);
  await settled(there);
  expect(sentOf(there)).toEqual(ids.slice(0, 4));

  await wants(there, { max_per_day: 1 });
  const sent: number[] = [];
  for (let day = 0; day < 6; day += 1) {
    await hours(there, 24);
    sent.push(there.sink.received.length);
  }
  // A place is kept for up to an hour more than a day.
  expect(sent.slice(0, 5)).toEqual([4, 5, 6, 7, 8]);
  await hours(there, 12);
  expect(sentOf(there)).toEqual(ids);
});

test("with a higher number what waits leaves as far as there is room, and what is left by the new one; without a number all of it", async () => {
  const there = await world();
  await wants(there, { max_per_day: 2 });
  await wants(there, { max_per_day: 1 }, "bob");
  there.work(QUICK);
  const ids = await due(there, 9);
  await due(there, 2, "bob");
  await settled(there);
  expect(there.sink.received).toHaveLength(3);

  await wants(there, { max_per_day: 6 });
  await heedChangedBudgets(workerDatabase(there.database));
  await settled(there);
  expect(
    sentOf(there)
      .filter((id) => ids.includes(id))
      .toSorted(),
  ).toEqual(ids.slice(0, 6));
  expect((await reasons(there)).toSorted()).toEqual([
    "waits for its turn: person/ann wants at most 6 messages a day",
    "waits for its turn: person/bob wants at most 1 message a day",
  ]);

  await wants(there, {});
  await heedChangedBudgets(workerDatabase(there.database));
  await settled(there);
  expect(
    sentOf(there)
      .filter((id) => ids.includes(id))
      .toSorted(),
  ).toEqual(ids);
  expect(there.sink.received).toHaveLength(10);
});

test("the number that is set back and forth gives nobody more than there was room for", async () => {
  const there = await world();
  await wants(there, { max_per_day: 5 });
  there.work(QUICK);
  await due(there, 12);
  for (const perDay of [1, 5, 2, 5]) {
    await wants(there, { max_per_day: perDay });
    await due(there, 1);
    await heedChangedBudgets(workerDatabase(there.database));
    await settled(there);
  }
  expect(there.sink.received).toHaveLength(5);
  await hours(there, 24);
  expect(there.sink.received).toHaveLength(5);
  await hours(there, 2);
  expect(there.sink.received.length).toBeGreaterThan(5);
});

test("what gathers because there is no room leaves as one message, as soon as a higher number leaves room", async () => {
  const there = await world();
  await wants(there, { max_per_day: 1, over_budget: "digest" });
  there.work(QUICK);
  const ids = await due(there, 4);
  await settled(there);
  expect(there.sink.received).toHaveLength(1);
  const [before] = await there.database.query("select distinct digest_at from deliveries where status = 'pending'");

  await wants(there, { max_per_day: 2, over_budget: "digest" });
  await heedChangedBudgets(workerDatabase(there.database));
  await until(() => there.sink.received.length === 2, "it leaves");
  const rows = await until(async () => {
    const sent = await there.database.query(
      "select digest_at, digest_id from deliveries where reminder_id = any($1) and status = 'sent'",
      [ids.slice(1)],
    );
    return sent.length === 3 && sent;
  }, "all of it was sent");
  expect(new Set(rows.map(({ digest_id }) => digest_id)).size).toBe(1);
  expect(rows.map(({ digest_at }) => digest_at)).toEqual([before, before, before].map((row) => row?.digest_at));
});

test("what waits keeps its order, however often the number is changed", async () => {
  const there = await world();
  await wants(there, { max_per_day: 2 });
  there.work(QUICK);
  const ids = await due(there, 10);
  const sent: number[] = [];
  // What may leave at once leaves side by side.
  const note = () => {
    sent.push(
      ...sentOf(there)
        .slice(sent.length)
        .toSorted((a, b) => a - b),
    );
  };
  await settled(there);
  note();
  for (const perDay of [5, 1, 4, 2, 3, 9]) {
    await wants(there, { max_per_day: perDay });
    await heedChangedBudgets(workerDatabase(there.database));
    await settled(there);
    note();
    for (let n = 0; n < 13; n += 1) {
      await hours(there, 1);
      note();
    }
  }
  expect(sent).toEqual(ids);
});

test("where the recipient has a cap too, a higher number isn't held up by places of hours that were promised by the one of before", async () => {
  const there = await world();
  await wants(there, { max_per_day: 1 });
  there.work({ ...QUICK, limits: { perMinute: null, perRecipientPerHour: 3 } });
  const ids = await due(there, 7);
  await settled(there);
  expect(there.sink.received).toHaveLength(1);
  await wants(there, { max_per_day: 20 });
  await heedChangedBudgets(workerDatabase(there.database));
  await settled(there);
  expect(there.sink.received).toHaveLength(3);
  for (let n = 0; n < 60; n += 1) {
    await settled(there);
    await there.advance({ minutes: 2 });
  }
  await settled(there);
  expect(there.sink.received.length).toBeGreaterThanOrEqual(5);
  await hours(there, 2);
  expect(new Set(sentOf(there))).toEqual(new Set(ids));
});

test("what somebody has locked right then is promised anew the next time", async () => {
  const there = await world();
  await wants(there, { max_per_day: 1 });
  const worker = there.work(QUICK);
  const ids = await due(there, 3);
  await settled(there);
  await worker.stop();
  const release = await holding(there.database, "select from deliveries where reminder_id = $1 for update", [ids[2]]);
  await wants(there, { max_per_day: 9 });
  await heedChangedBudgets(workerDatabase(there.database));
  const isDue = async (id: number | undefined): Promise<unknown> => {
    const [row] = await there.database.query(
      "select next_attempt_at <= reminder_now() as is_due from deliveries where reminder_id = $1",
      [id],
    );
    return row?.is_due;
  };
  expect([await isDue(ids[1]), await isDue(ids[2])]).toEqual([true, false]);
  await release();
  await new Maintainer(workerDatabase(there.database), 90, pino({ level: "silent" })).maintain();
  expect(await isDue(ids[2])).toBe(true);
  there.work(QUICK);
  await until(() => there.sink.received.length === 3, "all leave");
});

test("workers and many who change their numbers at once, in any order, never wait for each other in a circle, and keep to what is wanted", async () => {
  const there = await world();
  const { database } = there;
  const people = Array.from({ length: 12 }, (_, n) => `p${n}`);
  for (const person of people) await wants(there, { max_per_day: 2 }, person);
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, run_at)
     select 'person', p, n::text, 'sink', 'one_time', reminder_now() from unnest($1::text[]) p, generate_series(1, 10) n`,
    [people],
  );
  const begun = new Map<string, number[]>();
  there.sink.behave = async ({ reminder }) => {
    const [clock] = await database.query<{ now: number }>("select reminder_now() as now");
    const of = reminder.entityId;
    begun.set(of, [...(begun.get(of) ?? []), clock?.now as number]);
    return DELIVERED;
  };
  const failures: unknown[] = [];
  for (let n = 0; n < 2; n += 1) there.work(QUICK);

  const api = apiDatabase(database).forTenant("default");
  const change = async (): Promise<void> => {
    for (const person of people.toSorted(() => Math.random() - 0.5).slice(0, 4)) {
      const preferences = { max_per_day: 1 + Math.floor(Math.random() * 3) };
      const contact = { entityType: "person", entityId: person, name: null, email: `${person}@example.org` };
      const rest = { timeZone: null, locale: null, quietHours: null, phone: null, addresses: null };
      await putContacts(api, [
        { ...contact, ...rest, preferences, manager: null, delegate: null, delegateUntil: null },
      ]);
    }
    await heedChangedBudgets(workerDatabase(database));
  };
  for (let round = 0; round < 400 && there.sink.received.length < 120; round += 1) {
    // An hour at once would end the leases of what is being sent.
    await Promise.all([change(), change(), change()].map((one) => one.catch((error) => failures.push(error))));
    await hours(there, 1);
  }

  expect(failures).toEqual([]);
  const [stats] = await database.query(
    "select deadlocks::int from pg_stat_database where datname = current_database()",
  );
  expect(stats).toEqual({ deadlocks: 0 });
  expect(new Set(sentOf(there)).size).toBe(120);
  expect(there.sink.received).toHaveLength(120);
  const day = 24 * 3_600_000;
  for (const instants of begun.values())
    for (const at of instants)
      expect(instants.filter((one) => one > at - day && one <= at).length).toBeLessThanOrEqual(3);
});
