import { expect, test } from "vitest";
import { API_ROLE, WORKER_ROLE } from "../../src/store/identity.ts";
import { migrate } from "../../src/store/migrate.ts";
import { ensurePartitions } from "../../src/store/partitions.ts";
import { missingRights } from "../../src/store/privileges.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { createTenants, fill } from "../support/tenants.ts";

const TENANT_TABLES = `
  select pg_class.oid, relname as name, relrowsecurity as enabled, relforcerowsecurity as forced, relispartition as "isPartition",
         (select json_agg(json_build_array(polname, polcmd::text, polpermissive, polroles, pg_get_expr(polqual, polrelid),
                                           pg_get_expr(polwithcheck, polrelid)))
            from pg_policy where polrelid = pg_class.oid) as policies
    from pg_class
    join pg_attribute on attrelid = pg_class.oid and attname = 'tenant_id' and not attisdropped
   where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace
   order by relname`;

const POLICY = [
  "tenant",
  "*",
  true,
  ["0"],
  "((tenant_id = ( SELECT reminder_tenant() AS reminder_tenant)) OR ( SELECT reminder_sees_all() AS reminder_sees_all))",
  null,
];

interface TenantTable extends Record<string, unknown> {
  name: string;
  enabled: boolean;
  forced: boolean;
  isPartition: boolean;
  policies: unknown[] | null;
}

async function tenantTables(database: TestDatabase): Promise<TenantTable[]> {
  return database.query<TenantTable>(TENANT_TABLES);
}

test("P9: row-level security is forced on every table that has tenants' rows, by the one policy, on new partitions too", async () => {
  const database = await freshDatabase();
  await ensurePartitions(workerDatabase(database), 9);
  const tables = await tenantTables(database);
  expect(tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["reminder_jobs", "status_flags", "contacts", "deliveries", "reminder_events"]),
  );
  expect(tables.filter(({ isPartition }) => isPartition).length).toBeGreaterThanOrEqual(2 * 9);
  for (const { name, enabled, forced, policies } of tables) {
    expect({ name, enabled, forced, policies }).toEqual({ name, enabled: true, forced: true, policies: [POLICY] });
  }
});

test("P9: every unique key that a tenant's rows can collide on carries the tenant, or an id that only we give", async () => {
  const database = await freshDatabase();
  const keys = await database.query<{ table: string; columns: string[] }>(
    `select relname as table,
            array(select attname::text from unnest(indkey) with ordinality as k (number, place)
                    join pg_attribute on attrelid = indrelid and attnum = number order by place) as columns
       from pg_index join pg_class on pg_class.oid = indrelid
      where indisunique and not relispartition and relnamespace = 'public'::regnamespace
        and exists (select from pg_attribute where attrelid = indrelid and attname = 'tenant_id')`,
  );
  const without = keys.filter(({ columns }) => !columns.includes("tenant_id"));
  expect(without.map(({ table, columns }) => [table, columns[0]]).sort()).toEqual([
    ["api_keys", "id"],
    ["audit_log", "id"],
    ["deliveries", "reminder_id"],
    ["errands", "id"],
    ["reminder_done", "reminder_id"],
    ["reminder_jobs", "id"],
  ]);
});

test("P9: no view looks past the policies", async () => {
  const database = await freshDatabase();
  const views = await database.query<{ options: string[] | null }>(
    "select reloptions as options from pg_class where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace",
  );
  for (const { options } of views) expect(options).toContain("security_invoker=true");
});

test.each([API_ROLE, WORKER_ROLE])(
  "%s can't log in, owns nothing, is nobody's superior, and is bound by the policies",
  async (role) => {
    const database = await freshDatabase();
    expect(
      await database.query(
        `select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication from pg_roles where rolname = $1`,
        [role],
      ),
    ).toEqual([
      {
        rolsuper: false,
        rolbypassrls: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolcanlogin: false,
        rolreplication: false,
      },
    ]);
    expect(await database.query("select from pg_class where relowner = $1::regrole", [role])).toEqual([]);
    expect(await database.query("select from pg_auth_members where member = $1::regrole", [role])).toEqual([]);
    const [bound] = await database
      .as({ role: role as typeof API_ROLE, tenant: "default" })
      .query("select row_security_active('reminder_jobs') as active, current_user::text as name");
    expect(bound).toEqual({ active: true, name: role });
  },
);

test.each<[typeof API_ROLE | typeof WORKER_ROLE, string[]]>([
  [
    API_ROLE,
    [
      "create table mine (id integer)",
      "alter table reminder_jobs disable row level security",
      "alter table reminder_jobs add column x integer",
      "drop policy tenant on reminder_jobs",
      "truncate reminder_jobs",
      "delete from reminder_jobs",
      "select from deliveries_default",
      "insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status) values ('default', 1, 1, now(), 'x', 'sent')",
      "update deliveries set status = 'sent'",
      "delete from reminder_events",
      "insert into tenants (name) values ('mine')",
      "select name from workers",
      "select from pace",
      "update tenants set sends_per_minute = null",
      "select from sealed_secrets",
      "select from channel_settings",
      "select from channel_fallbacks",
      "insert into channel_fallbacks (tenant_id, channel, fallback) values ('default', 'email', 'sms')",
      "insert into channel_settings (tenant_id, channel, settings) values ('default', 'email', '{}')",
      "insert into answer_keys (id, secret, ends_at) values (7, sha256('mine'), 'infinity')",
      "update answer_keys set ends_at = null",
      "delete from answer_keys",
      "select ensure_partitions(now(), 1)",
      "select drop_partitions_before(now())",
      "select reminder_isolate('reminder_jobs')",
    ],
  ],
  [
    WORKER_ROLE,
    [
      "create table mine (id integer)",
      "insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type) values ('a', 'b', 'c', 'd', 'one_time')",
      "delete from reminder_jobs",
      "truncate deliveries",
      "delete from deliveries",
      "drop table deliveries_default",
      "select from deliveries_default",
      "update status_flags set value = true",
      "insert into status_flags (key, value) values ('a', true)",
      "update contacts set email = 'me@example.org'",
      "select from reminder_events",
      "select created_at from tenants",
      "update tenants set sends_per_minute = 1",
      "update sealed_secrets set key_id = 'mine'",
      "delete from channel_settings",
      "delete from channel_fallbacks",
      "update channel_fallbacks set fallback = null",
      "select reminder_isolate('reminder_jobs')",
    ],
  ],
])("%s may do nothing but its work", async (role, statements) => {
  const database = await freshDatabase();
  const tenant = role === API_ROLE ? "default" : "*";
  for (const statement of statements) {
    const refusal = await database
      .as({ role, tenant })
      .transaction((sql) => sql.query(statement))
      .then(() => null, String);
    expect(refusal, statement).toMatch(/permission denied|must be owner/);
  }
});

async function mayRead(database: TestDatabase, role: string, table: string): Promise<boolean> {
  const [row] = await database.query<{ may: boolean }>("select has_table_privilege($1, $2, 'select') as may", [
    role,
    table,
  ]);
  return row?.may === true;
}

test("migrate gives each role exactly what its part needs, whatever it has lost or been given", async () => {
  const database = await freshDatabase();
  const acls = `
    select acl.grantee::regrole::text as role, relname, attname, acl.privilege_type
      from pg_class
      left join pg_attribute on attrelid = pg_class.oid and attacl is not null
     cross join lateral (select * from aclexplode(relacl) union all select * from aclexplode(attacl)) as acl
     where relnamespace = 'public'::regnamespace and acl.grantee in ('reminder_api'::regrole, 'reminder_worker'::regrole)
     order by 1, 2, 3, 4`;
  const before = await database.query(acls);
  for (const change of [
    "revoke insert on reminder_jobs from reminder_api",
    "revoke all on contacts, deliveries from reminder_worker",
    "grant delete on reminder_jobs to reminder_api",
    "grant update (value) on status_flags to reminder_worker",
    "grant select on deliveries_default to reminder_api",
    "revoke execute on function ensure_partitions(timestamptz, integer) from reminder_worker",
  ]) {
    await database.query(change);
  }
  await migrate(database);
  expect(before.length).toBeGreaterThan(20);
  expect(await database.query(acls)).toEqual(before);
  expect(await missingRights(database.as({ role: WORKER_ROLE, tenant: "*" }), "worker")).toEqual([]);
});

test("P9: whose transaction names no tenant sees nothing and makes nothing", async () => {
  const database = await freshDatabase();
  await createTenants(database, "acme");
  for (const tenant of ["default", "acme"]) await fill(database, tenant);
  const unset = <T>(role: string, statement: string): Promise<T[]> =>
    database.transaction(async (sql) => {
      await sql.query(`set local role ${role}`);
      return (await sql.query(statement)) as T[];
    });

  for (const role of [API_ROLE, WORKER_ROLE]) {
    for (const { name } of (await tenantTables(database)).filter(({ isPartition }) => !isPartition)) {
      if (!(await mayRead(database, role, name))) continue;
      expect(await unset(role, `select tenant_id from ${name}`), `${role} ${name}`).toEqual([]);
    }
    expect(await unset(role, "update reminder_jobs set message = 'x' returning id")).toEqual([]);
  }
  for (const tenant of ["default", "acme"]) {
    const insert = `insert into status_flags (tenant_id, key) values ('${tenant}', 'mine')`;
    await expect(unset(API_ROLE, insert)).rejects.toThrow(/row-level security/);
  }
  await expect(unset(API_ROLE, "insert into status_flags (key) values ('mine')")).rejects.toThrow(/row-level security/);
});

test("P9: the API's role sees no more when it says that it acts for all", async () => {
  const database = await freshDatabase();
  await fill(database, "default");
  const all = database.as({ role: API_ROLE, tenant: "*" });
  expect(await all.query("select from reminder_jobs")).toEqual([]);
  expect(await all.query("select from tenants")).toEqual([]);
  expect(await database.as({ role: WORKER_ROLE, tenant: "*" }).query("select from reminder_jobs")).toHaveLength(1);
});

test("P9: no function that acts as its owner is anybody's: whoever makes a trigger of one runs code of their own in its place", async () => {
  const database = await freshDatabase();
  const open = await database.query<{ name: string }>(
    `select oid::regprocedure::text as name from pg_proc
      where prosecdef and pronamespace = 'public'::regnamespace
        and (proacl is null or exists (select from aclexplode(proacl) where grantee = 0 and privilege_type = 'EXECUTE'))`,
  );
  expect(open).toEqual([]);
});

test("what runs with the owner's rights forgets nothing young and makes nothing endless, whoever asks for it", async () => {
  const database = await freshDatabase();
  await database.query(
    "insert into audit_log (tenant_id, actor, operation, target) values ('default', 'key x', 'setFlag', '/flags/a')",
  );
  const worker = database.as({ role: WORKER_ROLE, tenant: "*" });
  for (const statement of [
    "select drop_partitions_before(now())",
    "select drop_partitions_before(now() + interval '90 days')",
    "select delete_audit_before(now(), 10)",
    "select ensure_partitions(now(), 2000000000)",
    "select ensure_partitions(now() + interval '20 years', 1)",
  ]) {
    await expect(worker.query(statement), statement).rejects.toMatchObject({ code: "22023" });
  }
  await expect(worker.query("delete from audit_log")).rejects.toMatchObject({ code: "42501" });
  expect(await database.query("select operation from audit_log")).toHaveLength(1);
});
