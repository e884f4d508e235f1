import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { campaign } from "./campaign.ts";
import { Outsiders } from "./outsiders.ts";

// A fuzzer that finds nothing is only worth something if it finds what is there. Here is a service with one fault at a time.

const object = (properties: Record<string, unknown>) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const json = (schema: unknown) => ({ content: { "application/json": { schema } } });
const Problem = object({
  type: { type: "string" },
  title: { type: "string" },
  status: { type: "integer" },
  detail: { type: "string" },
});
const problem = { content: { "application/problem+json": { schema: Problem } } };
const Thing = object({ id: { type: "integer" }, entity_type: { type: "string" } });
const id = { name: "id", in: "path", required: true, schema: { type: "integer", minimum: 1, maximum: 1_000 } };
const key = { name: "Idempotency-Key", in: "header", schema: { type: "string" } };

const DOCUMENT = {
  paths: {
    "/reminders": {
      post: {
        operationId: "create",
        parameters: [key],
        requestBody: json(object({ entity_type: { type: "string", minLength: 1 } })),
        responses: { 201: json(Thing), default: problem },
      },
    },
    "/reminders/{id}": {
      get: { operationId: "get", parameters: [id], responses: { 200: json(Thing), 404: problem, default: problem } },
      delete: { operationId: "delete", parameters: [id], responses: { 204: {}, 404: problem, default: problem } },
    },
  },
  components: { schemas: { Problem } },
};

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => boolean;

const ACTORS = ["one", "two"].map((name) => ({ name, tenant: name, headers: { "x-tenant": name } }));

/** What a campaign finds at a service that is right but for what `fault` does: true where it has answered. */
async function foundWith(
  fault: Handler,
  requests = 500,
  outsidersAt?: (url: string) => Promise<Outsiders>,
): Promise<string[]> {
  const things = new Map<number, { tenant: string; json: string }>();
  const answered = new Map<string, string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      response.setHeader("x-content-type-options", "nosniff");
      if (!fault(request, response, body)) serve(request, response, body);
    });
  });
  server.on("clientError", (_error, socket) => socket.destroy());

  const send = (response: ServerResponse, status: number, text = "", type = "application/json") => {
    response.writeHead(status, text === "" ? {} : { "content-type": type }).end(text);
  };
  const refuse = (response: ServerResponse, status: number) => {
    const body = { type: "urn:reminder-engine:problem:x", title: "x", status, detail: "x" };
    if (status === 405) response.setHeader("allow", "GET");
    send(response, status, JSON.stringify(body), "application/problem+json");
  };
  const serve = (request: IncomingMessage, response: ServerResponse, body: string): unknown => {
    const { method = "", url = "", headers } = request;
    if (url === "/openapi.json") return send(response, 200, JSON.stringify(DOCUMENT));
    const tenant = String(headers["x-tenant"]);
    if (method === "POST" && /^\/reminders\/?$/.test(url)) {
      if (!body.startsWith("{")) return refuse(response, 400);
      const name = `${tenant} ${headers["idempotency-key"]}`;
      const before = headers["idempotency-key"] === undefined ? undefined : answered.get(name);
      if (before !== undefined) {
        response.setHeader("idempotency-replayed", "true");
        return send(response, 201, before);
      }
      const text = JSON.stringify({ id: things.size + 1, entity_type: "x" });
      things.set(things.size + 1, { tenant, json: text });
      answered.set(name, text);
      return send(response, 201, text);
    }
    const [, number] = /^\/reminders\/([^/?]+)/.exec(url) ?? [];
    const thing = things.get(Number(number));
    if (!thing || thing.tenant !== tenant) return refuse(response, 404);
    if (method === "GET") return send(response, 200, thing.json);
    if (method === "DELETE") return send(response, 204);
    return refuse(response, 405);
  };

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const outsiders = outsidersAt && (await outsidersAt(url));
  const { found } = await campaign({
    ...{ url, requests, seed: 7, actors: ACTORS, patienceMs: 1_500, shortens: false },
    ...(outsiders && { outsiders }),
  });
  return found.map(({ complaint }) => complaint);
}

test("a crash over what is rightly signed is found", async () => {
  const fault: Handler = ({ method, url = "" }, response, body) => {
    if (method === "PUT") return answer(response, 200, "application/json", "{}");
    if (!url.startsWith("/inbound/")) return false;
    const isCrash = url === "/inbound/mail" && /^Action:/im.test(body);
    return answer(response, isCrash ? 500 : 204, "application/problem+json", "");
  };
  expect(await foundWith(fault, 500, (url) => Outsiders.setUp(url, ACTORS.slice(0, 1), { sends: false }))).toContain(
    "the status is 500",
  );
});

const isGet = ({ method, url = "" }: IncomingMessage) => method === "GET" && url.startsWith("/reminders/");
const answer = (response: ServerResponse, status: number, type: string, text: string): true => {
  response.writeHead(status, { "content-type": type }).end(text);
  return true;
};

const FAULTS: [string, RegExp, Handler][] = [
  [
    "a crash over one character",
    /the status is 500/,
    (request, response, body) =>
      request.method === "POST" && body.includes("\\u0000") && answer(response, 500, "application/problem+json", "{}"),
  ],
  [
    "a field that isn't documented",
    /200 doesn't fit its schema/,
    (request, response) =>
      isGet(request) && answer(response, 200, "application/json", '{"id":1,"entity_type":"x","secret":1}'),
  ],
  [
    "an answer that is cut short",
    /200 doesn't fit its schema: it is no JSON/,
    (request, response) => isGet(request) && answer(response, 200, "application/json", '{"id":1,"entity'),
  ],
  [
    "another media type",
    /documented as application\/json/,
    (request, response) => isGet(request) && answer(response, 200, "text/html", '{"id":1,"entity_type":"x"}'),
  ],
  [
    "a status that isn't documented",
    /202 is not documented/,
    (request, response) => request.method === "DELETE" && answer(response, 202, "application/json", "{}"),
  ],
  [
    "a refusal in plain text",
    /a refusal is of the type text\/plain/,
    (request, response) => request.method === "DELETE" && answer(response, 404, "text/plain", "no"),
  ],
  [
    "a problem that says another status",
    /the problem's status is 400 in an answer with 404/,
    (request, response) =>
      isGet(request) &&
      answer(
        response,
        404,
        "application/problem+json",
        '{"type":"urn:reminder-engine:problem:x","title":"x","status":400,"detail":"x"}',
      ),
  ],
  ["a request that hangs", /no answer within/, ({ method, url = "" }) => method === "DELETE" && url.includes("%00")],
  ["a connection that breaks", /no answer: /, ({ method, socket }) => method === "DELETE" && Boolean(socket.destroy())],
  [
    "a tenant that sees another's",
    /another tenant/,
    (request, response) => isGet(request) && answer(response, 200, "application/json", '{"id":1,"entity_type":"x"}'),
  ],
  [
    "a replay that is another answer",
    /replayed isn't what was answered at first/,
    (request, response) =>
      request.method === "POST" &&
      request.headers["idempotency-key"] !== undefined &&
      Boolean(response.setHeader("idempotency-replayed", "true")) &&
      answer(
        response,
        201,
        "application/json",
        JSON.stringify({ id: 1_000 + Math.floor(performance.now() * 1_000), entity_type: "x" }),
      ),
  ],
];

test.each(FAULTS)("%s is found", async (_, complaint, fault) => {
  expect(await foundWith(fault)).toContainEqual(expect.stringMatching(complaint));
});

test("and none of them where there is none", async () => {
  const found = await foundWith(() => false);
  // A bare HTTP server isn't clean in everything else: it cuts off what it can't read.
  const planted = FAULTS.map(([, complaint]) => complaint).filter((complaint) => !/no answer/.test(complaint.source));
  expect(found.filter((complaint) => planted.some((pattern) => pattern.test(complaint)))).toEqual([]);
});
