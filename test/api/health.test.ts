import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/store/postgres.ts";
import { startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { createLogin, grantRoles } from "../support/tenants.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

const ready = async (url: string): Promise<{ status: number; body: unknown }> => {
  const response = await fetch(`${url}/readyz`);
  return { status: response.status, body: await response.json() };
};

test("with a worker at work the service is ready", async () => {
  const { database, work } = await world();
  const api = await startApi(database);
  work();
  await until(async () => (await ready(api.url)).status === 200, "it is ready");
  expect((await ready(api.url)).body).toEqual({ status: "ready", missing: [] });
});

test("without a worker, or with one that fell silent, it is not, and says so", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const noWorker = { status: 503, body: { status: "not ready", missing: [expect.stringContaining("no worker")] } };
  expect(await ready(api.url)).toEqual(noWorker);
  await database.query(
    "insert into workers (id, name, beat_at) values (gen_random_uuid(), 'gone', now() - interval '31 seconds')",
  );
  expect(await ready(api.url)).toEqual(noWorker);
});

test("with a database that is not migrated it is not, and says what to run", async () => {
  const database = await freshDatabase();
  await database.query("delete from schema_migrations");
  const api = await startApi(database);
  expect(await ready(api.url)).toMatchObject({ status: 503, body: { missing: [expect.stringContaining("migrate")] } });
  expect((await api.call("GET", "/healthz")).status).toBe(200);
});

test("with a login that the database refuses from now on it is not, says so, and is again once it may", async () => {
  const { database, work } = await world();
  work();
  const login = await createLogin(database.url);
  await grantRoles(database.url, login.name);
  const asLogin = openDatabase({ url: login.urlOf(new URL(database.url).pathname.slice(1)), poolSize: 2 });
  onTestFinished(() => asLogin.close());
  const api = await startApi(asLogin);
  await until(async () => (await ready(api.url)).status === 200, "it is ready");

  await database.query(`alter role ${login.name} nologin`);
  await database.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", [login.name]);
  const refused = { status: 503, body: { missing: [expect.stringContaining("refuses our login")] } };
  await until(async () => JSON.stringify((await ready(api.url)).body).includes("refuses"), "it notices");
  expect(await ready(api.url)).toMatchObject(refused);
  expect((await api.call("GET", "/flags")).status).toBe(503);

  await database.query(`alter role ${login.name} login`);
  await until(async () => (await ready(api.url)).status === 200, "it is ready again");
});
