import { once } from "node:events";
import { connect } from "node:net";
import { Writable } from "node:stream";
import { gzipSync } from "node:zlib";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { ProblemDetails } from "../../src/api/schemas/problem.ts";
import { buildServer } from "../../src/api/server.ts";
import { openDatabase } from "../../src/store/postgres.ts";
import { apiDatabase } from "../../src/store/tenant-database.ts";
import { readAnswer, startApi, wish } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";

/** Sends bytes as they are, and reads the answer until the server ends the connection. */
async function raw(url: string, request: string): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let answer = "";
  socket.on("data", (bytes) => {
    answer += bytes;
  });
  socket.write(request);
  await once(socket, "close");
  const [head = "", body = ""] = answer.split("\r\n\r\n", 2);
  return { status: Number(head.split(" ")[1]), body };
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;

test.each(["hunter2", '{"a":hunter2}', '["hunter2",]', '"hunter2'])(
  "the body %s is refused without being quoted",
  async (body) => {
    const { url } = await startApi(await freshDatabase());
    const headers = { "content-type": "application/json" };
    const answer = await readAnswer(await fetch(`${url}/reminders/`, { method: "POST", headers, body }));
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringMatching(/^the body is not JSON: \w/) } });
    expect(JSON.stringify(answer.body)).not.toContain("unter");
  },
);

describe("what can't be read is refused", () => {
  const json = { "content-type": "application/json" };
  test.each([
    ["JSON that isn't", 400, "{", json],
    ["a comma too many", 400, '{"a":1,}', json],
    ["bytes that are no UTF-8", 400, Buffer.from('{"entity_type":"caf\xe9"}', "latin1"), json],
    ["a list", 422, "[]", json],
    ["null", 422, "null", json],
    ["nothing", 422, "", json],
    ["a form", 415, "a=1", { "content-type": "application/x-www-form-urlencoded" }],
    ["text", 415, "{}", { "content-type": "text/plain" }],
    ["a type that is none", 415, "{}", { "content-type": "json" }],
    ["ten megabytes", 413, JSON.stringify(wish({ message: "x".repeat(10_000_000) })), json],
    ["a compressed body", 415, gzipSync("{}"), { ...json, "content-encoding": "gzip" }],
    ["JSON nested ten thousand deep", 422, `{"data":${"[".repeat(10_000)}${"]".repeat(10_000)}}`, json],
  ])("%s: %i", async (_what, status, body, headers) => {
    const api = await startApi(await freshDatabase());
    const response = await fetch(`${api.url}/reminders/`, { method: "POST", body, headers });
    expect((await readAnswer(response)).status).toBe(status);
  });

  test.each([
    [
      "an address that is not properly encoded",
      400,
      "GET /flags/%ff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ],
    [
      "an address of a hundred thousand characters",
      431,
      `GET /flags/${"x".repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    ],
    ["a query of bytes that are no UTF-8", 400, get("/reminders?entity_id=%ff")],
    ["a query with half of a surrogate pair", 400, get("/reminders?entity_id=%ED%A0%80")],
    ["a query that is not properly encoded", 400, get("/reminders?entity_id=100%")],
    ["a request without a host", 400, "GET /flags HTTP/1.1\r\n\r\n"],
    ["two hosts", 400, "GET /flags HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n"],
    ["a host beside another one", 400, "GET http://other/flags HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    [
      "two keys at once",
      400,
      "GET /flags HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n",
    ],
    ["an expectation", 417, "GET /flags HTTP/1.1\r\nHost: localhost\r\nExpect: a-miracle\r\n\r\n"],
    ["what is not HTTP", 400, "HELLO\r\n\r\n"],
    ["a method that nobody knows", 400, "FLY /reminders HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    [
      "a body of a length that is no number",
      400,
      "POST /reminders HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
    ],
  ])("%s: %i", async (_what, status, request) => {
    const api = await startApi(await freshDatabase());
    const answer = await raw(api.url, request);
    expect(answer.status).toBe(status);
    expect(ProblemDetails.parse(JSON.parse(answer.body))).toMatchObject({ status });
  });
});

test.each(["/docs/static/nothing.js", "/docs/static/..%2f..%2fpackage.json"])(
  "%s: 404, since GET is possible there",
  async (path) => {
    const api = await startApi(await freshDatabase());
    expect((await fetch(api.url + path)).status).toBe(404);
  },
);

test("HTTP/1.0 knows no host, and needs none", async () => {
  const api = await startApi(await freshDatabase());
  expect(await raw(api.url, "GET /flags HTTP/1.0\r\n\r\n")).toMatchObject({ status: 200, body: "[]" });
});

test("the address that the banner shows leads to the documentation", async () => {
  const api = await startApi(await freshDatabase());
  const response = await fetch(`${api.url}/`, { redirect: "manual" });
  expect(response.status).toBe(302);
  expect(response.headers.get("location")).toBe("/docs");
  expect((await fetch(`${api.url}/`)).headers.get("content-type")).toMatch(/^text\/html/);
  await api.refused(405, "POST", "/", {});
});

test("an address where there is nothing is not found", async () => {
  const api = await startApi(await freshDatabase());
  for (const path of ["/nothing", "/reminders/1/fly", "/flags/a/b", "/contacts/a", "//reminders"]) {
    await api.refused(404, "GET", path);
  }
});

test.each([
  ["PUT", "/reminders", "GET, HEAD, OPTIONS, POST"],
  ["DELETE", "/reminders/", "GET, HEAD, OPTIONS, POST"],
  ["POST", "/reminders/1", "DELETE, GET, HEAD, OPTIONS, PATCH"],
  ["GET", "/reminders/1/pause", "OPTIONS, POST"],
  ["PATCH", "/flags/a%2Fb", "DELETE, GET, HEAD, OPTIONS, PUT"],
  ["POST", "/healthz", "GET, HEAD, OPTIONS"],
])("%s %s: 405, with what is allowed there", async (method, path, allow) => {
  const api = await startApi(await freshDatabase());
  const answer = await api.call(method, path);
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toBe(allow);
  expect(await api.call("OPTIONS", path)).toMatchObject({ status: 204 });
});

describe("while the database is away", () => {
  const away = () => {
    const database = openDatabase({ url: "postgresql://nobody@127.0.0.1:1/none" });
    return startApi(database);
  };

  test("requests are answered with 503 and when to try again, not with an error", async () => {
    const api = await away();
    for (const [method, path, body] of [
      ["POST", "/reminders/", wish()],
      ["GET", "/reminders", undefined],
      ["PATCH", "/reminders/1", { subject: "x" }],
      ["POST", "/reminders/1/pause", undefined],
      ["PUT", "/flags/a", { value: true }],
    ] as const) {
      const { status, headers } = await api.call(method, path, body);
      expect(status).toBe(503);
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    }
  });

  test("what is wrong with a request of whom we know is said all the same", async () => {
    const database = openDatabase({ url: "postgresql://nobody@127.0.0.1:1/none" });
    const api = await startApi(database, { tenant: "default" });
    await api.refused(422, "POST", "/reminders/", {});
  });

  test("the process is alive, but not ready", async () => {
    const api = await away();
    expect((await api.call("GET", "/healthz")).body).toEqual({ status: "alive" });
    const response = await fetch(`${api.url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ status: "not ready", missing: ["the database can't be reached"] });
  });
});

describe("the log", () => {
  const logTo = (lines: Record<string, unknown>[]) =>
    pino({}, new Writable({ write: (line, _, done) => done(void lines.push(JSON.parse(String(line)))) }));

  test("has one line for a request, and no word of its body", async () => {
    const lines: Record<string, unknown>[] = [];
    const api = await startApi(await freshDatabase(), { log: logTo(lines) });
    await api.create({ message: "a secret", recipient: "secret@example.com" });
    await api.refused(422, "POST", "/reminders", { secret: "secret" });
    const requests = lines.filter(({ msg }) => msg === "request");
    expect(requests).toMatchObject([
      { method: "POST", url: "/reminders/", status: 201 },
      { method: "POST", url: "/reminders", status: 422 },
    ]);
    expect(JSON.stringify(lines)).not.toContain("secret");
  });

  test("has one line for a fault of ours, and the client sees nothing of it", async () => {
    const lines: Record<string, unknown>[] = [];
    const database = await freshDatabase();
    const query = () => Promise.reject(new Error("inner workings"));
    const api = await startApi({ ...database, as: () => ({ ...database, query }) }, { log: logTo(lines) });
    const problem = await api.refused(500, "GET", "/reminders");
    expect(JSON.stringify(problem)).not.toContain("inner workings");
    expect(lines.filter((line) => JSON.stringify(line).includes("inner workings"))).toHaveLength(1);
  });
});

test("closing waits for the requests under way, answers them, and lets every other connection go", async () => {
  const database = await freshDatabase();
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const query = async (): Promise<never[]> => {
    reach();
    await held;
    return [];
  };
  const server = await buildServer({
    database: apiDatabase({ ...database, as: () => ({ ...database, query }) }),
    channels: new Map(),
  });
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  const unused = connect(Number(new URL(url).port), "127.0.0.1");
  await once(unused, "connect");
  const unusedEnded = once(unused, "close");

  const answer = raw(url, "GET /flags HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await reached;
  const closed = server.close();
  await unusedEnded;
  release();

  expect(await answer).toMatchObject({ status: 200, body: "[]" });
  await closed;
});
