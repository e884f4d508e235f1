import { randomUUID } from "node:crypto";
import { onTestFinished } from "vitest";
import { API_ROLE, EVERY_TENANT, WORKER_ROLE } from "../../src/store/identity.ts";
import { type Database, openDatabase } from "../../src/store/postgres.ts";
import { createTenant } from "../../src/store/tenants.ts";

export async function createTenants(database: Database, ...names: string[]): Promise<void> {
  for (const name of names) await createTenant(database.as({ role: null, tenant: EVERY_TENANT }), name);
}

/** Rows of every kind for this tenant, by plain SQL; the key, the entity and the flag are the same for all. */
export async function fill(database: Database, tenant: string): Promise<void> {
  const sql = database.as({ role: null, tenant });
  await sql.query(
    `insert into reminder_jobs (tenant_id, entity_type, entity_id, event_type, channel, schedule_type)
     values ($1, 'invoice', 'INV_1', 'payment', 'sink', 'one_time')`,
    [tenant],
  );
  await sql.query("insert into status_flags (tenant_id, key) values ($1, 'paid')", [tenant]);
  await sql.query(
    "insert into contacts (tenant_id, entity_type, entity_id, name) values ($1, 'invoice', 'INV_1', $1)",
    [tenant],
  );
  for (const table of ["deliveries", "reminder_events"]) {
    const [columns, values] =
      table === "deliveries" ? ["occurrence_at, channel, status", "now(), 'sink', 'sent'"] : ["type", "'paused'"];
    await sql.query(
      `insert into ${table} (tenant_id, bucket, reminder_id, ${columns})
       select tenant_id, bucket, id, ${values} from reminder_jobs where tenant_id = $1`,
      [tenant],
    );
  }
}

/** A login of this test's own, with these attributes, such as `createrole`. Gone when the test ends. */
export async function createLogin(
  serverUrl: string,
  attributes = "",
): Promise<{ name: string; urlOf(database: string): string }> {
  const name = `login_${randomUUID().replaceAll("-", "")}`;
  const password = randomUUID();
  const server = openDatabase({ url: serverUrl, poolSize: 1 });
  await server.query(`create role ${name} login ${attributes} password '${password}'`);
  onTestFinished(async () => {
    await server.query(`drop owned by ${name}`);
    await server.query(`drop role ${name}`);
    await server.close();
  });
  return {
    name,
    urlOf: (database) => {
      const url = new URL(serverUrl);
      url.username = name;
      url.password = password;
      url.pathname = `/${database}`;
      return url.href;
    },
  };
}

/** What an administrator does for a role that may not become, or may not make, the engine's roles. PostgreSQL 16 or later. */
export async function grantRoles(
  serverUrl: string,
  login: string,
  roles: readonly string[] = [API_ROLE, WORKER_ROLE],
): Promise<void> {
  const server = openDatabase({ url: serverUrl, poolSize: 1 });
  await server.query(`grant ${roles.join(", ")} to ${login} with inherit false, set true`);
  await server.close();
}

/** An empty database on this server, owned by a login of this test's own with these attributes. */
export async function ownedDatabase(serverUrl: string, attributes: string): Promise<{ url: string; owner: string }> {
  const login = await createLogin(serverUrl, attributes);
  const name = `owned_${randomUUID().replaceAll("-", "")}`;
  const server = openDatabase({ url: serverUrl, poolSize: 1 });
  await server.runAlone(`create database ${name} owner ${login.name}`);
  onTestFinished(async () => {
    await server.runAlone(`drop database ${name} with (force)`);
    await server.close();
  });
  return { url: login.urlOf(name), owner: login.name };
}
