import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { newMasterKey } from "../../src/secrets/master-key.ts";
import { type Canary, canary, heard, type Place } from "../support/canary.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { listenOnLoopback } from "../support/loopback.ts";
import { buildProgram, newFolder, type Program, runProgram, startProgram } from "../support/program.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

/** Knows which invoices are paid, and gives the token that it was shown back wherever it can. */
async function startBilling(token: Canary): Promise<{ url: string; paid: Set<string>; asked: string[] }> {
  const paid = new Set<string>();
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const { authorization = "" } = request.headers;
    const [, id = ""] = (request.url ?? "").split("/");
    asked.push(id);
    const isKnown = authorization === `Bearer ${token.value}`;
    response.setHeader("x-token", authorization);
    if (id === "broken") response.writeHead(500, authorization).end(authorization);
    else if (id === "moved") response.writeHead(302, { location: `/?${encodeURIComponent(authorization)}` }).end();
    else if (id === "text") response.end(authorization);
    else if (!isKnown) response.writeHead(401).end(authorization);
    else response.end(JSON.stringify({ status: paid.has(id) ? "paid" : authorization }));
  });
  server.on("connection", (socket) => sockets.add(socket));
  return { url: `http://127.0.0.1:${await listenOnLoopback(server, sockets)}`, paid, asked };
}

interface Installation {
  database: TestDatabase;
  env: Record<string, string>;
  folder: string;
  places: Place[];
  finish(...args: string[]): Promise<Program>;
}

async function install(more: Record<string, string>): Promise<Installation> {
  const database = await freshDatabase();
  const folder = newFolder();
  const env = { DATABASE_URL: database.url, SECRETS_KEY: newMasterKey(), LOG_LEVEL: "trace", ...more };
  const places: Place[] = [];
  const finish = async (...args: string[]): Promise<Program> => {
    const program = runProgram(args, env, { folder });
    await program.ended;
    places.push({ name: `what ${args.slice(0, 2).join(" ")} says`, text: program.output() });
    return program;
  };
  return { database, env, folder, places, finish };
}

function valueFile({ folder }: Installation, value: string): string {
  const path = join(folder, "value");
  writeFileSync(path, `${value}\n`, { mode: 0o600 });
  return path;
}

test("a reminder stops when the service says so, asked with a secret that nothing else ever shows (P10)", async () => {
  const token = canary("the token for the service");
  const billing = await startBilling(token);
  billing.paid.add("1");
  const installed = await install({ OUTGOING_ALLOW: "127.0.0.1,::1", OUTGOING_PORTS: "80,1024-65535" });
  const { database, env, folder, places } = installed;
  for (const url of [billing.url, "http://169.254.169.254"]) {
    const value = ["--value-file", valueFile(installed, token.value)];
    const said = (await installed.finish("secrets", "set", "billing", "--url", `${url}/any/path`, ...value)).output();
    expect(said).toContain(`to ${url} may name it`);
  }

  // given: what is paid, what isn't, what fails in several ways, and what would send the secret elsewhere
  const program = await startProgram(env, { folder });
  const api = program.told("API");
  const create = async (entityId: string, url: string): Promise<Response> =>
    await fetch(`${api}/reminders`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        ...{ entity_type: "invoice", entity_id: entityId, event_type: "payment" },
        ...{ channel: "console", recipient: "ann", schedule_type: "recurring", interval_minutes: 60 },
        stop_condition_type: "http_check",
        stop_condition_value: `${url}/{entity_id}`,
        stop_condition_settings: {
          headers: { authorization: { secret: "billing", prefix: "Bearer " } },
          json_path: "$.status",
          equals: "paid",
        },
      }),
    });
  const remind = async (entityId: string, url: string): Promise<number> => {
    const text = await (await create(entityId, url)).text();
    places.push({ name: `the answer to ${entityId}`, text });
    expect(text).toContain('"id"');
    const { id } = JSON.parse(text) as { id: number };
    expect((await fetch(`${api}/reminders/${id}/trigger`, { method: "POST" })).ok).toBe(true);
    return id;
  };
  const ids: Record<string, number> = {};
  for (const id of ["1", "2", "broken", "moved", "text"]) ids[id] = await remind(id, billing.url);
  ids.elsewhere = await remind("elsewhere", billing.url.replace("127.0.0.1", "localhost"));
  const inside = await create("inside", "http://169.254.169.254");
  const refusal = await inside.text();
  places.push({ name: "the refusal of inside", text: refusal });
  expect([inside.status, refusal]).toEqual([422, expect.stringContaining("its host is link-local")]);

  // then: the first is done, the second is sent, and of the others it can be read why nobody knows
  const row = async (id: string) =>
    (
      await database.query("select status, completion_reason, unknown_count from reminder_jobs where id = $1", [
        ids[id],
      ])
    )[0];
  const becomes = (id: string, expected: object) =>
    until(
      async () => {
        const found = await row(id);
        return Object.entries(expected).every(([name, value]) => found?.[name] === value);
      },
      `${id} becomes ${JSON.stringify(expected)}`,
    );
  await becomes("1", { status: "COMPLETED", completion_reason: "stop_condition" });
  const sent = "select from deliveries where reminder_id = $1 and status = 'sent'";
  await until(async () => (await database.query(sent, [ids[2]])).length === 1, "the second is sent");
  for (const id of ["broken", "moved", "text", "elsewhere"]) await becomes(id, { status: "ACTIVE", unknown_count: 1 });
  expect(billing.asked).toEqual(expect.arrayContaining(["1", "2", "broken", "moved", "text"]));
  expect(billing.asked).not.toContain("elsewhere");
  const why = async (id: string): Promise<string> => {
    const answer = await (await fetch(`${api}/reminders/${ids[id]}/timeline`)).text();
    places.push({ name: `the timeline of ${id}`, text: answer });
    return answer;
  };
  const { host } = new URL(billing.url);
  expect(await why("1")).toContain(`${host} answered that $.status is \\"paid\\"`);
  expect(await why("broken")).toContain(`${host} answered with status 500`);
  expect(await why("moved")).toContain(`${host} answered with status 302`);
  expect(await why("text")).toContain(`${host} answered with what is not JSON`);
  expect(await why("elsewhere")).toContain("there is no secret billing for http://localhost");
  await why("2");

  // and: nothing of all that came out has the token in it
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
  places.push({ name: "what start says", text: program.output() });
  await installed.finish("secrets", "list");
  await installed.finish("secrets", "status");
  const tables = await database.query<{ name: string }>(
    "select oid::regclass::text as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')",
  );
  for (const { name } of tables) {
    const rows = await database.query<{ row: string }>(`select t::text as row from ${name} t`);
    places.push({ name: `the table ${name}`, text: rows.map(({ row }) => row).join("\n") });
  }
  expect(places.map(({ name }) => name)).toContain("the table reminder_events");
  expect(heard([token], places)).toEqual([]);
});

test("secrets for URLs are set, listed without their values, used by origin, rotated and unset", async () => {
  const installed = await install({});
  const { database } = installed;
  const value = canary("a secret").value;
  const run = async (code: number, ...args: string[]): Promise<string> => {
    const program = await installed.finish(...args);
    expect({ code: await program.ended, said: program.output() }).toMatchObject({ code });
    expect(program.output()).not.toContain(value);
    return program.output();
  };
  const file = valueFile(installed, value);
  const url = ["--url", "https://Billing.example.com:443/x"];

  expect(await run(0, "secrets", "list")).toContain("No secret is stored");
  await run(0, "secrets", "set", "billing", ...url, "--value-file", file);
  expect(await run(0, "secrets", "list")).toBe("default  billing  https://billing.example.com\n");
  expect(await run(0, "secrets", "rotate")).toContain("of 1 in all");
  expect(await run(1, "secrets", "unset", "billing", "--url", "http://billing.example.com")).toContain("has no secret");
  expect(await run(1, "secrets", "unset", "billing", ...url, "--tenant", "other")).toContain("has no secret");
  await run(0, "secrets", "unset", "billing", ...url);
  expect(await database.query("select from sealed_secrets")).toEqual([]);
  expect(await database.query("select operation, target from audit_log order by id")).toEqual([
    { operation: "secrets set", target: "secret billing for https://billing.example.com" },
    { operation: "secrets unset", target: "secret billing for https://billing.example.com" },
  ]);

  expect(await run(1, "secrets", "set", "a b", ...url, "--value-file", file)).toContain("the name must be");
  expect(await run(1, "secrets", "set", "a", "--url", "billing", "--value-file", file)).toContain("--url must be like");
  expect(await run(1, "secrets", "set", "a", ...url, "--tenant", "nobody", "--value-file", file)).toContain(
    "no tenant nobody",
  );
  expect(await run(1, "secrets", "set", "a", ...url)).toContain("the secret is empty");
  expect(await run(1, "secrets", "set", "a", ...url, "--value-file", valueFile(installed, "ŝ"))).toContain(
    "in a header",
  );
});
