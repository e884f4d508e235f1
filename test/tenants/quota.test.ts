import { expect, test } from "vitest";
import { apiDatabase } from "../../src/store/tenant-database.ts";
import { startApi, wish } from "../support/api.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { asOwner } from "../support/keys.ts";
import { createTenants } from "../support/tenants.ts";

async function withQuota(quota: number | null): Promise<TestDatabase> {
  const database = await freshDatabase();
  await createTenants(database, "acme", "globex");
  await setQuota(database, quota);
  return database;
}

async function setQuota(database: TestDatabase, quota: number | null): Promise<void> {
  await asOwner(database).query("update tenants set max_reminders = $1 where name = 'acme'", [quota]);
}

async function activeOf(database: TestDatabase, tenant = "acme"): Promise<number> {
  const [row] = await asOwner(database).query<{ count: number }>(
    "select count(*)::int from reminder_jobs where tenant_id = $1 and status = 'ACTIVE' and deleted_at is null",
    [tenant],
  );
  return row?.count as number;
}

const insertMany = (from: number, to: number, tenant = "acme"): string =>
  `insert into reminder_jobs (tenant_id, entity_type, entity_id, event_type, channel, schedule_type)
   select '${tenant}', 'invoice', n::text, 'payment', 'sink', 'one_time' from generate_series(${from}, ${to}) n`;

test("P9: a tenant at its quota gets 403 for what would be one more, by whichever way it becomes ACTIVE, and for nothing else", async () => {
  const database = await withQuota(3);
  const api = await startApi(database, { tenant: "acme" });
  const [first, second, third] = [await api.create(), await api.create(), await api.create({ entity_id: "third" })];

  const refusal = await api.refused(403, "POST", "/reminders/", wish());
  expect(refusal.detail).toMatch(/^tenant acme may have 3 ACTIVE reminders at once, and has as many: complete, /);
  expect((await api.create({ entity_id: "third" })).id).toBe(third.id);
  expect((await api.patch(first.id, { message: "changed" })).message).toBe("changed");

  await api.act(first.id, "pause");
  await api.remove(second.id);
  const [fourth] = [await api.create(), await api.create()];
  for (const path of [`/reminders/${first.id}/resume`, `/reminders/${second.id}/restore`]) {
    expect((await api.refused(403, "POST", path)).detail).toMatch(/may have 3 ACTIVE reminders/);
  }
  await api.act(fourth.id, "complete");
  expect((await api.act(first.id, "resume")).status).toBe("ACTIVE");
  expect(await activeOf(database)).toBe(3);

  const others = await startApi(database, { tenant: "globex" });
  for (let n = 0; n < 5; n += 1) await others.create();
  expect(await asOwner(database).query("select tenant_id from reminder_counts")).toEqual([{ tenant_id: "acme" }]);
});

test.each([{}, { "idempotency-key": "once" }])(
  "in bulk the first get what places there are, and each other item says that there is none: %j",
  async (headers) => {
    const database = await withQuota(4);
    const api = await startApi(database, { tenant: "acme" });
    const known = await api.create({ entity_id: "known" });
    // By the order of the request, not of what they are called.
    const [first, again, third, ...others] = ["z", "y", "x", "w", "v"].map((id) => wish({ entity_id: id }));
    const items = [first, again, wish({ entity_id: "known" }), { wrong: true }, third, again, ...others];
    const { status, body } = await api.call("POST", "/reminders/bulk", { reminders: items }, headers);
    const { results } = body as { results: Record<string, unknown>[] };
    expect(status).toBe(200);
    expect(results.map((result) => result.status)).toEqual([201, 201, 200, 422, 201, 200, 403, 403]);
    expect(results[2]).toMatchObject({ reminder: { id: known.id } });
    expect(results[7]?.detail).toMatch(/may have 4 ACTIVE reminders at once/);
    expect(await activeOf(database)).toBe(4);
  },
);

// More than travel to the database at once: the first hundred, and three hundred at a time.
test.each([
  ["in the middle of a part", 250, {}],
  ["in the middle of a part, under a key", 250, { "idempotency-key": "once" }],
  ["just at the end of one", 100, {}],
])("P9: of a bulk whose quota ends %s, as many get a place as there are", async (_where, quota, headers) => {
  const database = await withQuota(quota);
  const api = await startApi(database, { tenant: "acme" });
  const items = Array.from({ length: 450 }, (_, n) => wish({ entity_id: `i${n}` }));
  const { body } = await api.call("POST", "/reminders/bulk", { reminders: items }, headers);
  const statuses = (body as { results: { status: number }[] }).results.map(({ status }) => status);
  expect(statuses).toEqual(items.map((_, n) => (n < quota ? 201 : 403)));
  expect(await activeOf(database)).toBe(quota);
});

test("P9: those who create at the same time, over HTTP and by SQL, never get one more together than the quota", async () => {
  const database = await withQuota(25);
  const apis = [await startApi(database, { tenant: "acme" }), await startApi(database, { tenant: "acme" })];
  const sql = apiDatabase(database).forTenant("acme");
  const tries = Array.from({ length: 20 }, (_, n) => [
    ...apis.map((api) => api.call("POST", "/reminders/", wish()).then(({ status }) => Number(status === 201))),
    ...apis.map((api) =>
      api
        .call("POST", "/reminders/bulk", { reminders: [wish(), wish()] })
        .then(({ body }) => (body as { results: { status: number }[] }).results)
        .then((results) => results.filter(({ status }) => status === 201).length),
    ),
    sql.query(insertMany(3 * n, 3 * n + 2)).then(
      () => 3,
      () => 0,
    ),
  ]);
  const created = await Promise.all(tries.flat());
  expect(created.reduce((sum, count) => sum + count, 0)).toBe(25);
  expect(await activeOf(database)).toBe(25);
});

test("plain SQL is refused whole, with a sentence that says what to do, also by who acts for all and may see all", async () => {
  const database = await withQuota(3);
  const refused = {
    message: "tenant acme may have 3 ACTIVE reminders at once, and has as many",
    constraint: "reminder_jobs_quota",
    hint: expect.stringContaining("tenants set acme --max-reminders N"),
  };
  const acme = database.as({ role: null, tenant: "acme" });
  await expect(acme.query(insertMany(1, 4))).rejects.toMatchObject({ ...refused, detail: "3 of 3 are left" });
  await acme.query(`${insertMany(1, 3)} on conflict do nothing`);
  // What is there already takes no place.
  await acme.query(`${insertMany(1, 3)} on conflict do nothing`);
  await expect(acme.query(insertMany(4, 4))).rejects.toMatchObject({ ...refused, detail: "0 of 3 are left" });
  await expect(asOwner(database).query(insertMany(4, 4))).rejects.toMatchObject(refused);
  // As the superuser that a person's session is here: for `default`, with rows of another.
  await expect(database.query(insertMany(4, 4))).rejects.toMatchObject(refused);

  await acme.query("update reminder_jobs set status = 'PAUSED' where entity_id = '1'");
  await acme.query(insertMany(4, 4));
  await expect(acme.query("update reminder_jobs set status = 'ACTIVE' where entity_id = '1'")).rejects.toMatchObject(
    refused,
  );
  await asOwner(database).query(insertMany(1, 1, "globex").replace("'1'", "'moved'").replace("n::text", "'moved'"));
  await expect(
    asOwner(database).query("update reminder_jobs set tenant_id = 'acme' where entity_id = 'moved'"),
  ).rejects.toMatchObject(refused);
  expect(await activeOf(database)).toBe(3);
});

test("a quota counts what was there before it, follows when it is changed, and taken away it counts nothing", async () => {
  const database = await withQuota(null);
  const acme = database.as({ role: null, tenant: "acme" });
  await acme.query(insertMany(1, 5));
  expect(await asOwner(database).query("select from reminder_counts")).toEqual([]);

  await setQuota(database, 4);
  const api = await startApi(database, { tenant: "acme" });
  await api.refused(403, "POST", "/reminders/", wish());
  await setQuota(database, 6);
  await api.create();
  await api.refused(403, "POST", "/reminders/", wish());

  await setQuota(database, null);
  await acme.query(insertMany(10, 19));
  await setQuota(database, 17);
  await api.create();
  await api.refused(403, "POST", "/reminders/", wish());
  expect(await activeOf(database)).toBe(17);
});
