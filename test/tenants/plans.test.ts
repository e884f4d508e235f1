import { expect, test } from "vitest";
import { NO_PEOPLE } from "../../src/core/people.ts";
import { NO_BOUNDS } from "../../src/core/schedule/kinds.ts";
import { listContacts, readContact } from "../../src/store/contacts.ts";
import { listFlags, readFlag } from "../../src/store/flags.ts";
import { listDeliveries } from "../../src/store/ledger.ts";
import { insertReminders } from "../../src/store/new-reminders.ts";
import type { Row } from "../../src/store/postgres.ts";
import { listReminders } from "../../src/store/reminder-list.ts";
import { findActive, lockReminder, readReminder } from "../../src/store/reminders.ts";
import { apiDatabase, type TenantSql } from "../../src/store/tenant-database.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { createTenants } from "../support/tenants.ts";

// Of old, acme and the others had 10,000 reminders each; then globex alone has made 20,000 more.
const FILL = `
  insert into reminder_jobs (tenant_id, entity_type, entity_id, event_type, channel, schedule_type)
  select case when n >= 20000 then 'globex' when n % 2 = 0 then 'acme' else 'default' end,
         'invoice', 'INV_' || n % 1000, 'event ' || n, 'sink', 'one_time'
    from generate_series(0, 39999) as n`;
const FILL_OTHERS = `
  insert into status_flags (tenant_id, key) select tenant_id, 'paid:' || id from reminder_jobs;
  insert into contacts (tenant_id, entity_type, entity_id) select distinct tenant_id, entity_type, entity_id from reminder_jobs;
  insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status)
  select tenant_id, bucket, id, now(), 'sink', 'sent' from reminder_jobs`;

async function filled(): Promise<TestDatabase> {
  const database = await freshDatabase();
  await createTenants(database, "acme", "globex");
  await database.query(FILL);
  await database.query(FILL_OTHERS);
  await database.query(
    "update contacts set email = 'Two@example.com' where (tenant_id, entity_id) = ('acme', 'INV_2')",
  );
  await database.query("analyze");
  return database;
}

interface PlanNode {
  "Node Type": string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  Plans?: PlanNode[];
}

/** How many rows the statements that `ask` asks looked at, as the API runs them for acme. */
async function rowsRead(database: TestDatabase, ask: (sql: TenantSql) => Promise<unknown>): Promise<number> {
  const acme = apiDatabase(database).forTenant("acme");
  let read = 0;
  await acme.transaction(async (sql) => {
    const explaining: TenantSql = {
      tenant: sql.tenant,
      query: async <R extends Row>(text: string, params?: readonly unknown[]): Promise<R[]> => {
        if (!/^\s*(select|with|insert)/.test(text)) return sql.query<R>(text, params);
        const explain = `explain (analyze, timing off, format json) ${text}`;
        const [row] = await sql.query<{ "QUERY PLAN": [{ Plan: PlanNode }] }>(explain, params);
        for (const node of stepsOf((row as { "QUERY PLAN": [{ Plan: PlanNode }] })["QUERY PLAN"][0].Plan)) {
          if (!node["Node Type"].includes("Scan")) continue;
          read += (node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0)) * node["Actual Loops"];
        }
        return [];
      },
    };
    await ask(explaining);
  });
  return read;
}

function stepsOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(stepsOf)];
}

const ALL = { includeDeleted: false };
const KEY = { entityType: "invoice", entityId: "INV_2", eventType: "event 2" };
const NEW = {
  ...{ ...KEY, channel: "sink", recipient: null, subject: null, message: null, data: {}, timeZone: null },
  ...{
    schedule: { type: "one_time" as const },
    bounds: NO_BOUNDS,
    business: null,
    quietHours: null,
    ignoreQuietHours: false,
    firstRun: null,
    runAt: null,
    stopCondition: null,
    people: NO_PEOPLE,
    onUnknown: "hold" as const,
    doneMeans: null,
    allowsReassign: false,
  },
};

test("P9: what one tenant asks reads its own rows, however many others have", async () => {
  const database = await filled();
  const [mine] = await database.query<{ id: number }>(
    "select id from reminder_jobs where tenant_id = 'acme' and event_type = 'event 2'",
  );
  const id = mine?.id as number;
  const page = { below: null, limit: 100 };

  const questions: Record<string, [(sql: TenantSql) => Promise<unknown>, number]> = {
    "a page of reminders": [(sql) => listReminders(sql, ALL, page), 100],
    "a later page": [(sql) => listReminders(sql, ALL, { below: 10_000, limit: 100 }), 100],
    "a page of one status": [(sql) => listReminders(sql, { ...ALL, status: "ACTIVE" }, page), 100],
    "those of an entity": [
      (sql) => listReminders(sql, { ...ALL, entityType: "invoice", entityId: "INV_2" }, page),
      200,
    ],
    "one by its id": [(sql) => readReminder(sql, id), 1],
    "one to be changed": [(sql) => lockReminder(sql, id), 1],
    "one by its key": [(sql) => findActive(sql, [KEY]), 2],
    "a creation that finds it": [
      (sql) => insertReminders({ ...sql, transaction: (work) => work(sql) }, [NEW], { lockTimeoutMs: 1_000 }),
      5,
    ],
    "a page of flags": [(sql) => listFlags(sql, { after: "paid:5", limit: 100 }), 100],
    "a flag": [(sql) => readFlag(sql, `paid:${id}`), 1],
    "a page of contacts": [
      (sql) => listContacts(sql, { entityType: null, addresses: null, after: ["invoice", "INV_2"], limit: 100 }),
      100,
    ],
    "contacts by their address": [
      (sql) => listContacts(sql, { entityType: null, addresses: ["two@example.com"], after: null, limit: 100 }),
      // All of its own.
      1_100,
    ],
    "a contact": [(sql) => readContact(sql, "invoice", "INV_2"), 1],
    "the ledger": [(sql) => listDeliveries(sql, id, page), 5],
  };
  for (const [what, [ask, most]] of Object.entries(questions)) {
    const read = await rowsRead(database, ask);
    expect(read, what).toBeLessThanOrEqual(most);
    expect(read, what).toBeGreaterThan(0);
  }
});

test("a tenant among others gets all of its reminders page by page, newest first, each once", async () => {
  const database = await filled();
  const mine = await database.query<{ id: number }>(
    "select id from reminder_jobs where tenant_id = 'acme' order by id desc",
  );
  const acme = apiDatabase(database).forTenant("acme");
  const found: number[] = [];
  for (let isMore = true; isMore; ) {
    const page = await listReminders(acme, ALL, { below: found.at(-1) ?? null, limit: 997 });
    found.push(...page.map(({ id }) => id));
    isMore = page.length === 997;
  }
  expect(found).toEqual(mine.map(({ id }) => id));
});
