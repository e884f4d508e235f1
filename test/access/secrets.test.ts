import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { newKey } from "../../src/api/access/key-text.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { client, startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { startIssuer } from "../support/issuer.ts";
import { asOwner, giveKey } from "../support/keys.ts";

const TABLES = `
  select oid::regclass::text as name from pg_class
   where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`;

test("a key and a token are nowhere once they are shown: not in the log, not in an answer, not in the database", async () => {
  const database = await freshDatabase();
  const issuer = await startIssuer();
  const lines: string[] = [];
  const log = createLog({ level: "trace", destination: { write: (line) => lines.push(line) } });
  const api = await startApi(database, { access: issuer.settings, log });
  const [good, unknown, broken] = [(await giveKey(database)).text, newKey().text, newKey().text.slice(0, -1)];
  const [token, foreign] = [await issuer.token(), await issuer.token({ aud: "other" })];

  const answers: unknown[] = [];
  for (const secret of [good, unknown, broken, token, foreign]) {
    const caller = client(api.url, secret);
    answers.push(await caller.call("PUT", "/flags/paid", { value: true }));
    // Where people put them who know no better.
    answers.push(await caller.call("GET", `/flags?api_key=${secret}&access_token=${secret}`));
    answers.push(await caller.call("GET", `/nothing/${secret}`));
  }
  expect(lines.some((line) => line.includes("/nothing/"))).toBe(true);

  const parts = [good, unknown, broken]
    .map((key) => key.slice(17))
    .concat([token, foreign].map((jwt) => jwt.slice(-80)));
  const told = JSON.stringify(answers.map((answer) => answer)) + lines.join("");
  const tables = await asOwner(database).query<{ name: string }>(TABLES);
  let dump = "";
  for (const { name } of tables) {
    const rows = await asOwner(database).query<{ row: string }>(`select t::text as row from ${name} as t`);
    dump += rows.map(({ row }) => row).join("\n");
  }
  expect(dump).toContain(createHash("sha256").update(good).digest("hex"));
  for (const part of parts) {
    expect(told).not.toContain(part);
    expect(dump).not.toContain(part);
  }
});

test("keys and signatures are compared by a function whose time doesn't depend on where two differ, and nowhere else", () => {
  const found = execFileSync("grep", ["-rlE", "timingSafeEqual\\(|key\\.hash|\\.hash ===", "src/api", "src/cli"], {
    encoding: "utf8",
  });
  expect(found.trim().split("\n").sort()).toEqual([
    "src/api/access/key-ring.ts",
    "src/api/access/key-text.ts",
    "src/api/access/webhook-signature.ts",
    "src/api/inbound/provider.ts",
  ]);
});

test("who is turned away stands in the log: who, from where, and why", async () => {
  const database = await freshDatabase();
  const lines: string[] = [];
  const log = createLog({ level: "info", destination: { write: (line) => lines.push(line) } });
  const { id, text } = await giveKey(database, { scopes: ["flags:read"] });
  const api = await startApi(database, { key: text, log });
  const said = (path: string) => lines.map((line) => JSON.parse(line)).find(({ url }) => url === path);

  await client(api.url).refused(401, "GET", "/flags/none");
  await api.refused(403, "GET", "/reminders/1");
  await api.refused(404, "GET", "/flags/nothing");

  expect(said("/flags/none")).toMatchObject({
    status: 401,
    address: "127.0.0.1",
    because: expect.stringMatching(/key/),
  });
  expect(said("/reminders/1")).toMatchObject({
    ...{ status: 403, address: "127.0.0.1", because: expect.stringContaining("reminders:read") },
    actor: expect.stringContaining(id),
  });
  expect(said("/flags/nothing")).not.toHaveProperty("address");
});
