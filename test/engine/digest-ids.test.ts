import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { NO_SLOTS } from "../../src/core/pace.ts";
import { deliveryId, readDeliveryId } from "../../src/core/reminder.ts";
import { type ClaimedDigest, claimDigests } from "../../src/store/claimed.ts";
import { postpone } from "../../src/store/pace.ts";
import type { Database } from "../../src/store/postgres.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { advance } from "../support/clock.ts";
import { freshDatabase } from "../support/database.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

/** Of one person and one time, due now. */
async function insertTogether(database: Database, events: readonly string[]): Promise<void> {
  await database.query(
    `with r as (
       insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, run_at)
       select 'person', 'ann', event, 'sink', 'one_time', reminder_now()
         from unnest($1::text[]) event
       returning id, bucket, run_at)
     insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, next_attempt_at, digest_at)
     select 'default', bucket, id, run_at, 'sink', 'ann@example.org', 'pending', run_at, timestamptz '2026-01-01 10:00Z'
       from r`,
    [events],
  );
}

const LEASE_SECONDS = 10;

async function claim(database: Database): Promise<ClaimedDigest[]> {
  const claimed = await claimDigests(workerDatabase(database), {
    ...{ channel: "sink", limit: 10, except: [], suspects: { alone: 1, together: 1 }, maxAttempts: 5 },
    ...{ room: { leftFor: () => 100, tryTake: () => true, full: () => [] } },
    lease: { token: randomUUID(), seconds: LEASE_SECONDS },
  });
  return claimed.sort((one, other) => one.items.length - other.items.length);
}

test("what was alone when its worker died is alone again, under the same id, whatever has come since", async () => {
  const database = await freshDatabase();
  await insertTogether(database, ["payment"]);
  const [alone] = await claim(database);
  expect(alone?.id).toBe(deliveryId(alone?.items[0] as ClaimedDigest["items"][0]));

  await insertTogether(database, ["feedback", "document"]);
  await advance(database, { seconds: LEASE_SECONDS });
  const [again, others, ...none] = await claim(database);
  expect(none).toEqual([]);
  expect(again).toMatchObject({ id: alone?.id, items: [{ reminderId: alone?.items[0]?.reminderId, attempts: 2 }] });
  expect(others?.items.map(({ attempts }) => attempts)).toEqual([1, 1]);
});

test("so is what may have arrived when it was alone: together with others, under another id, it would come twice", async () => {
  const database = await freshDatabase();
  await insertTogether(database, ["payment", "approval"]);
  const [both] = (await claim(database)) as [ClaimedDigest];
  const [unsure, sure] = both.items as [ClaimedDigest["items"][0], ClaimedDigest["items"][0]];
  await database.query(
    `update deliveries
        set status = 'retrying', digest_id = null, next_attempt_at = reminder_now(), may_have_arrived = reminder_id = $1`,
    [unsure.reminderId],
  );
  await insertTogether(database, ["document"]);

  const [alone, others, ...none] = await claim(database);
  expect(none).toEqual([]);
  expect(alone).toMatchObject({ id: deliveryId(unsure), items: [{ reminderId: unsure.reminderId, attempts: 2 }] });
  expect(others?.items.map(({ reminderId }) => reminderId)).toContain(sure.reminderId);
  expect(others?.items.map(({ attempts }) => attempts).sort()).toEqual([1, 2]);
});

test("a digest's id stays the same, leads to its first delivery, and is none's own: that one may come by itself later", async () => {
  const database = await freshDatabase();
  await insertTogether(database, ["payment", "feedback"]);
  const [digest] = (await claim(database)) as [ClaimedDigest];
  const [first] = digest.items as [ClaimedDigest["items"][0]];
  expect(readDeliveryId(digest.id)).toEqual({
    reminderId: first.reminderId,
    occurrenceAt: first.occurrenceAt,
    recipientNo: 0,
  });
  expect(digest.items.map(deliveryId)).not.toContain(digest.id);

  await advance(database, { seconds: LEASE_SECONDS });
  expect(await claim(database)).toMatchObject([{ id: digest.id, items: [{ attempts: 2 }, { attempts: 2 }] }]);

  // It was put back, and what it was in came without it.
  await database.query(
    "update deliveries set digest_id = null, status = 'pending', attempts = 0, next_attempt_at = reminder_now() where reminder_id = $1",
    [first.reminderId],
  );
  await insertTogether(database, ["document"]);
  const [later] = (await claim(database)) as [ClaimedDigest];
  expect(later.items.map(({ reminderId }) => reminderId)).toContain(first.reminderId);
  expect(later.id).not.toBe(digest.id);
  expect(later.items.map(deliveryId)).not.toContain(later.id);
});

test("what was begun together comes again whole: while somebody has one of it locked, none of it is taken", async () => {
  const database = await freshDatabase();
  await insertTogether(database, ["payment", "feedback"]);
  const [digest] = (await claim(database)) as [ClaimedDigest];
  await advance(database, { seconds: LEASE_SECONDS });
  await insertTogether(database, ["document"]);

  await database.transaction(async (sql) => {
    await sql.query("select from deliveries where reminder_id = $1 for update", [digest.items[0]?.reminderId]);
    const others = await claim(database);
    expect(others.flatMap(({ items }) => items.map(({ attempts }) => attempts))).toEqual([1]);
  });
  expect(await claim(database)).toMatchObject([{ id: digest.id, items: [{ attempts: 2 }, { attempts: 2 }] }]);
});

test("what may have arrived together stays together, whatever time it is put off to", async () => {
  const database = await freshDatabase();
  await insertTogether(database, ["payment", "feedback"]);
  const [digest] = (await claim(database)) as [ClaimedDigest];
  await database.query("update deliveries set may_have_arrived = true");
  const [row] = await database.query<{ token: string; at: number }>(
    "select lease_token as token, reminder_now() + interval '1 day' as at from deliveries limit 1",
  );
  const { token, at } = row as { token: string; at: number };
  const later = {
    token,
    until: at,
    digestAt: at,
    slots: NO_SLOTS,
    reason: "there is no place",
  };
  await workerDatabase(database).transaction((sql) =>
    postpone(
      sql,
      digest.items.map(({ reminderId, occurrenceAt, recipientNo }) => ({
        reminderId,
        occurrenceAt,
        recipientNo,
        ...later,
      })),
    ),
  );
  await advance(database, { seconds: 86_400 });
  const again = await claim(database);
  expect(again).toMatchObject([{ id: digest.id }]);
  expect(again[0]?.items).toHaveLength(2);
});

test("P5: told to end, a worker hands back a digest that it hasn't begun: all of it, and it comes again under its id", async () => {
  const { database, insert, sink, work } = await world({ concurrency: 1 });
  sink.behave = (_message, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("cut short"))));
  const worker = work({ graceMs: 100 });
  await insert({ run_at: new Date() });
  await until(() => sink.received.length === 1, "the only place is taken");
  await insertTogether(database, ["payment", "feedback", "document"]);
  const states = "select status, attempts, digest_id from deliveries where digest_at is not null";
  await until(
    async () => (await database.query(states)).every(({ status }) => status === "sending"),
    "the digest waits for its turn in the worker",
  );

  await worker.stop();

  const left = await database.query(states);
  expect(left).toHaveLength(3);
  for (const one of left) expect(one).toEqual({ status: "pending", attempts: 0, digest_id: left[0]?.digest_id });
  expect(left[0]?.digest_id).not.toBeNull();
});
