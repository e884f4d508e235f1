import { expect, test } from "vitest";
import { apiDatabase } from "../../src/store/tenant-database.ts";
import { startApi, wish } from "../support/api.ts";
import { freshDatabase, lockWaits } from "../support/database.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";

/** One database with two tenants, and an API for each. */
async function twoTenants() {
  const database = await freshDatabase();
  await createTenants(database, "acme", "globex");
  const [acme, globex] = await Promise.all([
    startApi(database, { tenant: "acme" }),
    startApi(database, { tenant: "globex" }),
  ]);
  return { database, acme, globex };
}

const SAME = wish({ entity_id: "INT_SAME", stop_condition_type: "db_check", stop_condition_value: "done:{entity_id}" });

test("P9: what is the same in all but the tenant doesn't meet", async () => {
  const { acme, globex } = await twoTenants();

  const mine = await acme.call("POST", "/reminders/", SAME);
  const theirs = await globex.call("POST", "/reminders/", SAME);
  expect([mine.status, theirs.status]).toEqual([201, 201]);
  expect(await globex.call("POST", "/reminders/", SAME)).toMatchObject({ status: 200, body: theirs.body });
  expect((await acme.call("PUT", "/flags/done:INT_SAME", { value: true })).status).toBe(201);
  expect((await globex.call("GET", "/flags/done:INT_SAME")).status).toBe(404);
  expect((await globex.call("PUT", "/flags/done:INT_SAME", { value: false })).status).toBe(201);
  expect((await acme.call("PUT", "/contacts/interviewer/INT_SAME", { name: "Mine" })).status).toBe(201);
  expect((await globex.call("GET", "/contacts/interviewer/INT_SAME")).status).toBe(404);
  expect((await globex.call("PUT", "/contacts/interviewer/INT_SAME", { name: "Theirs" })).status).toBe(201);
  await globex.call("DELETE", "/flags/done:INT_SAME");
  await globex.call("DELETE", "/contacts/interviewer/INT_SAME");

  expect(await acme.call("GET", "/flags/done:INT_SAME")).toMatchObject({ status: 200, body: { value: true } });
  expect(await acme.call("GET", "/contacts/interviewer/INT_SAME")).toMatchObject({ body: { name: "Mine" } });
  expect(await acme.list()).toEqual([mine.body]);
  expect(await globex.list()).toEqual([theirs.body]);
});

test("P9: another tenant's id is answered byte by byte like one that doesn't exist, whatever is asked of it", async () => {
  const { acme, globex } = await twoTenants();
  const { id } = await acme.create();
  const before = await acme.get(id);
  const nowhere = id + 1_000;

  const requests: [method: string, path: string, body?: unknown][] = [
    ["GET", "/reminders/{id}"],
    ["GET", "/reminders/{id}?include_deleted=true"],
    ["PATCH", "/reminders/{id}", { subject: "mine now" }],
    ["DELETE", "/reminders/{id}"],
    ...["pause", "resume", "complete", "trigger", "restore"].map((verb): [string, string] => [
      "POST",
      `/reminders/{id}/${verb}`,
    ]),
    ["GET", "/reminders/{id}/deliveries"],
    ["GET", "/reminders/{id}/timeline"],
  ];
  for (const [method, path, body] of requests) {
    const at = (which: number) => globex.call(method, path.replace("{id}", String(which)), body);
    const [foreign, missing] = [await at(id), await at(nowhere)];
    expect(foreign.status, `${method} ${path}`).toBe(404);
    const same = JSON.stringify(missing.body).replaceAll(String(nowhere), String(id));
    expect(JSON.stringify(foreign.body)).toBe(same);
    const headers = (answer: typeof foreign) =>
      [...answer.headers].filter(([name]) => !/^(date|content-length)$/.test(name));
    expect(headers(foreign)).toEqual(headers(missing));
  }
  expect(await acme.get(id)).toEqual(before);
  expect((await acme.timeline(id)).map(({ type }) => type)).toEqual(["created"]);
});

test("P9: one tenant's cursor tells another nothing", async () => {
  const { acme, globex } = await twoTenants();
  for (let n = 0; n < 3; n += 1) await acme.create();
  const theirs = await globex.create();
  await acme.setFlag("a", true);
  await acme.setFlag("b", true);
  await globex.setFlag("c", true);

  for (const [path, expected] of [
    ["/reminders/?limit=1", [theirs]],
    ["/flags?limit=1", [expect.objectContaining({ key: "c" })]],
  ] as const) {
    const page = await acme.call("GET", path);
    const next = /^<(.*)>; rel="next"$/.exec(page.headers.get("link") ?? "")?.[1] as string;
    const foreign = (await globex.call("GET", next)).body as unknown[];
    const own = await globex.all(path);
    expect(own).toEqual(expected);
    for (const item of foreign) expect(own).toContainEqual(item);
  }
});

test("P9: many at once are each tenant's own, those that come together too", async () => {
  const { database, acme, globex } = await twoTenants();
  const wishes = Array.from({ length: 30 }, (_, n) => wish({ entity_id: `INT_${n}` }));
  const answers = await Promise.all(
    wishes.flatMap((body) => [acme.call("POST", "/reminders/", body), globex.call("POST", "/reminders/", body)]),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
  const bulk = await globex.call("POST", "/reminders/bulk", { reminders: wishes });
  expect((bulk.body as { results: { status: number }[] }).results.map(({ status }) => status)).toEqual(
    wishes.map(() => 200),
  );
  expect(await database.query("select tenant_id as tenant, count(*) from reminder_jobs group by 1 order by 1")).toEqual(
    [
      { tenant: "acme", count: 30 },
      { tenant: "globex", count: 30 },
    ],
  );
  const ids = answers.map(({ body }) => (body as { id: number }).id);
  expect(new Set(ids).size).toBe(60);
});

test("P9: a key that one tenant's transaction holds doesn't make another's creation wait", async () => {
  const { database, acme, globex } = await twoTenants();
  await database.as({ role: null, tenant: "acme" }).transaction(async (sql) => {
    await sql.query(
      `insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, tenant_id)
       values ('interviewer', 'INT_SAME', 'feedback_form', 'email', 'one_time', 'acme')`,
    );
    const held = acme.call("POST", "/reminders/", SAME);
    await until(async () => (await lockWaits(database)) > 0, "acme's creation waits");
    expect((await globex.call("POST", "/reminders/", SAME)).status).toBe(201);
    return () => held;
  });
});

test("P9: a name that isn't a tenant's gets into no statement", async () => {
  const database = await freshDatabase();
  const api = apiDatabase(database);
  for (const name of [
    "default'; reset role; set local reminder.tenant = '*",
    "default\\'",
    "Default",
    "a".repeat(64),
    "",
    "-",
    "*",
    "default\n",
    "default\0",
    "_a",
  ]) {
    expect(() => api.forTenant(name), name).toThrow(/is no tenant's name/);
  }
  expect(await api.query("select current_setting('reminder.tenant') as tenant, current_user::text as name")).toEqual([
    { tenant: "-", name: "reminder_api" },
  ]);
});

test("P9: nothing of one transaction is left for the next on the same connection, also after errors", async () => {
  const database = await freshDatabase({ poolSize: 1 });
  await createTenants(database, "acme");
  const acme = apiDatabase(database).forTenant("acme");
  const who = "select current_user::text as name, coalesce(current_setting('reminder.tenant', true), '') as tenant";
  const [login] = await database.query(who);

  await acme.query("select 1");
  await expect(acme.query("select 1 / 0")).rejects.toThrow();
  await expect(
    acme.transaction(async (sql) => {
      await sql.query("select 1");
      throw new Error("on our side");
    }),
  ).rejects.toThrow("on our side");

  expect(await database.query(who)).toEqual([{ ...login, tenant: "" }]);
  expect(await acme.query(who)).toEqual([{ name: "reminder_api", tenant: "acme" }]);
});
