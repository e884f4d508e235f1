import { describe, expect, test } from "vitest";
import { newKey } from "../../src/api/access/key-text.ts";
import { KEYS_ONLY } from "../../src/api/access/settings.ts";
import { client, readAnswer, startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { asOwner, giveKey } from "../support/keys.ts";
import { createTenants } from "../support/tenants.ts";

const rates = (perKey: number | null, perTenant: number | null) => ({ ...KEYS_ONLY, rates: { perKey, perTenant } });
const ask = (api: { call: (method: string, path: string) => Promise<{ status: number; headers: Headers }> }) =>
  api.call("GET", "/flags");

describe("a key", () => {
  test("may ask as often as the setting says, is told what is left, and then when to come back", async () => {
    const database = await freshDatabase();
    const api = await startApi(database, { access: rates(3, null), key: (await giveKey(database)).text });
    for (const left of [2, 1, 0]) {
      const { status, headers } = await ask(api);
      expect(status).toBe(200);
      expect(headers.get("ratelimit-policy")).toBe('"key";q=3;w=60');
      expect(headers.get("ratelimit")).toMatch(new RegExp(`^"key";r=${left};t=\\d+$`));
    }
    const { status, headers } = await ask(api);
    expect(status).toBe(429);
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(headers.get("retry-after"))).toBeLessThanOrEqual(20);
  });

  test("may have a rate of its own, and one that is at its end is in no other's way", async () => {
    const database = await freshDatabase();
    const api = await startApi(database, {
      access: rates(100, null),
      key: (await giveKey(database, { requestsPerMinute: 1 })).text,
    });
    const other = client(api.url, (await giveKey(database)).text);
    expect((await ask(api)).status).toBe(200);
    expect((await ask(api)).status).toBe(429);
    expect((await ask(other)).status).toBe(200);
  });
});

describe("a tenant", () => {
  test("shares one rate among its keys, while others have theirs", async () => {
    const database = await freshDatabase();
    await createTenants(database, "acme", "globex");
    const api = await startApi(database, { access: rates(null, 2) });
    const of = async (tenant: string) => client(api.url, (await giveKey(database, { tenant })).text);
    const [first, second, other] = [await of("acme"), await of("acme"), await of("globex")];
    expect((await ask(first)).status).toBe(200);
    expect((await ask(second)).status).toBe(200);
    expect((await ask(first)).status).toBe(429);
    expect((await ask(second)).status).toBe(429);
    expect((await ask(other)).status).toBe(200);
  });

  test("may have a rate of its own", async () => {
    const database = await freshDatabase();
    await asOwner(database).query("update tenants set requests_per_minute = 1 where name = 'default'");
    const api = await startApi(database, { access: rates(null, 100), key: (await giveKey(database)).text });
    expect((await ask(api)).headers.get("ratelimit")).toMatch(/^"tenant";r=0;/);
    expect((await ask(api)).status).toBe(429);
  });
});

test("nobody is limited where there are no keys, or where the settings set no limit", async () => {
  const database = await freshDatabase();
  const api = await startApi(database, { access: rates(1, 1) });
  for (let n = 0; n < 5; n += 1) expect((await ask(api)).status).toBe(200);
  const { text } = await giveKey(database);
  const free = await startApi(database, { key: text });
  for (let n = 0; n < 5; n += 1) expect((await ask(free)).headers.get("ratelimit")).toBeNull();
});

test("who shows one wrong key after the other is no longer heard, and keeps out nobody whose key is good", async () => {
  const database = await freshDatabase();
  const { text } = await giveKey(database);
  const api = await startApi(database, { key: text });
  expect((await ask(api)).status).toBe(200);
  const statuses = new Set<number>();
  for (let n = 0; n < 70; n += 1) statuses.add((await ask(client(api.url, newKey().text))).status);
  expect(statuses).toEqual(new Set([401, 429]));
  expect((await ask(client(api.url, newKey().text))).status).toBe(429);
  expect((await ask(api)).status).toBe(200);
});

test("whom a proxy speaks for counts by himself where the proxy is trusted, and not where it isn't", async () => {
  const database = await freshDatabase();
  await giveKey(database);
  const failFrom = async (url: string, address: string) => {
    const headers = { authorization: `Bearer ${newKey().text}`, "x-forwarded-for": address };
    return (await readAnswer(await fetch(`${url}/flags`, { headers }))).status;
  };
  const trusting = await startApi(database, { access: { ...KEYS_ONLY, trustedProxies: ["127.0.0.0/8"] } });
  for (let n = 0; n < 61; n += 1) await failFrom(trusting.url, "192.0.2.1");
  expect(await failFrom(trusting.url, "192.0.2.1")).toBe(429);
  expect(await failFrom(trusting.url, "192.0.2.2")).toBe(401);
  // All of an IPv6 network is one.
  for (let n = 0; n < 61; n += 1) await failFrom(trusting.url, `2001:db8::${n.toString(16)}`);
  expect(await failFrom(trusting.url, "2001:db8::ffff")).toBe(429);

  const other = await startApi(database);
  for (let n = 0; n < 61; n += 1) await failFrom(other.url, `192.0.2.${n}`);
  expect(await failFrom(other.url, "192.0.2.200")).toBe(429);
});

describe("JSON", () => {
  test.each([
    ["lists", `${"[".repeat(65)}${"]".repeat(65)}`],
    ["objects", `${'{"a":'.repeat(65)}1${"}".repeat(65)}`],
    ["lists without an end", "[".repeat(1_000_000)],
  ])("nested deeper than anything here is refused before it is read: %s", async (_what, body) => {
    const api = await startApi(await freshDatabase());
    const headers = { "content-type": "application/json" };
    const answer = await readAnswer(await fetch(`${api.url}/flags/a`, { method: "PUT", headers, body }));
    expect(answer).toMatchObject({ status: 422, body: { detail: expect.stringContaining("64 deep") } });
  });

  test("and brackets in texts nest nothing", async () => {
    const api = await startApi(await freshDatabase());
    const message = `${"[{".repeat(500)} \\" ${"\\".repeat(3)}"`;
    expect((await api.create({ data: { message } })).data).toEqual({ message });
  });
});

test("whoever holds up a statement holds up a request for so long and no longer", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  await database.transaction(
    async (sql) => {
      await sql.query("lock table status_flags in access exclusive mode");
      // Nobody gives the lock back before it is answered.
      expect((await api.call("GET", "/flags")).status).toBe(503);
    },
    { statementMs: 60_000 },
  );
  expect((await api.call("GET", "/flags")).status).toBe(200);
});
