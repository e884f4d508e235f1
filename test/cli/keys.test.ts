import { beforeAll, describe, expect, test } from "vitest";
import { client, readAnswer } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { freePort } from "../support/free-port.ts";
import { asOwner } from "../support/keys.ts";
import { buildProgram, newFolder, type Program, runProgram } from "../support/program.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

async function done(program: Program): Promise<string> {
  if ((await program.ended) !== 0) throw new Error(program.output());
  return program.stdout();
}

const statusOf = async (api: Program, key?: string) => {
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  return (await readAnswer(await fetch(`${api.told("API")}/flags`, { headers }))).status;
};

test("a key's life: made, shown once, listed, used, rotated with an overlap, revoked", async () => {
  const database = await freshDatabase();
  const env = { DATABASE_URL: database.url };
  const keys = (...args: string[]) => done(runProgram(["keys", ...args], env));
  const created = runProgram(
    ["keys", "create", "--scope", "flags:read,flags:write", "--expires", "90d", "--name", "shop"],
    env,
  );
  const key = (await done(created)).trim();
  expect(key).toMatch(/^rmd_\w+_\w+$/);
  const id = key.split("_")[1] as string;
  expect(created.stderr()).toContain(id);
  expect(created.stderr()).not.toContain(key);

  const api = runProgram(["api"], env);
  await api.says("API:");
  expect(await statusOf(api)).toBe(401);
  expect(await statusOf(api, key)).toBe(200);

  const rotated = (await keys("rotate", id, "--overlap", "24h")).trim();
  expect(await statusOf(api, rotated)).toBe(200);
  expect(await statusOf(api, key)).toBe(200);
  const listed = JSON.parse(await keys("list", "--json")) as Record<string, unknown>[];
  const [old, fresh] = ["shop", "shop"].map((_, at) => listed.find((row) => (row.id === id) === (at === 0)));
  expect(old).toMatchObject({ name: "shop", state: "valid", scopes: ["flags:read", "flags:write"], tenant: "default" });
  expect(fresh).toMatchObject({ name: "shop", state: "valid", scopes: ["flags:read", "flags:write"] });
  expect(Date.parse(old?.expires_at as string)).toBeLessThan(Date.parse(fresh?.expires_at as string));
  const table = await keys("list");
  for (const secret of [key, rotated]) expect(table + JSON.stringify(listed)).not.toContain(secret.slice(17));

  // The overlap ends when the database's clock says so.
  await database.query("update test_clock set seconds_ahead = 86401");
  await until(async () => (await statusOf(api, key)) === 401, "the old key has expired");
  expect(await statusOf(api, rotated)).toBe(200);
  await keys("revoke", rotated.split("_")[1] as string);
  await until(async () => (await statusOf(api, rotated)) === 401, "the new key is revoked", 5_000);
  await keys("revoke", rotated.split("_")[1] as string);

  const audited = await asOwner(database).query("select operation, target, actor from audit_log order by id");
  expect(audited.slice(0, 3)).toEqual([
    { operation: "keys create", target: `key ${id}`, actor: "command line" },
    { operation: "keys rotate", target: `key ${id}`, actor: "command line" },
    { operation: "keys revoke", target: `key ${rotated.split("_")[1]}`, actor: "command line" },
  ]);
});

describe("a mistake is told in a line, and makes nothing", () => {
  test.each([
    [["create", "--scope", "flags:own"], /--scope must be some of reminders:read/],
    [["create", "--scope", "flags:read", "--tenant", "nobody"], /there is no tenant nobody/],
    [["create", "--scope", "flags:read", "--expires", "soon"], /--expires must be a duration/],
    [["create", "--scope", "flags:read", "--per-minute", "0"], /--per-minute must be/],
    [["create"], /--scope/],
    [["revoke", "abc"], /there is no key abc/],
    [["rotate", "abc", "--overlap", "0h"], /--overlap must be a duration/],
  ])("%j", async (args, line) => {
    const database = await freshDatabase();
    const program = runProgram(["keys", ...args], { DATABASE_URL: database.url });
    expect(await program.ended).toBe(1);
    expect(program.stderr()).toMatch(line);
    expect(program.stderr()).not.toContain("this is a bug");
    expect(await asOwner(database).query("select from api_keys")).toEqual([]);
  });
});

test("where others could reach it, the API starts only once there is a key, and says what to do", async () => {
  const database = await freshDatabase();
  const port = String(await freePort());
  const env = { DATABASE_URL: database.url, HOST: "0.0.0.0", PORT: port };
  for (const command of ["api", "start"]) {
    const refused = runProgram([command], env);
    expect(await refused.ended).toBe(1);
    expect(refused.stderr()).toMatch(/^✖ HOST is 0\.0\.0\.0, .*keys create/m);
  }
  const key = (await done(runProgram(["keys", "create", "--scope", "flags:read"], env))).trim();
  const api = runProgram(["api"], env);
  await api.says("API:");
  expect(await statusOf(api)).toBe(401);
  expect((await client(api.told("API"), key).call("GET", "/flags")).status).toBe(200);
});

test("an identity provider is a way in too, and 127.0.0.1 by another name is no door", async () => {
  const database = await freshDatabase();
  const oidc = { OIDC_ISSUER: "https://id.example", OIDC_AUDIENCE: "x", OIDC_JWKS_URL: "https://id.example/jwks" };
  const open = runProgram(["api"], { DATABASE_URL: database.url, HOST: "0.0.0.0", ...oidc });
  await open.says("API:");
  expect(await statusOf(open)).toBe(401);
  const local = runProgram(["api"], { DATABASE_URL: database.url, HOST: "localhost" });
  await local.says("API:");
  expect(await statusOf(local)).toBe(200);
});

test("without a database of one's own, a key is made in the embedded one before it listens for others, and beside it", async () => {
  const folder = newFolder();
  const made = runProgram(["keys", "create", "--scope", "flags:read"], {}, { folder });
  const key = (await done(made)).trim();
  const program = runProgram(["start"], { HOST: "0.0.0.0" }, { folder });
  await program.says("🟢 Scheduler started");
  expect(await statusOf(program, key)).toBe(200);
  expect(await done(runProgram(["keys", "list"], {}, { folder }))).toContain(key.split("_")[1]);
});
