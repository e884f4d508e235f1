import { expect, test } from "vitest";
import type { Instant } from "../../src/core/instant.ts";
import { LowMark } from "../../src/engine/low-mark.ts";
import { claimDeliveries } from "../../src/store/claimed.ts";
import { claimDue } from "../../src/store/firing.ts";
import type { Database } from "../../src/store/postgres.ts";
import { type Bounds, claimShares } from "../../src/store/shares.ts";
import { type Earliest, nextAttempts, nextDue, type Place } from "../../src/store/wake.ts";
import { weighing } from "../support/effort.ts";
import { holdSnapshot } from "../support/held-snapshot.ts";
import { until } from "../support/wait.ts";
import { world, worldOn } from "../support/world.ts";

const CLAIM_DUE = "order by next_run_at, id\n     limit $6";
const CLAIM_DELIVERIES = "unsuspected as materialized";
const LOOK = "one_row";
const CLAIMED = 100;

/** Reminders that are due one after the other within the last minute, or in the future by `inMinutes`. */
async function insertReminders(database: Database, count: number, inMinutes = 0): Promise<void> {
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, interval_minutes, run_at)
     select 'invoice', gen_random_uuid()::text, 'payment', 'sink', 'x', 'recurring', 600,
            reminder_now() + $2::int * interval '1 minute' - n * interval '1 millisecond'
       from generate_series(1, $1::int) n`,
    [count, inMinutes],
  );
}

/** What firing the same reminders again and again leaves behind: dead entries below all that is due now. */
async function reschedule(database: Database, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    await database.query("update reminder_jobs set next_run_at = next_run_at + interval '1 minute'");
  }
}

/** How many pages one statement of `work` touches. What `work` does is undone. */
async function pagesOf(database: Database, words: string, work: (database: Database) => Promise<unknown>) {
  const pages: number[] = [];
  const weighed = weighing(database, words, (count) => pages.push(count));
  const undo = new Error("undone");
  const undone = weighed.transaction(async (sql) => {
    await work({ ...weighed, query: sql.query, transaction: (inner) => inner(sql) });
    throw undo;
  });
  await expect(undone).rejects.toBe(undo);
  expect(pages).toHaveLength(1);
  return pages[0] as number;
}

test("a transaction left open elsewhere: what a claim of due reminders costs doesn't grow with what was fired since", async () => {
  const { database } = await world();
  await insertReminders(database, 1_000, -60);
  const claim = (from: Place | null) => (sql: Database) =>
    claimDue(sql, { channels: ["sink"], aheadMs: 0, from, leaveOut: [] }, CLAIMED);
  const pagesBefore = await pagesOf(database, CLAIM_DUE, claim(null));
  const lookBefore = await pagesOf(database, LOOK, (sql) => nextDue(sql, null));
  await holdSnapshot(database.url);
  await reschedule(database, 50);

  const mark = new LowMark();
  mark.end(mark.begin(), await nextDue(database, null));

  expect(await pagesOf(database, CLAIM_DUE, claim(mark.from))).toBeLessThan(2 * pagesBefore);
  expect(await pagesOf(database, LOOK, (sql) => nextDue(sql, mark.from))).toBeLessThan(lookBefore + CLAIMED);
  // The premise: without the mark it does grow, and the claims are the same.
  expect(await pagesOf(database, CLAIM_DUE, claim(null))).toBeGreaterThan(5 * pagesBefore);
  const idsFrom = async (from: Place | null) => (await claim(from)(database)).map(({ reminder }) => reminder.id).sort();
  const everywhere = await idsFrom(null);
  expect(await idsFrom(mark.from)).toEqual(everywhere);
});

test("a transaction left open elsewhere: what a claim of deliveries costs doesn't grow with what was sent since", async () => {
  const { database } = await world();
  const insertOpen = (count: number, agoSeconds: number) =>
    database.query(
      `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, next_attempt_at)
       select 'default', 0, n, reminder_now() - $2::int * interval '1 second', 'sink', 'pending',
              reminder_now() - $2::int * interval '1 second'
         from generate_series(1, $1::int) n`,
      [count, agoSeconds],
    );
  const claim = (from: Instant | null) => (sql: Database) =>
    claimDeliveries(sql, {
      channel: "sink",
      limit: CLAIMED,
      suspects: { alone: 1, together: 10 },
      from,
      after: null,
      lease: { token: "00000000-0000-4000-8000-000000000000", seconds: 12 },
      maxAttempts: 5,
    });
  await insertOpen(1_000, 1);
  const pagesBefore = await pagesOf(database, CLAIM_DELIVERIES, claim(null));
  await holdSnapshot(database.url);
  for (let n = 0; n < 30; n += 1) {
    await insertOpen(1_000, 100 + n);
    await database.query(
      "update deliveries set status = 'sent', next_attempt_at = null where next_attempt_at < reminder_now() - interval '60 seconds'",
    );
  }

  const mark = new LowMark();
  mark.end(mark.begin(), (await nextAttempts(database, [{ name: "sink", from: null }]))[0] as Earliest);

  expect(await pagesOf(database, CLAIM_DELIVERIES, claim(mark.from?.at ?? null))).toBeLessThan(2 * pagesBefore);
  expect(await pagesOf(database, CLAIM_DELIVERIES, claim(null))).toBeGreaterThan(3 * pagesBefore);
});

/** Where the mark is once the same was found a second later. */
function markAfter(found: Earliest): Place | null {
  let nowMs = 0;
  const mark = new LowMark(() => nowMs);
  for (; nowMs <= 1_000; nowMs += 1_000) mark.end(mark.begin(), { ...found, tookMs: 10 });
  return mark.from;
}

/** All at one instant, as what is due at nine o'clock. */
async function insertAtOnce(database: Database, count: number): Promise<void> {
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, interval_minutes, run_at)
     select 'invoice', gen_random_uuid()::text, 'payment', 'sink', 'x', 'recurring', 600,
            date_trunc('hour', reminder_now()) - interval '1 hour'
       from generate_series(1, $1::int) n`,
    [count],
  );
}

test("a transaction left open elsewhere: nor does it grow with what of the same instant was fired before", async () => {
  const { database } = await world();
  await insertAtOnce(database, 60_000);
  const claim = (from: Place | null) => (sql: Database) =>
    claimDue(sql, { channels: ["sink"], aheadMs: 0, from, leaveOut: [] }, CLAIMED);
  const pagesBefore = await pagesOf(database, CLAIM_DUE, claim(null));
  await holdSnapshot(database.url);
  await database.query(
    `update reminder_jobs set next_run_at = next_run_at + interval '10 hours'
      where id in (select id from reminder_jobs order by id limit 59000)`,
  );

  const from = markAfter(await nextDue(database, null));

  expect(from).toMatchObject({ id: 59_001 });
  expect(await pagesOf(database, CLAIM_DUE, claim(from))).toBeLessThan(2 * pagesBefore);
  expect(await pagesOf(database, CLAIM_DUE, claim(null)), "the premise").toBeGreaterThan(3 * pagesBefore);
});

test("what is due since the year 1 is claimed as well, and what else is due, however much a look costs", async () => {
  const { database, insert } = await world();
  await insert({ run_at: new Date("0001-01-01T00:00:00Z") });
  await insert({ run_at: new Date(Date.now() - 1_000) });
  const mark = new LowMark(() => 0);
  mark.end(mark.begin(), { ...(await nextDue(database, null)), tookMs: 10 });
  expect(mark.from?.at).toBeLessThan(Date.parse("0001-01-01T00:00:00Z"));

  const claim = { channels: ["sink"], aheadMs: 0, from: mark.from, leaveOut: [] };
  expect(await database.transaction((sql) => claimDue(sql, claim, 10))).toHaveLength(2);
});

test("a transaction left open elsewhere: nor do the shares of a backlog cost more for what was fired of its end", async () => {
  const { database } = await world();
  await insertAtOnce(database, 60_000);
  const share = (newestWithinMs: number) => (sql: Database) => {
    const bounds: Bounds = { newestWithinMs, isFilled: true, defaultFrom: null };
    const claim = { channels: ["sink"], aheadMs: 0, from: null, leaveOut: [] };
    return claimShares(sql, claim, [{ tenantId: "default", oldest: 50, newest: 50 }], bounds);
  };
  const pagesBefore = await pagesOf(database, "is_newest", share(10_000));
  await holdSnapshot(database.url);
  await database.query(
    `update reminder_jobs set next_run_at = next_run_at + interval '10 hours'
      where id in (select id from reminder_jobs order by id desc limit 59000)`,
  );

  expect(await pagesOf(database, "is_newest", share(10_000))).toBeLessThan(2 * pagesBefore);
  expect(await pagesOf(database, "is_newest", share(60e12)), "the premise").toBeGreaterThan(3 * pagesBefore);
});

test("a transaction left open elsewhere: a worker's claims stay cheap while it works, and nothing due is overlooked", async () => {
  const { database } = await world();
  await insertReminders(database, 1_000, -60);
  await holdSnapshot(database.url);
  await reschedule(database, 50);
  await database.query("update reminder_jobs set next_run_at = reminder_now() + interval '1 day'");
  const pages: number[] = [];
  const { insert, work, sink } = worldOn(weighing(database, CLAIM_DUE, (count) => pages.push(count)));
  // Long sleeps: whatever is found in time is found by being looked for, not by polling.
  work({ pollSeconds: 86_400 });
  await until(() => pages.length > 0, "the worker has looked");
  expect(pages[0], "the first look, from the very beginning").toBeGreaterThan(1_000);

  const inserted: number[] = [];
  for (let n = 0; n < 6; n += 1) {
    // Every third one is due in a past where the worker no longer looks each time.
    const ago = n % 3 === 2 ? 3_600_000 : 0;
    inserted.push(await insert({ run_at: new Date(Date.now() - ago) }));
    await until(() => sink.received.length === n + 1, `number ${n + 1} is sent`);
  }

  expect(sink.received.map(({ reminder }) => reminder.id)).toEqual(inserted);
  // Only those that come upon one from the past begin so far down.
  expect(pages.slice(1).filter((count) => count > 200).length).toBeLessThanOrEqual(2);
  expect(pages.length).toBeGreaterThan(5);
});
