import { expect, test } from "vitest";
import { SCOPES } from "../../src/api/access/scope.ts";
import { buildServer } from "../../src/api/server.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { apiDatabase } from "../../src/store/tenant-database.ts";
import { client, startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { giveKey } from "../support/keys.ts";

interface Documented {
  paths: Record<string, Record<string, { security?: { bearer?: string[] }[] }>>;
}

test("each operation takes exactly the scope that its description names, and says so to who hasn't it", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const keys = new Map<string, ReturnType<typeof client>>();
  for (const scope of SCOPES) {
    keys.set(scope, client(api.url, (await giveKey(database, { scopes: [scope] })).text));
  }
  const { paths } = (await (await fetch(`${api.url}/openapi.json`)).json()) as Documented;
  let count = 0;
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { security }] of Object.entries(methods)) {
      const scope = security?.[0]?.bearer?.[0];
      if (scope === undefined) continue;
      count += 1;
      const address = path.replaceAll(/\{\w+\}/g, "1");
      for (const [held, key] of keys) {
        const { status, headers, body } = await key.call(method.toUpperCase(), address);
        if (held === scope) expect(status, `${method} ${path} with ${held}`).not.toBe(403);
        else {
          expect(status, `${method} ${path} with ${held}`).toBe(403);
          expect((body as { detail: string }).detail).toContain(scope);
          expect(headers.get("www-authenticate")).toContain(`error="insufficient_scope"`);
          expect(headers.get("www-authenticate")).toContain(`scope="${scope}"`);
        }
      }
    }
  }
  expect(count).toBeGreaterThan(20);
});

test("HEAD takes what GET takes", async () => {
  const database = await freshDatabase();
  const { text } = await giveKey(database, { scopes: ["contacts:read"] });
  const api = await startApi(database);
  const head = (headers: Record<string, string>) => fetch(`${api.url}/flags`, { method: "HEAD", headers });
  expect((await head({})).status).toBe(401);
  expect((await head({ authorization: `Bearer ${text}` })).status).toBe(403);
});

test("a route that doesn't say who may call it isn't served at all", async () => {
  const server = await buildServer({ database: apiDatabase(await freshDatabase()), channels: channelMap([]) });
  expect(() => server.get("/forgotten", async () => "x")).toThrow(/who may call it/);
  await server.close();
});
