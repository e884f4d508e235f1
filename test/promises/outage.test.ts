import { expect, test } from "vitest";
import { rampedUpTo } from "../../src/core/ramp.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

const OVERDUE = 100_000;

/** Hourly reminders that were due every hour of a day on which no worker ran. */
async function insertOverdue({ database }: World, count: number): Promise<void> {
  for (let page = 0; page < 10; page += 1)
    await database.query(
      `insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, interval_minutes,
                                created_at, run_at)
     select 'overdue', n::text, 'payment', 'sink', 'x', 'recurring', 60, reminder_now() - interval '30 days',
            reminder_now() - interval '1 day' - (n % 1800) * interval '1 second'
       from generate_series($1::int, $2::int) n`,
      [(page * count) / 10 + 1, ((page + 1) * count) / 10],
    );
}

test("after a day without workers, 100,000 overdue: one catch-up each, begun gently, with what is due now on time beside them", async () => {
  const made = await world({ concurrency: 500 });
  const { database, insert, work, sink } = made;
  await createTenants(database, "acme");
  await insertOverdue(made, OVERDUE);
  await database.runAlone("analyze reminder_jobs");
  const ofAnother = await insert({ tenant_id: "acme", run_at: new Date(Date.now() - 3_600_000) });
  const dueNow: number[] = [];
  const catchUp = { perSecond: 100, doublesEverySeconds: 0.8 };

  work({ catchUp });
  const count = async (what: string) =>
    (await database.query<{ count: number }>(`select count(*)::int as count from ${what}`))[0]?.count as number;
  // One more falls due each time another tenth is fired.
  for (let tenth = 0; tenth < 10; tenth += 1) {
    const caughtUp = () => count("reminder_jobs where entity_type = 'overdue' and occurrence_count > 0");
    await until(async () => (await caughtUp()) >= (tenth * OVERDUE) / 10, `${tenth} tenths are fired`);
    dueNow.push(await insert({ run_at: new Date() }));
  }
  await until(() => sink.received.length === OVERDUE + 1 + dueNow.length, "everything is sent", 120_000);
  await until(async () => (await count("deliveries where status <> 'sent'")) === 0, "and that is stored");

  // Each exactly one catch-up, which stands for all that was missed.
  expect(new Set(sink.received.map((message) => message.reminder.id)).size).toBe(OVERDUE + 1 + dueNow.length);
  const [fired] = await database.query(
    `select min(occurrence_count) as least, max(occurrence_count) as most, min(next_run_at) > reminder_now() as ahead
       from reminder_jobs where entity_type = 'overdue'`,
  );
  expect(fired).toEqual({ least: 1, most: 1, ahead: true });
  expect(await count("deliveries")).toBe(OVERDUE + 1 + dueNow.length);
  expect(
    await count("reminder_events where type = 'missed' and (details->>'occurrences')::int >= 22"),
  ).toBeGreaterThanOrEqual(OVERDUE);

  // Begun gently: by the ledger's instants, no more than the ramp allows, with a second for a transaction to begin and end.
  const begun = await database.query<{ ms: number; count: number }>(
    `with begun as (
       select extract(epoch from created_at - min(created_at) over ()) * 1000 as ms
         from deliveries
        where reminder_id in (select id from reminder_jobs where entity_type = 'overdue')
     )
     select limits.ms, (select count(*)::int from begun where begun.ms < limits.ms) as count
       from unnest(array[250, 500, 1000, 2000, 3000]) as limits(ms)`,
  );
  for (const { ms, count } of begun)
    expect(count, `after ${ms} ms`).toBeLessThanOrEqual(rampedUpTo(catchUp, ms + 1_000));

  // On time: at the most a few batches were fired between its creation and its own.
  const waited = await database.query<{ count: number }>(
    `select (select count(*)::int from deliveries d where d.created_at between own.created_at and fired.created_at) as count
       from reminder_jobs own
       join deliveries fired on fired.reminder_id = own.id
      where own.id = any($1)`,
    [dueNow],
  );
  expect(waited).toHaveLength(dueNow.length);
  for (const { count } of waited) expect(count).toBeLessThan(4_000);

  // The other tenant's only one didn't wait for the ramp to let the others through.
  const [before] = await database.query<{ count: number }>(
    `select count(*)::int as count from deliveries
      where created_at < (select created_at from deliveries where reminder_id = $1)`,
    [ofAnother],
  );
  expect(before?.count).toBeLessThan(500);
}, 400_000);
