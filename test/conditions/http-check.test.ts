import { createServer, type IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { CannotAsk } from "../../src/conditions/condition.ts";
import { evaluate, NOTHING_KNOWN } from "../../src/conditions/evaluate.ts";
import { httpCheck } from "../../src/conditions/http-check.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { StopAnswer } from "../../src/core/stop.ts";
import { NO_FLAGS, type StopSubject } from "../../src/core/stop-subject.ts";
import { guardedHttp } from "../../src/outgoing/guarded-http.ts";
import { DEFAULT_OUTGOING } from "../../src/outgoing/settings.ts";
import { countConnections } from "../outgoing/packets.ts";
import { loopbackHttp, type Receiver, startAnswering, startReceiver } from "../outgoing/receiver.ts";
import { canary, heard } from "../support/canary.ts";
import { listenOnLoopback } from "../support/loopback.ts";

function subjectWith(reminder: Partial<StopSubject["reminder"]> = {}): StopSubject {
  const known = { id: 1, tenantId: "default", entityType: "invoice", entityId: "42", eventType: "payment", data: {} };
  return {
    reminder: { ...known, ...reminder } as StopSubject["reminder"],
    contact: null,
    counts: { occurrences: 0, sent: 0 },
    flags: NO_FLAGS,
    now: 0,
  };
}

interface Asked {
  reminder?: Partial<StopSubject["reminder"]>;
  secrets?: Record<string, string>;
  signal?: AbortSignal;
  http?: ReturnType<typeof loopbackHttp>;
}

/** Asks once, as the engine does: with settings that passed the schema. */
async function ask(value: string, settings: JsonObject = {}, more: Asked = {}): Promise<StopAnswer> {
  const condition = { type: "http_check", value, settings: httpCheck.settings?.parse(settings) as JsonObject };
  return httpCheck.answer(condition, subjectWith(more.reminder), {
    signal: more.signal ?? AbortSignal.timeout(20_000),
    http: more.http ?? loopbackHttp(),
    secret: async (name, origin) => {
      const secret = more.secrets?.[`${name} ${origin}`];
      if (secret === undefined) throw new CannotAsk(`there is no secret ${name} for ${origin}`);
      return secret;
    },
    queries: {} as never,
  });
}

function answering(status: number, body = "", headers = ""): Promise<Receiver> {
  return startAnswering(`HTTP/1.1 ${status} Status\r\n${headers}\r\n${body}`);
}

interface Received {
  method: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A service that answers each request with all that it got. */
async function startService(): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(async (request, response) => {
    const { method, headers } = request;
    received.push({ method, headers, body: await text(request) });
    response.setHeader("x-echo", headers.authorization ?? "").end(JSON.stringify(received.at(-1)));
  });
  server.on("connection", (socket) => sockets.add(socket));
  return { url: `http://127.0.0.1:${await listenOnLoopback(server, sockets)}`, received };
}

const paid: JsonObject = { json_path: "$.status", equals: "paid" };

describe("the status", () => {
  test.each([
    [200, {}, "met"],
    [204, {}, "met"],
    [404, {}, "not_met"],
    [410, {}, "not_met"],
    [301, {}, "unknown"],
    [302, {}, "unknown"],
    [400, {}, "unknown"],
    [401, {}, "unknown"],
    [403, {}, "unknown"],
    [429, {}, "unknown"],
    [500, {}, "unknown"],
    [503, {}, "unknown"],
    [200, { status: 201 }, "not_met"],
    [404, { status: 404 }, "met"],
    [302, { status: 302 }, "met"],
    [500, { status: [200, 500] }, "met"],
    [202, { status: [200, 500] }, "not_met"],
  ] as const)("%i where %j is done: %s", async (status, settings, state) => {
    const { url, port } = await answering(status);
    const answer = await ask(url, { ...settings } as JsonObject);
    expect(answer).toEqual({
      state,
      because: `127.0.0.1:${port} answered with status ${status}`,
      gotAt: null,
      freshForMs: state === "unknown" ? 0 : 30_000,
    });
  });

  test("a redirect isn't followed to where it would be met", async () => {
    const done = await answering(200, '{"status":"paid"}');
    const { url } = await answering(302, "", `location: ${done.url}\r\n`);
    expect(await ask(url, paid)).toMatchObject({ state: "unknown" });
    expect(done.connections).toBe(0);
  });
});

describe("the value", () => {
  test.each<[string, JsonObject, string, string]>([
    ['{"status":"paid"}', paid, "met", '$.status is "paid"'],
    ['{"status":"open"}', paid, "not_met", '$.status is "open"'],
    ['{"status":null}', paid, "not_met", "$.status is null"],
    ['{"status":["paid"]}', paid, "not_met", "$.status is a list"],
    ['{"status":{"a":"paid"}}', paid, "not_met", "$.status is an object"],
    ["{}", paid, "not_met", "$.status is not there"],
    ['"paid"', paid, "not_met", "$.status is not there"],
    ['\ufeff{"status":"paid"}', paid, "met", '$.status is "paid"'],
    ['{"due":0}', { json_path: "$.due", equals: 0 }, "met", "$.due is 0"],
    ['{"due":0.0}', { json_path: "$.due", equals: 0 }, "met", "$.due is 0"],
    ['{"due":"0"}', { json_path: "$.due", equals: 0 }, "not_met", '$.due is "0"'],
    ['{"due":false}', { json_path: "$.due", equals: null }, "not_met", "$.due is false"],
    ['{"due":null}', { json_path: "$.due", equals: null }, "met", "$.due is null"],
    ['[{"paid":false},{"paid":true}]', { json_path: "$[-1].paid", equals: true }, "met", "$[-1].paid is true"],
    [`{"status":"${"x".repeat(500)}"}`, paid, "not_met", `$.status is "${"x".repeat(99)}…`],
  ])("%s where %j is done: %s", async (body, settings, state, because) => {
    const { url, port } = await answering(200, body);
    expect(await ask(url, settings)).toMatchObject({ state, because: `127.0.0.1:${port} answered that ${because}` });
  });

  test.each([["<html>"], [""], ['{"status":"paid"'], ["paid"], ["{'status':'paid'}"]])(
    "%j is not JSON: unknown",
    async (body) => {
      const { url, port } = await answering(200, body);
      const because = `127.0.0.1:${port} answered with what is not JSON`;
      expect(await ask(url, paid)).toMatchObject({ state: "unknown", because, freshForMs: 0 });
    },
  );

  test("nested as deep as a mebibyte allows, brings nobody down", async () => {
    const { url } = await answering(200, "[".repeat(500_000) + "]".repeat(500_000));
    expect(await ask(url, paid)).toMatchObject({ state: "not_met" });
    expect(await ask(url, { json_path: "$[0]", equals: "paid" })).toMatchObject({ state: "not_met" });
  });

  test("is not looked at when the status already says otherwise", async () => {
    const { url } = await answering(404, '{"status":"paid"}');
    expect(await ask(url, paid)).toMatchObject({ state: "not_met" });
    const failing = await answering(500, '{"status":"paid"}');
    expect(await ask(failing.url, paid)).toMatchObject({ state: "unknown" });
  });
});

describe("no answer is unknown, and says why", () => {
  test("nobody there", async () => {
    const { port } = await answering(200);
    const because = `127.0.0.2:${port} did not answer: it refused the connection`;
    expect(await ask(`http://127.0.0.2:${port}/`)).toMatchObject({ state: "unknown", because, freshForMs: 0 });
  });

  test("too slow", async () => {
    const { url, port } = await startReceiver(() => undefined);
    const because = `127.0.0.1:${port} did not answer: it took longer than 0.2 s`;
    expect(await ask(url, { timeout_ms: 200 })).toMatchObject({ state: "unknown", because });
  });

  test("given up by the engine", async () => {
    const { url } = await startReceiver(() => undefined);
    expect(await ask(url, {}, { signal: AbortSignal.timeout(100) })).toMatchObject({ state: "unknown" });
  });

  test("more than a mebibyte, packed or not", async () => {
    const large = Buffer.from(JSON.stringify({ status: "paid", more: "x".repeat(1024 * 1024) }));
    for (const [headers, body] of [
      ["", large],
      ["content-encoding: gzip\r\n", gzipSync(large)],
    ] as const) {
      const { url } = await startAnswering(`HTTP/1.1 200 OK\r\n${headers}\r\n`, body);
      expect(await ask(url, paid)).toMatchObject({ state: "unknown" });
      // Where only the status matters, it is enough.
      expect(await ask(url)).toMatchObject({ state: "met" });
    }
  });

  test.each(["http://127.0.0.1:1/", "http://[::1]/", "http://169.254.169.254/latest/meta-data/", "http://localhost/"])(
    "the guard refuses %s without a packet",
    async (url) => {
      const connections = countConnections();
      const http = guardedHttp({ ...DEFAULT_OUTGOING, ports: [{ from: 1, to: 65_535 }] });
      onTestFinished(() => http.close());
      const answer = await ask(url, {}, { http });
      expect(answer).toMatchObject({ state: "unknown", because: expect.stringContaining("was not asked: its host") });
      expect(connections.begun).toBe(0);
    },
  );
});

describe("the request", () => {
  const echo = () =>
    startReceiver((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"));
  const line = (receiver: Receiver): string | undefined => receiver.heads[0]?.split("\r\n")[0];

  test.each<[string, Partial<StopSubject["reminder"]>, string]>([
    ["/{entity_type}/{entity_id}?e={event_type}", {}, "/invoice/42?e=payment"],
    ["/{entity_id}", { entityId: "a/b" }, "/a%2Fb"],
    ["/{entity_id}/x", { entityId: "../../admin" }, "/..%2F..%2Fadmin/x"],
    ["/{entity_id}", { entityId: "?x=1#y" }, "/%3Fx%3D1%23y"],
    ["/?id={entity_id}", { entityId: "1&admin=1" }, "/?id=1%26admin%3D1"],
    ["/{entity_id}", { entityId: "%2e%2e" }, "/%252e%252e"],
    ["/{entity_id}", { entityId: "ü \r\nX: y" }, "/%C3%BC%20%0D%0AX%3A%20y"],
    ["/{entity_id}", { entityId: "{event_type}" }, "/%7Bevent_type%7D"],
    ["/{entity_id}", { entityId: "$&$1" }, "/%24%26%241"],
    [
      "/{data.no}/{data.who.name}/{data.paid}",
      { data: { no: 7, who: { name: "A B" }, paid: false } },
      "/7/A%20B/false",
    ],
  ])("%s for %j asks for %s", async (path, reminder, expected) => {
    const receiver = await echo();
    expect(await ask(`${receiver.url}${path}`, {}, { reminder })).toMatchObject({ state: "met" });
    expect(line(receiver)).toBe(`GET ${expected} HTTP/1.1`);
  });

  test.each<[string, Partial<StopSubject["reminder"]>, string]>([
    ["/a/{entity_id}/status", { entityId: ".." }, 'has a URL in which {entity_id} can\'t be ".."'],
    ["/a/{entity_id}{event_type}", { entityId: ".", eventType: "." }, 'has a URL in which {entity_id} can\'t be "."'],
    ["/a/{data.id}/status", { data: { id: "" } }, 'has a URL in which {data.id} can\'t be ""'],
    ["/{data.id}", {}, "needs the reminder's data.id, which is no text, number or boolean"],
    ["/{data.id}", { data: { id: { a: 1 } } }, "needs the reminder's data.id, which is no text, number or boolean"],
    ["/{data.constructor}", {}, "needs the reminder's data.constructor, which is no text, number or boolean"],
    [
      "/{data.id.length}",
      { data: { id: "abc" } },
      "needs the reminder's data.id.length, which is no text, number or boolean",
    ],
  ])("%s for %j isn't asked", async (path, reminder, because) => {
    const receiver = await echo();
    await expect(ask(`${receiver.url}${path}`, {}, { reminder })).rejects.toThrow(
      new CannotAsk(`http_check ${because}`),
    );
    expect(receiver.connections).toBe(0);
  });

  test("a POST has the body as JSON, in which what is filled in stays within its text", async () => {
    const { url, received } = await startService();
    const body = { query: "{ invoice(id: $id) { status } }", variables: { id: "{entity_id}", n: [1, "{data.n}"] } };
    const reminder = { entityId: '1", "admin": "1', data: { n: 2 } };
    expect(await ask(url, { method: "POST", body }, { reminder })).toMatchObject({ state: "met" });
    expect(received).toMatchObject([{ method: "POST", headers: { "content-type": "application/json" } }]);
    expect(JSON.parse(received[0]?.body ?? "")).toEqual({
      ...body,
      variables: { id: '1", "admin": "1', n: [1, "2"] },
    });
  });

  test("headers are as they are given", async () => {
    const receiver = await echo();
    await ask(receiver.url, { headers: { Accept: "application/vnd.x+json", "X-Team": "ä" } });
    expect(receiver.heads[0]).toContain("\r\naccept: application/vnd.x+json\r\nx-team: ä\r\n");
  });
});

describe("secrets in headers", () => {
  const bird = canary("a tenant's secret");
  const headers = { authorization: { secret: "billing", prefix: "Bearer " }, "x-token": { secret: "billing" } };

  test("reach the service that they were stored for", async () => {
    const { url, received } = await startService();
    expect(await ask(url, { headers }, { secrets: { [`billing ${url}`]: bird.value } })).toMatchObject({
      state: "met",
    });
    expect(received).toMatchObject([{ headers: { authorization: `Bearer ${bird.value}`, "x-token": bird.value } }]);
  });

  test("and no other: without one for this origin, nothing is asked", async () => {
    const { url, received } = await startService();
    const secrets = { "billing http://127.0.0.1:1": bird.value, "other http://127.0.0.1": bird.value };
    await expect(ask(url, { headers }, { secrets })).rejects.toThrow(`there is no secret billing for ${url}`);
    expect(received).toEqual([]);
  });

  test("are in no answer, whatever the service sends back and whatever fails", async () => {
    const { url } = await startService();
    const answers: (StopAnswer | string)[] = [];
    const secrets = (origin: string) => ({ secrets: { [`billing ${origin}`]: bird.value } });
    const path = (json_path: string): JsonObject => ({ headers, json_path, equals: "x" });

    answers.push(await ask(`${url}/`, path("$.headers.authorization"), secrets(url)));
    answers.push(await ask(`${url}/`, path("$.headers['x-token']"), secrets(url)));
    answers.push(await ask(`${url}/`, path("$.headers"), secrets(url)));
    answers.push(await ask(`${url}/`, { headers, status: 201 }, secrets(url)));
    for (const reply of [
      `HTTP/1.1 200 ${bird.value}\r\n\r\n${bird.value}`,
      bird.value,
      `HTTP/1.1 200 OK\r\n${bird.value}`,
    ]) {
      const receiver = await startAnswering(reply);
      answers.push(await ask(receiver.url, path("$.a"), secrets(receiver.url)));
    }
    const redirecting = await answering(302, "", `location: http://127.0.0.1:1/?${bird.value}\r\n`);
    answers.push(await ask(redirecting.url, path("$.a"), secrets(redirecting.url)));
    const broken = `${bird.value}\r\nx: y`;
    answers.push(await ask(url, { headers }, { secrets: { [`billing ${url}`]: broken } }));

    expect(answers.map((answer) => typeof answer !== "string" && answer.state)).toEqual([
      ...["not_met", "not_met", "not_met", "not_met"],
      ...["unknown", "unknown", "unknown", "unknown", "unknown"],
    ]);
    expect(heard([bird], [{ name: "the answers", text: JSON.stringify(answers) }])).toEqual([]);
  });
});

describe("the question", () => {
  const question = (value: string, settings: JsonObject, reminder: Partial<StopSubject["reminder"]> = {}) => {
    const condition = { type: "http_check", value, settings: httpCheck.settings?.parse(settings) as JsonObject };
    return httpCheck.question?.(condition, subjectWith(reminder));
  };
  const URL_OF_ONE = "https://a.example/{entity_id}";

  test("is the same for what is the same when everything is filled in, and else another", () => {
    const one = question(URL_OF_ONE, paid);
    expect(question("https://a.example/42", { ...paid })).toBe(one);
    expect(question(URL_OF_ONE, paid, { id: 2, data: { x: 1 } })).toBe(one);
    expect(question(URL_OF_ONE, paid, { entityId: "43" })).not.toBe(one);
    expect(question(URL_OF_ONE, { ...paid, headers: { x: "1" } })).not.toBe(one);
    expect(question(URL_OF_ONE, { ...paid, equals: "sent" })).not.toBe(one);
    expect(question(URL_OF_ONE, { ...paid, method: "POST", body: 1 })).not.toBe(one);
  });

  test("isn't there where what it asks about isn't: nobody is asked, and the answer is unknown", () => {
    expect(() => question("https://a.example/{data.id}", {})).toThrow("needs the reminder's data.id");
    const condition = { type: "http_check", value: "https://a.example/{data.id}", settings: null };
    expect(evaluate(condition, subjectWith(), NOTHING_KNOWN)).toMatchObject({
      state: "unknown",
      because: expect.stringMatching(/^http_check needs the reminder's data.id/),
    });
  });

  test("names the service as scheme, host and port, so that paths don't make it another", () => {
    const service = (value: string) =>
      httpCheck.service?.({ type: "http_check", value, settings: null }, subjectWith());
    expect(service("https://A.example:443/x/{entity_id}")).toBe("https://a.example");
    expect(service("http://a.example:8080/{data.x}?{entity_id}")).toBe("http://a.example:8080");
  });
});
