import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { EVERY_TENANT } from "../../src/store/identity.ts";
import { migrate } from "../../src/store/migrate.ts";
import { type Database, openDatabase } from "../../src/store/postgres.ts";
import { mayBecome, whoRuns } from "../../src/store/roles.ts";
import { apiDatabase } from "../../src/store/tenant-database.ts";
import { listTenants } from "../../src/store/tenants.ts";
import { startApi } from "../support/api.ts";
import { installTestClock } from "../support/clock.ts";
import { OLDER, startOlderServer } from "../support/older-server.ts";
import { createTenants, fill, grantRoles, ownedDatabase } from "../support/tenants.ts";
import { until } from "../support/wait.ts";
import { worldOn } from "../support/world.ts";

const servers = ["the newest", ...(OLDER ? ["an older"] : [])];

describe.each(servers)("on %s PostgreSQL, the role that owns the tables", (which) => {
  let serverUrl = inject("serverUrl");
  let stop = async (): Promise<void> => {};
  beforeAll(async () => {
    if (which === "an older") ({ url: serverUrl, stop } = await startOlderServer());
  });
  afterAll(() => stop());

  /** A migrated database and its owner's connections. Of several owners in a cluster, the first makes the roles. */
  async function owned(): Promise<Database & { url: string }> {
    const { url, owner } = await ownedDatabase(serverUrl, "createrole");
    if (which === "the newest") await grantRoles(serverUrl, owner);
    const database = openDatabase({ url });
    onTestFinished(() => database.close());
    await migrate(database);
    return { ...database, url };
  }

  /** What is typed into one session. */
  const session = (database: Database, ...statements: string[]): Promise<Record<string, unknown>[]> =>
    database.transaction(async (sql) => {
      let rows: Record<string, unknown>[] = [];
      for (const statement of statements) rows = await sql.query(statement);
      return rows;
    });

  test("may become the engine's roles, as often as it migrates, and is none of them by itself", async () => {
    const database = await owned();
    await migrate(database);
    expect([await mayBecome(database, "api"), await mayBecome(database, "worker")]).toEqual([true, true]);
    expect(await whoRuns(database)).toMatchObject({ isSuperuser: false, seesEverything: false });
    expect(await whoRuns(apiDatabase(database).forTenant("default"))).toMatchObject({ name: "reminder_api" });
  });

  test("acts by hand for `default`, unless it says otherwise", async () => {
    const database = await owned();
    await createTenants(database, "acme");
    await session(database, "insert into status_flags (key, value) values ('paid', false)");
    await session(
      database,
      "set local reminder.tenant = 'acme'",
      "insert into status_flags (key, value) values ('paid', false)",
    );

    const changed = await session(
      database,
      "update status_flags set value = true where key = 'paid' returning tenant_id",
    );
    expect(changed).toEqual([{ tenant_id: "default" }]);
    const all = (...statements: string[]) => session(database, "set local reminder.tenant = '*'", ...statements);
    expect(await all("select tenant_id, value from status_flags order by 1")).toEqual([
      { tenant_id: "acme", value: false },
      { tenant_id: "default", value: true },
    ]);
    expect(await all("update status_flags set value = true returning key")).toHaveLength(2);
    await expect(all("insert into status_flags (key) values ('whose')")).rejects.toThrow(
      /null value in column "tenant_id"/,
    );
  });

  test("can write nothing for a tenant that isn't there, or isn't whom it acts for", async () => {
    const database = await owned();
    await createTenants(database, "acme");
    const flag = (tenant: string) => `insert into status_flags (tenant_id, key) values ('${tenant}', 'x')`;
    const as = (tenant: string, ...statements: string[]) =>
      session(database, `set local reminder.tenant = '${tenant}'`, ...statements);

    await expect(as("acmee", "insert into status_flags (key) values ('x')")).rejects.toThrow(
      "there is no tenant acmee",
    );
    await expect(as("*", flag("acmee"))).rejects.toThrow("there is no tenant acmee");
    await expect(session(database, flag("acme"))).rejects.toThrow(/row-level security/);
    await as("*", flag("acme"));
    await expect(as("*", "update status_flags set tenant_id = 'acmee'")).rejects.toThrow("there is no tenant acmee");
    await expect(as("acme", "update status_flags set tenant_id = 'default'")).rejects.toThrow(/row-level security/);
    await expect(as("acmee", "insert into contacts (entity_type, entity_id) values ('a', 'b')")).rejects.toThrow(
      "acmee",
    );
    await expect(
      as(
        "acmee",
        "insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type) values ('a', 'b', 'c', 'd', 'one_time')",
      ),
    ).rejects.toThrow("acmee");
    await expect(createTenants(database, "No Name")).rejects.toThrow(/violates check/);
  });

  test("is told when it changes tenants that its session doesn't see, instead of changing nothing", async () => {
    const database = await owned();
    await createTenants(database, "acme");
    const limit = (tenant: string) => `update tenants set sends_per_minute = 9 where name = '${tenant}' returning name`;
    const unseen = /no tenant was found: this session sees only default/;

    await expect(session(database, limit("acme"))).rejects.toThrow(unseen);
    await expect(session(database, "delete from tenants where name = 'acme'")).rejects.toThrow(unseen);
    expect(await session(database, limit("default"))).toEqual([{ name: "default" }]);
    const all = (statement: string) => session(database, "set local reminder.tenant = '*'", statement);
    expect(await all(limit("acme"))).toEqual([{ name: "acme" }]);
    expect(await all(limit("nobody"))).toEqual([]);
    expect(await all("delete from tenants where name = 'acme' returning name")).toEqual([{ name: "acme" }]);
  });

  test("runs the whole: tenants apart, flags and messages each their own", async () => {
    const database = await owned();
    await installTestClock(database);
    await createTenants(database, "acme", "globex");
    const [acme, globex] = [
      await startApi(database, { tenant: "acme" }),
      await startApi(database, { tenant: "globex" }),
    ];
    const { sink, work, advance } = worldOn({ ...database, url: "" });
    const wish = {
      ...{ entity_id: "SAME", channel: "sink", recipient: "someone", interval_minutes: 60 },
      ...{ stop_condition_type: "db_check", stop_condition_value: "paid" },
    };
    const mine = await acme.create(wish);
    const theirs = await globex.create(wish);
    await acme.setFlag("paid", true);
    await globex.setFlag("paid", false);

    work();
    await until(async () => (await acme.get(mine.id)).status === "COMPLETED", "one is completed");
    await advance({ minutes: 61 });
    await until(async () => (await globex.deliveries(theirs.id))[0]?.status === "sent", "the other is sent");
    expect(sink.received.map(({ reminder }) => reminder.tenantId)).toEqual(["globex"]);
    expect((await globex.call("GET", `/reminders/${mine.id}`)).status).toBe(404);
  });

  test("where it may not make roles, everything runs as itself, and tenants are apart all the same", async () => {
    const { url } = await ownedDatabase(serverUrl, "nocreaterole");
    const database = openDatabase({ url });
    onTestFinished(() => database.close());
    await migrate(database);
    expect([await mayBecome(database, "api"), await mayBecome(database, "worker")]).toEqual([false, false]);

    await createTenants(database, "acme");
    for (const tenant of ["default", "acme"]) await fill(database, tenant);
    const api = apiDatabase(database, { hasRoles: false });
    const seen = async (tenant: string) => {
      const rows = await api.forTenant(tenant).query<{ tenant_id: string }>("select tenant_id from reminder_jobs");
      return rows.map((row) => row.tenant_id);
    };
    expect([await seen("default"), await seen("acme"), await seen("globex")]).toEqual([["default"], ["acme"], []]);
    expect(await api.query("select from reminder_jobs")).toEqual([]);
    await expect(api.query("insert into status_flags (key) values ('x')")).rejects.toThrow(/no tenant/);
    expect(await listTenants(database.as({ role: null, tenant: EVERY_TENANT }))).toHaveLength(2);
  });
});
