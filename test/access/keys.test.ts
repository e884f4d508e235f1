import { describe, expect, test } from "vitest";
import { newKey } from "../../src/api/access/key-text.ts";
import { API_ROLE } from "../../src/store/identity.ts";
import { revokeKey } from "../../src/store/keys.ts";
import { client, startApi } from "../support/api.ts";
import { advance } from "../support/clock.ts";
import { freshDatabase } from "../support/database.ts";
import { asOwner, giveKey } from "../support/keys.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";

/** What the promise says. Caches hold for less, so what is late has a reason of its own. */
const PROMISED_MS = 5_000;

test("as long as nobody has a key, this machine needs none; from the first one on, everybody does", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  await api.create();
  const { text } = await giveKey(database);
  await until(async () => (await api.call("GET", "/flags")).status === 401, "it is closed", PROMISED_MS);
  expect(await client(api.url, text).list()).toHaveLength(1);
});

test("it stays closed when the only key is revoked, so that no expiry opens a door", async () => {
  const database = await freshDatabase();
  const { id } = await giveKey(database);
  await revokeKey(asOwner(database), id);
  const api = await startApi(database);
  await api.refused(401, "GET", "/flags");
});

test("what tells nothing about anybody stays open, and what isn't there is not there", async () => {
  const database = await freshDatabase();
  await giveKey(database);
  const api = await startApi(database);
  for (const path of ["/healthz", "/docs", "/redoc", "/openapi.json", "/docs/static/swagger-ui.css"]) {
    expect((await fetch(api.url + path)).status, path).toBe(200);
  }
  expect([200, 503]).toContain((await fetch(`${api.url}/readyz`)).status);
  await api.refused(404, "GET", "/nothing");
  await api.refused(405, "DELETE", "/healthz");
});

describe("who can't be known gets 401, and is told how to be", () => {
  test.each([
    ["nothing", undefined, /^Bearer realm="reminder-engine"$/],
    ["another scheme", "Basic dXNlcjpwYXNz", /^Bearer realm="reminder-engine"$/],
    ["no credentials behind the scheme", "Bearer ", /^Bearer realm="reminder-engine"$/],
    ["a key with a wrong letter", `Bearer ${newKey().text.replace(/.$/, "-")}`, /error="invalid_token".*mistyped/],
    ["a key that nobody was given", `Bearer ${newKey().text}`, /error="invalid_token".*no such key/],
    ["something else", "Bearer abc", /error="invalid_token".*rmd_/],
    ["something very long", `Bearer ${"a".repeat(12_000)}`, /error="invalid_token"/],
    [
      "another's hash",
      `Bearer rmd_${"x".repeat(12)}_${"'; drop table api_keys --"}`,
      /^Bearer realm="reminder-engine"$/,
    ],
  ])("%s", async (_what, authorization, challenge) => {
    const database = await freshDatabase();
    await giveKey(database);
    const api = await startApi(database);
    const answer = await fetch(`${api.url}/flags`, { headers: authorization === undefined ? {} : { authorization } });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toMatch(challenge);
    expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  });

  test("the id of a key with another secret is as unknown as any, so that ids can't be tried", async () => {
    const database = await freshDatabase();
    const { id } = await giveKey(database);
    const api = await startApi(database);
    const forged = await forge(id);
    const told = async (key: string) => (await client(api.url, key).refused(401, "GET", "/flags")).detail;
    expect(await told(forged)).toBe(await told(newKey().text));
  });
});

/** A well-made key of this id with a secret of one's own. */
async function forge(id: string): Promise<string> {
  const { crc32 } = await import("node:zlib");
  const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const body = `rmd_${id}_${"A".repeat(43)}`;
  let rest = crc32(body);
  let check = "";
  for (let n = 0; n < 6; n += 1) {
    check = alphabet[rest % 62] + check;
    rest = Math.floor(rest / 62);
  }
  return body + check;
}

describe("a key that stops", () => {
  test("by being revoked opens nothing 5 s later, in any process that had just used it", async () => {
    const database = await freshDatabase();
    const [gone, other] = [await giveKey(database), await giveKey(database)];
    const apis = [await startApi(database, { key: gone.text }), await startApi(database, { key: gone.text })];
    for (const api of apis) await api.list();
    await revokeKey(asOwner(database), gone.id);
    const revokedAtMs = performance.now();
    for (const api of apis) {
      await until(async () => (await api.call("GET", "/flags")).status === 401, "it is closed");
    }
    expect(performance.now() - revokedAtMs).toBeLessThan(PROMISED_MS);
    for (const api of apis) {
      expect((await api.refused(401, "GET", "/flags")).detail).toContain("revoked");
      await client(api.url, other.text).list();
    }
  });

  test("by expiring, too", async () => {
    const database = await freshDatabase();
    const { text } = await giveKey(database, { lifetimeMs: 86_400_000 });
    const api = await startApi(database, { key: text });
    await api.list();
    await advance(database, { days: 1 });
    await until(async () => (await api.call("GET", "/flags")).status === 401, "it is closed", PROMISED_MS);
    expect((await api.refused(401, "GET", "/flags")).detail).toContain("expired");
  });
});

test("a key acts for its tenant, and sees nothing of another's", async () => {
  const database = await freshDatabase();
  await createTenants(database, "acme", "globex");
  const api = await startApi(database, { key: (await giveKey(database, { tenant: "acme" })).text });
  const other = client(api.url, (await giveKey(database, { tenant: "globex" })).text);
  const { id } = await api.create();
  const foreign = await other.refused(404, "GET", `/reminders/${id}`);
  expect(foreign.detail.replace(String(id), "N")).toBe(
    (await other.refused(404, "GET", `/reminders/${id + 1_000}`)).detail.replace(String(id + 1_000), "N"),
  );
  await other.refused(404, "POST", `/reminders/${id}/pause`);
  expect(await other.list()).toEqual([]);
});

test("when a key was used last is written down, at most once a minute", async () => {
  const database = await freshDatabase();
  const { id, text } = await giveKey(database);
  const lastUsedAt = async () => {
    const [row] = await asOwner(database).query("select last_used_at from api_keys where id = $1", [id]);
    return row?.last_used_at as number | null;
  };
  const useOnce = async () => {
    const { buildServer } = await import("../../src/api/server.ts");
    const { apiDatabase } = await import("../../src/store/tenant-database.ts");
    const server = await buildServer({ database: apiDatabase(database), channels: new Map() });
    expect((await server.inject({ url: "/flags", headers: { authorization: `Bearer ${text}` } })).statusCode).toBe(200);
    await server.close(); // which writes down what isn't yet
  };
  expect(await lastUsedAt()).toBeNull();
  await useOnce();
  const first = await lastUsedAt();
  expect(first).not.toBeNull();
  await advance(database, { seconds: 30 });
  await useOnce();
  expect(await lastUsedAt()).toBe(first);
  await advance(database, { seconds: 31 });
  await useOnce();
  expect(await lastUsedAt()).toBeGreaterThan((first as number) + 60_000);
});

test("the API's role can ask for one key by its id, and for nothing else about keys", async () => {
  const database = await freshDatabase();
  const { id } = await giveKey(database);
  const asApi = database.as({ role: API_ROLE, tenant: "default" });
  expect(await asApi.query("select name from reminder_find_key($1)", [id])).toHaveLength(1);
  for (const statement of [
    "select * from api_keys",
    "select hash from api_keys",
    "update api_keys set revoked_at = null",
    "delete from api_keys",
    "insert into api_keys (id, tenant_id, name, scopes, hash) values ('abcdefghijkl', 'default', 'x', '{a}', sha256('x'))",
    "update audit_log set actor = 'x'",
    "delete from audit_log",
    "truncate audit_log",
  ]) {
    await expect(asApi.query(statement), statement).rejects.toThrow(/permission denied/);
  }
});

test("the functions that look past the policies leave the transaction with the tenant that it had", async () => {
  const database = await freshDatabase();
  const { id } = await giveKey(database);
  await database.as({ role: API_ROLE, tenant: "default" }).transaction(async (sql) => {
    await sql.query("select * from reminder_find_key($1)", [id]);
    await sql.query("select reminder_has_keys()");
    await sql.query("select reminder_note_keys_used($1)", [[id]]);
    expect(await sql.query("select reminder_tenant() as tenant")).toEqual([{ tenant: "default" }]);
  });
});
