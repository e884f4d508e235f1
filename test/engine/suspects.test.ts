import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { channelMap } from "../../src/channels/registry.ts";
import { type ReminderNow, recheck } from "../../src/core/recheck.ts";
import { NOT_MET } from "../../src/core/stop.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { type ClaimedDelivery, claimDeliveries } from "../../src/store/claimed.ts";
import type { Database } from "../../src/store/postgres.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { freshDatabase } from "../support/database.ts";
import { sinkChannel } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

/** Deliveries whose workers died in the middle of them, after as many attempts; the longest waiting first. */
async function insertLeft(database: Database, attempts: readonly number[]): Promise<void> {
  await database.query(
    `with r as (
       insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, run_at)
       select 'invoice', n::text, 'payment', 'sink', 'one_time', reminder_now() + interval '1 day'
         from generate_series(1, $1::int) n
       returning id, entity_id, bucket)
     insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, attempts, next_attempt_at, lease_token)
     select 'default', bucket, id, reminder_now(), 'sink', 'sending', ($2::int[])[entity_id::int],
            reminder_now() - interval '1 hour' + entity_id::int * interval '1 second', gen_random_uuid()
       from r`,
    [attempts.length, attempts],
  );
}

async function take(
  database: Database,
  suspects: { together: number; alone: number },
  maxAttempts = 5,
  limit = 4,
): Promise<ClaimedDelivery[]> {
  const { claimed } = await claimDeliveries(workerDatabase(database), {
    ...{ channel: "sink", limit, suspects, from: null, after: null, maxAttempts },
    lease: { token: randomUUID(), seconds: 60 },
  });
  return claimed;
}

async function claim(...how: Parameters<typeof take>): Promise<Pick<ClaimedDelivery, "attempts" | "isSuspect">[]> {
  return (await take(...how)).map(({ attempts, isSuspect }) => ({ attempts, isSuspect }));
}

const others = (count: number) => Array.from({ length: count }, () => ({ attempts: 2, isSuspect: false }));
const suspects = (count: number, attempts: number) =>
  Array.from({ length: count }, () => ({ attempts, isSuspect: true }));

test("what workers died with twice is tried once more beside its kind, and all else goes on beside it", async () => {
  const database = await freshDatabase();
  await insertLeft(database, [...Array(6).fill(2), ...Array(9).fill(1)]);
  expect(await claim(database, { together: 3, alone: 1 })).toEqual([...others(4), ...suspects(3, 3)]);
  expect(await claim(database, { together: 0, alone: 0 })).toEqual(others(4));
  expect(await claim(database, { together: 5, alone: 0 })).toEqual([...others(1), ...suspects(3, 3)]);
});

test("what they died with three times is alone among its kind, and comes first", async () => {
  const database = await freshDatabase();
  await insertLeft(database, [2, 2, 3, 2, 4, 1]);
  expect(await claim(database, { together: 3, alone: 1 })).toEqual([...others(1), ...suspects(1, 4)]);
  expect(await claim(database, { together: 0, alone: 0 })).toEqual([]);
  expect(await claim(database, { together: 3, alone: 1 })).toEqual(suspects(1, 5));
  expect(await claim(database, { together: 3, alone: 1 })).toEqual(suspects(3, 3));
});

test.each([3, 2])("of %i attempts none but the last is left, for which it is alone", async (maxAttempts) => {
  const database = await freshDatabase();
  await insertLeft(database, Array(3).fill(maxAttempts - 1));
  for (let n = 0; n < 3; n += 1) {
    expect(await claim(database, { together: 3, alone: 1 }, maxAttempts)).toEqual(suspects(1, maxAttempts));
  }
  expect(await claim(database, { together: 3, alone: 1 }, maxAttempts)).toEqual([]);
});

test.each([
  [5, [false, true, true]],
  [3, [false, true, true]],
  [2, [true, true, true]],
  [1, [true, true, true]],
])(
  "of %i attempts: it is cut short once it had all but its last with workers that died, or two",
  async (maxAttempts, expected) => {
    const database = await freshDatabase();
    await insertLeft(database, [1, 2, 3, 4]);
    await database.query("update deliveries set status = 'retrying', lease_token = null where attempts = 4");
    const places = { together: 9, alone: 9 };
    // Those that are alone are taken instead of the others.
    const [first, then] = [await take(database, places, maxAttempts), await take(database, places, maxAttempts)];
    const all = [...first, ...then].sort((one, other) => one.reminderId - other.reminderId);
    expect(all.map(({ wasCutShort }) => wasCutShort)).toEqual([...expected, false]);
  },
);

const DUE = Date.parse("2026-01-01T09:00:00Z");
const AROUND_DUE = [null, DUE - 1, DUE, DUE + 1];

/** All that there is to be said of a reminder whose message was due at `DUE`. */
const REMINDERS: ReminderNow[] = (["ACTIVE", "PAUSED", "COMPLETED"] as const).flatMap((status) =>
  [null, DUE].flatMap((deletedAt) =>
    AROUND_DUE.flatMap((lastOccurrenceAt) =>
      ([null, "skip", "catch_up_once", "all"] as const).flatMap((misfirePolicy) =>
        AROUND_DUE.map((until): ReminderNow => {
          const silence = until === null ? null : ({ until, by: "snooze" } as const);
          return { status, deletedAt, lastOccurrenceAt, silence, ...(misfirePolicy && { misfirePolicy }) };
        }),
      ),
    ),
  ),
);

test("what isn't to be sent any more, and nothing else, is no suspect, and goes beside them", async () => {
  const database = await freshDatabase();
  await insertLeft(database, Array(REMINDERS.length).fill(2));
  const at = (instant: number | null | undefined): Date | null => (instant == null ? null : new Date(instant));
  await database.query(
    `update reminder_jobs
        set status = u.status, completion_reason = case when u.status = 'COMPLETED' then 'manual' end, deleted_at = u.deleted_at,
            last_occurrence_at = u.last_at, misfire_policy = u.policy, silent_until = u.silent_until,
            silent_by = case when u.silent_until is not null then 'snooze' end
       from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::timestamptz[]) with ordinality
              as u(status, deleted_at, last_at, policy, silent_until, n)
      where entity_id = u.n::text`,
    [
      REMINDERS.map(({ status }) => status),
      REMINDERS.map(({ deletedAt }) => at(deletedAt)),
      REMINDERS.map(({ lastOccurrenceAt }) => at(lastOccurrenceAt)),
      REMINDERS.map(({ misfirePolicy }) => misfirePolicy ?? null),
      REMINDERS.map(({ silence }) => at(silence?.until)),
    ],
  );
  await database.query("update deliveries set occurrence_at = $1", [at(DUE)]);
  const isSent = (reminder: ReminderNow): boolean => recheck(DUE, reminder, NOT_MET) === null;
  const left = REMINDERS.filter(isSent).length;

  expect(await claimedNumbers(database, { together: 0, alone: 0 })).toEqual(numbersOf((reminder) => !isSent(reminder)));
  expect(await claimedNumbers(database, { together: left + 1, alone: 1 })).toEqual(numbersOf(isSent));
});

function numbersOf(which: (reminder: ReminderNow) => boolean): number[] {
  return REMINDERS.flatMap((reminder, n) => (which(reminder) ? [n + 1] : []));
}

/** The numbers of the reminders whose messages are claimed, in their order. */
async function claimedNumbers(database: Database, suspects: { together: number; alone: number }): Promise<number[]> {
  const ids = (await take(database, suspects, 5, 1_000)).map(({ reminderId }) => reminderId);
  const rows = await database.query<{ n: number }>(
    "select entity_id::int as n from reminder_jobs where id = any($1::bigint[]) order by 1",
    [ids],
  );
  return rows.map(({ n }) => n);
}

test("what isn't to be sent any more, its row gone as well, needn't wait for a suspect that hangs; what tells that it is done is one", async () => {
  const { database, sink } = await world({ concurrency: 1 });
  sink.behave = () => new Promise(() => {});
  await insertLeft(database, [3, 3, 3, 3, 3]);
  await database.query(
    "update reminder_jobs set last_occurrence_at = reminder_now() + interval '1 hour' where entity_id = '2'",
  );
  await database.query(
    "update reminder_jobs set status = 'COMPLETED', completion_reason = 'manual' where entity_id in ('3', '4')",
  );
  await database.query(
    `update deliveries set addressed = '{"tells": true}'
      where reminder_id = (select id from reminder_jobs where entity_id = '4')`,
  );
  await database.query("delete from reminder_jobs where entity_id = '5'");
  const worker = startWorker({
    ...{ database: workerDatabase(database), channels: channelMap([sink]), log: pino({ level: "silent" }) },
  });
  onTestFinished(() => worker.stop());

  const ended = (): Promise<Record<string, unknown>[]> =>
    database.query("select reason from deliveries where status = 'suppressed' order by reminder_id");
  await until(async () => (await ended()).length === 3, "three have ended");
  await until(() => sink.received.length > 0, "the one is under way, and hangs");

  expect((await ended()).map(({ reason }) => reason)).toEqual([
    "a newer occurrence of the same reminder took its place",
    "the reminder was completed",
    "the reminder's row was removed",
  ]);
  const left = "select attempts from deliveries where status = 'sending' order by reminder_id";
  expect(await database.query(left)).toEqual([{ attempts: 4 }, { attempts: 3 }]);
  expect(sink.received.length).toBe(1);
});

test("what is suspect in one channel, and alone there, keeps none of another waiting, however long it takes", async () => {
  const { database } = await world();
  const [hung, fine] = [sinkChannel("hung"), sinkChannel("fine")];
  hung.behave = () => new Promise(() => {});
  await insertLeft(database, [3, 3]);
  await database.query("update deliveries set channel = case reminder_id % 2 when 0 then 'hung' else 'fine' end");
  await database.query(
    "update deliveries set next_attempt_at = reminder_now() + interval '1 hour' where channel = 'fine'",
  );
  const log = pino({ level: "silent" });
  const worker = startWorker({ database: workerDatabase(database), channels: channelMap([hung, fine]), log });
  onTestFinished(() => worker.stop());
  await until(() => hung.received.length === 1, "the one is under way, and hangs");

  await database.query("update deliveries set next_attempt_at = reminder_now() where channel = 'fine'");
  worker.poke();

  await until(() => fine.received.length === 1, "the other is sent");
});
