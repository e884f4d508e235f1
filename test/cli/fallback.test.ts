import { beforeAll, expect, test } from "vitest";
import { freshDatabase } from "../support/database.ts";
import { buildProgram, runProgram } from "../support/program.ts";
import { createTenants } from "../support/tenants.ts";

beforeAll(buildProgram);

async function workspace(env: Record<string, string> = {}) {
  const database = await freshDatabase();
  const run = async (code: number, ...args: string[]): Promise<string> => {
    const program = runProgram(args, { DATABASE_URL: database.url, ...env });
    expect({ code: await program.ended, said: program.output() }).toMatchObject({ code });
    expect(program.output()).not.toMatch(/^\s+at /m);
    return program.output();
  };
  return { database, run: (...args: string[]) => run(0, ...args), fails: (...args: string[]) => run(1, ...args) };
}

const FALLBACK = ["channels", "fallback"];

test("a tenant's fallbacks are set, listed and unset, and each change is in its audit", async () => {
  const { database, run, fails } = await workspace({ CHANNEL_FALLBACKS: "slack:email:15m" });
  await createTenants(database, "acme");
  expect(await run(...FALLBACK, "list")).toBe("Nothing is set: CHANNEL_FALLBACKS says it for all\n");
  expect(await run(...FALLBACK, "set", "slack", "sms", "--after", "90m", "--tenant", "acme")).toBe(
    "Of tenant acme, what slack can't deliver goes over sms, also after 90m of failing; workers follow at once\n",
  );
  expect(await run(...FALLBACK, "set", "sms", "none", "--tenant", "acme")).toContain("goes over no other channel");
  await run(...FALLBACK, "set", "email", "sms");
  expect(await run(...FALLBACK, "list")).toBe(
    [
      "acme  what slack can't deliver goes over sms, also after 90m of failing",
      "acme  what sms can't deliver goes over no other channel",
      "default  what email can't deliver goes over sms\n",
    ].join("\n"),
  );
  expect(await run(...FALLBACK, "list", "--tenant", "default")).toBe(
    "default  what email can't deliver goes over sms\n",
  );

  await run(...FALLBACK, "unset", "slack", "--tenant", "acme");
  expect(await fails(...FALLBACK, "unset", "slack", "--tenant", "acme")).toBe(
    "✖ tenant acme has said nothing of slack: see `reminder-engine channels fallback list`\n",
  );
  const audited = await database.query("select tenant_id, operation, target, details from audit_log order by id");
  expect(audited.slice(-4)).toMatchObject([
    {
      tenant_id: "acme",
      operation: "channels fallback set",
      target: "channel slack",
      details: { fallback: "sms", after: "90m" },
    },
    { tenant_id: "acme", operation: "channels fallback set", target: "channel sms", details: { fallback: null } },
    { tenant_id: "default", operation: "channels fallback set", target: "channel email", details: { fallback: "sms" } },
    { tenant_id: "acme", operation: "channels fallback unset", target: "channel slack" },
  ]);
});

test.each([
  [["set", "slack", "post"], '✖ it must be made of channels that there are: "post" is none of email, slack'],
  [["set", "slack", "slack"], "✖ it must be for each channel another one: slack can't stand in for itself"],
  [["set", "slack", "sms", "--after", "5"], "✖ --after must be a time from 1m to 7d, like 15m, 2h or 1d, not 5"],
  [["set", "slack", "none", "--after", "5m"], "✖ --after means nothing where there is no fallback"],
  [["set", "slack", "sms", "--tenant", "nobody"], "✖ there is no tenant nobody"],
  [["set", "email", "slack"], "it would be a circle: slack -> email -> slack; say `none` for one of them first"],
])("%j is refused in one line, and nothing is stored", async (args, why) => {
  const { database, fails } = await workspace({ CHANNEL_FALLBACKS: "slack:email" });
  const said = await fails(...FALLBACK, ...args);
  expect(said).toContain(why);
  expect(said.trimEnd().split("\n")).toHaveLength(1);
  expect(await database.query("select from channel_fallbacks")).toEqual([]);
});

test.each([
  ["slack:post", 'made of channels that there are: "post" is none of email'],
  ["slack:email,email:slack", "without a circle: slack -> email -> slack"],
  ["slack:slack", "for each channel another one: slack can't stand in for itself"],
])("CHANNEL_FALLBACKS=%s ends the start with one line", async (value, why) => {
  const program = runProgram(["worker"], { CHANNEL_FALLBACKS: value, DATABASE_URL: "postgresql://127.0.0.1:1/x" });
  expect(await program.ended).toBe(1);
  expect(program.stderr().trimEnd().split("\n")).toEqual([
    expect.stringContaining(`✖ CHANNEL_FALLBACKS must be ${why}`),
  ]);
});
