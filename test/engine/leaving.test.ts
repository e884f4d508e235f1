import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { Overtaken } from "../../src/engine/gate.ts";
import type { Held } from "../../src/engine/held.ts";
import { noteLeaving } from "../../src/engine/leaving.ts";
import { claimDeliveries, claimDigests } from "../../src/store/claimed.ts";
import { writeResults } from "../../src/store/delivery-results.ts";
import type { Database } from "../../src/store/postgres.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { advance } from "../support/clock.ts";
import { freshDatabase } from "../support/database.ts";
import { DELIVERED } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

const ONCE = { isAtMostOnce: true };
const SECONDS = 12;

async function insertPending(database: Database, { together }: { together: boolean }): Promise<void> {
  await database.query(
    `with r as (
       insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, run_at)
       select 'invoice', n::text, 'payment', 'sms', 'one_time', reminder_now() from generate_series(1, 2) n
       returning id, bucket)
     insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, next_attempt_at, digest_at)
     select 'default', bucket, id, reminder_now(), 'sms', '+4915112345678', 'pending', reminder_now(),
            case when $1 then reminder_now() end
       from r`,
    [together],
  );
}

/** What a worker that takes all has in its hands, as far as it matters here. */
async function claim(database: Database): Promise<Held[]> {
  const token = randomUUID();
  const lease = { token, seconds: SECONDS };
  const worker = workerDatabase(database);
  const room = { leftFor: () => 10, tryTake: () => true, full: () => [] };
  const alone = await claimDeliveries(worker, {
    ...{
      channel: "sms",
      limit: 10,
      suspects: { together: 9, alone: 1 },
      from: null,
      after: null,
      maxAttempts: 5,
      lease,
    },
  });
  const digests = await claimDigests(worker, {
    ...{ channel: "sms", limit: 10, room, except: [], suspects: 9, maxAttempts: 5, lease },
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
    await insertPending(database, { together });
    const first = await claim(database);
    expect(marks(first)).toEqual([false, false]);
    expect(await noteLeaving(worker, ONCE, first)).toBe(true);
    expect(await noteLeaving(worker, ONCE, first), "it is noted once").toBe(false);
    for (let n = 0; n < 2; n += 1) {
      await advance(database, { seconds: SECONDS });
      expect(marks(await claim(database))).toEqual([true, true]);
    }
  },
);

test("what was answered with a clear no may leave again", async () => {
  const database = await freshDatabase();
  const worker = workerDatabase(database);
  await insertPending(database, { together: false });
  const first = await claim(database);
  await noteLeaving(worker, ONCE, first);
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
  const worker = workerDatabase(database);
  await insertPending(database, { together: false });
  const first = await claim(database);
  await advance(database, { seconds: SECONDS });
  const second = await claim(database);
  await expect(noteLeaving(worker, ONCE, first)).rejects.toBeInstanceOf(Overtaken);
  expect(marks(first)).toEqual([false, false]);
  expect(await noteLeaving(worker, ONCE, second)).toBe(true);
});

test("where the receiver knows what comes again, nothing is noted", async () => {
  const database = await freshDatabase();
  await insertPending(database, { together: false });
  const held = await claim(database);
  expect(await noteLeaving(workerDatabase(database), {}, held)).toBe(false);
  expect(await database.query("select from deliveries where left_under is not null")).toEqual([]);
});

test("what waits in a worker's lane, and another may have sent meanwhile and died with, doesn't leave from there as well", async () => {
  const { database, insert, sink, work, deliveryBecomes } = await world({ concurrency: 1 });
  sink.isAtMostOnce = true;
  let answer = () => {};
  sink.behave = () =>
    new Promise((resolve) => {
      answer = () => resolve(DELIVERED);
    });
  const once = () => ({ schedule_type: "one_time", interval_minutes: null, run_at: new Date() });
  const first = await insert(once());
  work();
  await until(() => sink.received.length === 1, "the first is under way");
  const second = await insert(once());
  await deliveryBecomes(second, "sending");

  // As another worker leaves it: it had taken it over, and its own lease has run out.
  const token = randomUUID();
  const left =
    "update deliveries set lease_token = $2, left_under = $2, next_attempt_at = reminder_now() where reminder_id = $1";
  await database.query(left, [second, token]);
  await database.query("select pg_notify('reminder_engine', 'clock')");
  const isTaken = "select from deliveries where reminder_id = $1 and lease_token <> $2";
  await until(async () => (await database.query(isTaken, [second, token])).length === 1, "it has come back");
  answer();

  await deliveryBecomes(first, "sent");
  await deliveryBecomes(second, "unknown");
  expect(sink.received.map(({ reminder }) => reminder.id)).toEqual([first]);
});
