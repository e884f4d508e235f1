import { beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { migrate } from "../../src/store/migrate.ts";
import { openDatabase } from "../../src/store/postgres.ts";
import { freshDatabase } from "../support/database.ts";
import { buildProgram, type Program, runProgram } from "../support/program.ts";
import { createLogin, createTenants, grantRoles, ownedDatabase } from "../support/tenants.ts";

beforeAll(buildProgram);

const WISH = {
  entity_type: "invoice",
  entity_id: "INV_1",
  event_type: "payment",
  channel: "console",
  schedule_type: "one_time",
};

async function create(api: Program): Promise<number> {
  const answer = await fetch(`${api.told("API")}/reminders/`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(WISH),
  });
  return answer.status;
}

/** What a program that has come up says about its login, on the way. */
async function warnings(program: Program): Promise<string[]> {
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
  const lines = program
    .stderr()
    .split("\n")
    .filter((line) => line !== "");
  return lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
}

test("one login for all, which may become the engine's roles: nothing to say", async () => {
  const { url, owner } = await ownedDatabase(inject("serverUrl"), "createrole");
  await grantRoles(inject("serverUrl"), owner);
  const program = runProgram(["start"], { DATABASE_URL: url });
  await program.says("🟢 Scheduler started");
  expect(await create(program)).toBe(201);
  await program.says("INV_1");
  expect(await warnings(program)).toEqual([]);
});

test("one login that may not: it runs as that one, and says so once", async () => {
  const { url, owner } = await ownedDatabase(inject("serverUrl"), "nocreaterole");
  const program = runProgram(["start"], { DATABASE_URL: url });
  await program.says("🟢 Scheduler started");
  expect(await create(program)).toBe(201);
  await program.says("INV_1");
  expect(await warnings(program)).toEqual([
    expect.stringMatching(
      `^the role in DATABASE_URL, ${owner}, may not become reminder_api and reminder_worker: .*itself`,
    ),
  ]);
});

test("a superuser: it says once that this is not for plain SQL", async () => {
  const database = await freshDatabase();
  const program = runProgram(["start"], { DATABASE_URL: database.url });
  await program.says("🟢 Scheduler started");
  expect(await warnings(program)).toEqual([expect.stringMatching(/is a superuser: .*plain SQL by it.*all tenants/)]);
});

describe("a login for each part, that is a member of its role and nothing else", () => {
  test.each(["inherit", "noinherit"])("(%s)", async (attribute) => {
    const database = await freshDatabase();
    const serverUrl = inject("serverUrl");
    const name = new URL(database.url).pathname.slice(1);
    const [ofApi, ofWorker] = [await createLogin(serverUrl, attribute), await createLogin(serverUrl, attribute)];
    await database.query(`grant reminder_api to ${ofApi.name}`);
    await database.query(`grant reminder_worker to ${ofWorker.name}`);

    const worker = runProgram(["worker"], { DATABASE_URL: ofWorker.urlOf(name) });
    await worker.says("🟢 Scheduler started");
    const api = runProgram(["api"], { DATABASE_URL: ofApi.urlOf(name) });
    await api.says("API:");
    expect(await create(api)).toBe(201);
    await worker.says("INV_1");
    expect(await warnings(api)).toEqual([]);
    expect(await warnings(worker)).toEqual([]);

    const swapped = runProgram(["worker"], { DATABASE_URL: ofApi.urlOf(name) });
    expect(await swapped.ended).toBe(1);
    expect(swapped.stderr()).toMatch(/^✖ /);
  });
});

test("a login that policies don't bind serves `default` alone, and not where there are others", async () => {
  const { url, owner } = await ownedDatabase(inject("serverUrl"), "nocreaterole bypassrls");
  const database = openDatabase({ url });
  onTestFinished(() => database.close());
  await migrate(database);
  const alone = runProgram(["api"], { DATABASE_URL: url });
  await alone.says("API:");
  expect(await create(alone)).toBe(201);

  await createTenants(database, "acme");
  const refused = runProgram(["api"], { DATABASE_URL: url });
  expect(await refused.ended).toBe(1);
  expect(refused.stderr()).toMatch(
    new RegExp(`^✖ api can't keep tenants apart, .* ${owner}: take BYPASSRLS [^\\n]*\\n$`),
  );
});

test("tenants are created and listed by the command line, and only where their names can be", async () => {
  const database = await freshDatabase();
  const run = async (...args: string[]): Promise<[code: unknown, said: string]> => {
    const program = runProgram(["tenants", ...args], { DATABASE_URL: database.url });
    return [await program.ended, program.output()];
  };
  expect(await run("create", "acme")).toEqual([0, "Created the tenant acme\n"]);
  expect(await run("create", "acme")).toEqual([0, "There is a tenant acme already\n"]);
  expect(await run("list")).toEqual([0, "acme\ndefault\n"]);
  for (const name of ["Acme", "a b", "*", "x".repeat(64), "';--"]) {
    expect(await run("create", name)).toEqual([
      1,
      expect.stringMatching(/^✖ a tenant's name is 1 to 63 small letters/),
    ]);
  }
});
