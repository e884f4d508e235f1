import { request } from "node:http";
import { describe, expect, test } from "vitest";
import { buildServer } from "../../src/api/server.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { apiDatabase } from "../../src/store/tenant-database.ts";
import { readAnswer, startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { giveKey } from "../support/keys.ts";

/** The status of a request with exactly these headers; `fetch` has its own mind about some of them. */
function statusOf(url: string, method: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on("error", reject).end();
  });
}

describe("a web page of another site can change nothing, and on loopback not even ask; a link to us can be followed", () => {
  test.each([
    ["that its browser says is one", { "sec-fetch-site": "cross-site" }, 200],
    ["of another name", { origin: "http://evil.example" }, 403],
    ["of another port of this machine", { origin: "http://127.0.0.1:1" }, 403],
    ["that its browser trusts with nothing", { origin: "null" }, 403],
    ["of an origin that is none", { origin: "evil" }, 403],
  ])("%s", async (_what, foreign: Record<string, string>, reading) => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create();
    expect(await statusOf(`${api.url}/reminders/${id}/pause`, "POST", foreign)).toBe(403);
    expect(await statusOf(`${api.url}/reminders/${id}`, "DELETE", foreign)).toBe(403);
    expect((await api.get(id)).status).toBe("ACTIVE");
    const answer = await fetch(`${api.url}/reminders/${id}`, { headers: foreign });
    expect(answer.status).toBe(reading);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("but our own pages can", async () => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create();
    const own = { origin: api.url, "sec-fetch-site": "same-origin" };
    expect(await statusOf(`${api.url}/reminders/${id}/pause`, "POST", own)).toBe(200);
    const { port } = new URL(api.url);
    const named = { origin: `http://localhost:${port}`, host: `localhost:${port}` };
    expect(await statusOf(`${api.url}/reminders/${id}/resume`, "POST", named)).toBe(200);
  });

  test("and it is told as a problem", async () => {
    const api = await startApi(await freshDatabase());
    const response = await fetch(`${api.url}/reminders/1/pause`, {
      method: "POST",
      headers: { "sec-fetch-site": "cross-site" },
    });
    expect((await readAnswer(response)).status).toBe(403);
  });
});

describe("a name that somebody has pointed to this machine is refused while we listen on loopback", () => {
  test.each([
    ["evil.example", 403],
    ["evil.example:8000", 403],
    ["localhost.evil.example", 403],
    ["127.0.0.1.evil.example:80", 403],
    ["localhost", 200],
    ["LOCALHOST:1234", 200],
    ["127.0.0.1:8000", 200],
    ["[::1]:8000", 200],
  ])("%s: %i", async (host, status) => {
    const api = await startApi(await freshDatabase());
    expect(await statusOf(`${api.url}/flags`, "GET", { host })).toBe(status);
  });

  test("and not while we listen for others, who call us by names that we can't know, and need a key", async () => {
    const database = await freshDatabase();
    const server = await buildServer({ database: apiDatabase(database), channels: channelMap([]) });
    await server.listen({ host: "0.0.0.0", port: 0 });
    const { port } = server.server.address() as { port: number };
    const ask = (headers: Record<string, string>) => statusOf(`http://127.0.0.1:${port}/flags`, "GET", headers);
    expect(await ask({ host: "reminders.example" })).toBe(401);
    const { text } = await giveKey(database);
    expect(await ask({ host: "reminders.example", authorization: `Bearer ${text}` })).toBe(200);
    expect(await ask({ origin: "https://elsewhere.example", authorization: `Bearer ${text}` })).toBe(200);
    await server.close();
  });
});
