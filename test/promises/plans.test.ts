import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { readSetFlags } from "../../src/store/asking.ts";
import { lockClaimable } from "../../src/store/claimable.ts";
import { writeResults } from "../../src/store/delivery-results.ts";
import { insertEvents } from "../../src/store/events.ts";
import { readFacts } from "../../src/store/facts.ts";
import { writeCompleted, writeFired } from "../../src/store/firing.ts";
import { noteFailed } from "../../src/store/going-over.ts";
import { renewLeases } from "../../src/store/leases.ts";
import { markLeaving } from "../../src/store/leaving.ts";
import { readSlots } from "../../src/store/pace.ts";
import type { Sql } from "../../src/store/postgres.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { readUnwanted } from "../../src/store/unwanted.ts";
import { freshDatabase } from "../support/database.ts";

const FILL = `
  with made as (
    insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, interval_minutes,
                               stop_condition_type, stop_condition_value)
    select 'invoice', gen_random_uuid()::text, 'payment', 'sink', 'recurring', 60, 'db_check', 'paid:{entity_id}'
      from generate_series(1, $1::int)
    returning id, tenant_id, bucket, entity_type, entity_id, flag_key
  ), flags as (
    insert into status_flags (key, value) select flag_key, false from made
  ), contacts as (
    insert into contacts (entity_type, entity_id) select entity_type, entity_id from made
  )
  insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, next_attempt_at, lease_token)
  select tenant_id, bucket, id, '2026-01-01T09:00:00Z', 'sink', 'sending', reminder_now() + interval '1 hour', $2::uuid
    from made
  returning reminder_id as id`;

const ROWS_READ = `
  select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::int as count
    from pg_stat_xact_all_tables
   where relname like any ('{deliveries%,reminder_jobs,status_flags,contacts}')`;

const occurrenceAt = Date.parse("2026-01-01T09:00:00Z");
const nothing = { retryInMs: 0, untried: false, reason: null, providerId: null, demo: false };

const STATEMENTS: Record<string, (sql: Sql, id: number, token: string) => Promise<unknown>> = {
  "what became of attempts": (sql, id, token) =>
    writeResults(sql, [
      { reminderId: id, occurrenceAt, recipientNo: 0, token, status: "sent", checked: null, ...nothing },
    ]),
  "what became of attempts, some of which come again": (sql, id, token) =>
    writeResults(sql, [
      { reminderId: id, occurrenceAt, recipientNo: 0, token, status: "retrying", checked: null, ...nothing },
    ]),
  "leases that are prolonged": (sql, id, token) =>
    renewLeases(sql, [{ reminderId: id, occurrenceAt, recipientNo: 0, token }], 60),
  "what workers died with twice": async (sql, id) => {
    await sql.query(
      "update deliveries set attempts = 2, next_attempt_at = reminder_now() - interval '1 second' where reminder_id = $1",
      [id],
    );
    const claim = { channel: "sink", limit: 9, suspects: { together: 1, alone: 1 }, from: null, after: null };
    expect((await lockClaimable(sql, { ...claim, maxAttempts: 5 })).rows.length).toBe(1);
  },
  "what is about to leave": (sql, id, token) =>
    markLeaving(sql, [{ reminderId: id, occurrenceAt, recipientNo: 0, token }]),
  "attempts that failed": (sql, id, token) =>
    noteFailed(sql, [{ reminderId: id, occurrenceAt, recipientNo: 0, token, mayHaveArrived: false }]),
  "reminders and what is read with them": (sql, id) => readFacts(sql, [id]),
  "flags of conditions": (sql) => readSetFlags(sql, [{ tenantId: "default", key: "paid:1" }]),
  "what was fired": (sql, id) => writeFired(sql, [{ id, occurrenceAt, nextRunAt: occurrenceAt + 1, nextWallAt: null }]),
  "what is completed": (sql, id) => writeCompleted(sql, [{ id, reason: "stop_condition" }]),
  "the timeline": (sql, id) => insertEvents(sql, [{ reminderId: id, type: "told", because: "it is a test" }]),
};

// Each connection plans a statement once, perhaps when there was next to nothing, and the tables had been analyzed like that.
test.each(Object.keys(STATEMENTS))(
  "%s: as few rows are read when there are thousands as when there was one",
  async (name) => {
    const run = STATEMENTS[name] as (typeof STATEMENTS)[string];
    const database = await freshDatabase({ poolSize: 1 });
    await database.runAlone("vacuum analyze");
    const token = randomUUID();
    const fill = (count: number) => database.query<{ id: number }>(FILL, [count, token]);
    const rowsRead = async (id: number): Promise<number> =>
      workerDatabase(database).transaction(async (sql) => {
        const [before] = await sql.query<{ count: number }>(ROWS_READ);
        await run(sql, id, token);
        const [after] = await sql.query<{ count: number }>(ROWS_READ);
        return (after?.count ?? 0) - (before?.count ?? 0);
      });

    const [first] = await fill(1);
    await rowsRead(first?.id as number);
    const [one] = await fill(5_000);

    expect(await rowsRead(one?.id as number)).toBeLessThan(20);
  },
);

test("what is unwanted: as few rows are read where thousands of addresses are suppressed", async () => {
  const database = await freshDatabase({ poolSize: 1 });
  await database.runAlone("vacuum analyze");
  await database.query(
    `insert into suppressions (channel, address, reason, created_by)
     select 'sink', n || '@example.org', 'gone', 'x' from generate_series(1, 5000) n`,
  );
  await database.query(
    `insert into opt_outs (channel, address, kind, about, created_by)
     select 'sink', n || '@example.org', 'event_type', 'payment', 'x' from generate_series(1, 5000) n`,
  );
  const read = `
    select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int as count
      from pg_stat_xact_all_tables
     where relname in ('suppressions', 'opt_outs')`;
  const asked = ["17@example.org", "Nobody@example.org"].map((address) => {
    return { tenantId: "default", channel: "sink", address, reminderId: 1, eventType: "payment" };
  });
  await workerDatabase(database).transaction(async (sql) => {
    const [before] = await sql.query<{ count: number }>(read);
    const [one, other] = await readUnwanted(sql, asked);
    expect([one?.suppressed?.reason, one?.optedOutOf, other?.suppressed]).toEqual(["gone", "event_type", null]);
    const [after] = await sql.query<{ count: number }>(read);
    expect((after?.count ?? 0) - (before?.count ?? 0)).toBeLessThan(20);
  });
});

test("places that were promised: as few rows are read of a reminder with thousands of occurrences", async () => {
  const database = await freshDatabase({ poolSize: 1 });
  const [one] = await database.query<{ id: number }>(FILL, [1, randomUUID()]);
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status)
     select tenant_id, bucket, id, '2026-01-01T09:00:00Z'::timestamptz + n * interval '1 minute', 'sink', 'sent'
       from reminder_jobs, generate_series(1, 5000) n`,
  );
  const newest = { reminderId: one?.id as number, occurrenceAt: occurrenceAt + 5_000 * 60_000, recipientNo: 0 };
  await workerDatabase(database).transaction(async (sql) => {
    const [before] = await sql.query<{ count: number }>(ROWS_READ);
    await readSlots(sql, [newest]);
    const [after] = await sql.query<{ count: number }>(ROWS_READ);
    expect((after?.count ?? 0) - (before?.count ?? 0)).toBeLessThan(20);
  });
});

test("what waits when a tenant's cap changes: the ledger of what has ended isn't read for it", async () => {
  const database = await freshDatabase({ poolSize: 1 });
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, recipient_slot_at, digest_at)
     select 'default', 0, n, '2026-01-01T09:00:00Z', 'sink', case when n > 20000 then 'pending' else 'sent' end, reminder_now(),
            case when n % 2 = 0 then reminder_now() end
       from generate_series(1, 20010) n`,
  );
  await database.query("analyze deliveries");
  await database.transaction(async (sql) => {
    const [before] = await sql.query<{ count: number }>(ROWS_READ);
    await sql.query("update tenants set sends_per_minute = 5 where name = 'default'");
    const [after] = await sql.query<{ count: number }>(ROWS_READ);
    expect((after?.count ?? 0) - (before?.count ?? 0)).toBeLessThan(100);
    expect(await sql.query("select from deliveries where recipient_slot_at is null")).toHaveLength(10);
  });
});
