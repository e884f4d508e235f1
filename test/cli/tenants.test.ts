import { beforeAll, describe, expect, test } from "vitest";
import { freshDatabase } from "../support/database.ts";
import { asOwner } from "../support/keys.ts";
import { buildProgram, newFolder, runProgram } from "../support/program.ts";
import { createTenants } from "../support/tenants.ts";

beforeAll(buildProgram);

async function tenants(env: Record<string, string>, ...args: string[]): Promise<[code: unknown, said: string]> {
  const program = runProgram(["tenants", ...args], env);
  return [await program.ended, program.output()];
}

test("a tenant's own limits are set by name, one at a time, shown, written into its audit, and taken back", async () => {
  const database = await freshDatabase();
  await createTenants(database, "acme", "globex");
  const run = (...args: string[]) => tenants({ DATABASE_URL: database.url }, ...args);
  const limits = () =>
    asOwner(database).query(
      `select name, requests_per_minute, sends_per_minute, sends_per_recipient_per_hour, max_reminders
         from tenants order by name`,
    );
  const untouched = {
    ...{ requests_per_minute: null, sends_per_minute: null, sends_per_recipient_per_hour: null },
    max_reminders: null,
  };

  expect((await run("set", "acme", "--requests-per-minute", "600", "--sends-per-minute", "300"))[0]).toBe(0);
  expect((await run("set", "acme", "--sends-per-recipient-per-hour", "10", "--max-reminders", "5000"))[0]).toBe(0);
  const set = {
    ...{ requests_per_minute: 600, sends_per_minute: 300, sends_per_recipient_per_hour: 10 },
    max_reminders: 5_000,
  };
  expect(await limits()).toEqual([
    { name: "acme", ...set },
    { name: "default", ...untouched },
    { name: "globex", ...untouched },
  ]);
  expect((await run("show", "acme"))[1]).toMatch(
    /^requests-per-minute: +600\nsends-per-minute: +300\n.*hour: +10\nmax-reminders: +5000\n[\s\S]*active reminders: +0\n$/,
  );
  expect((await run("list"))[1]).toBe("acme\ndefault\nglobex\n");
  expect(JSON.parse((await run("list", "--json"))[1])).toMatchObject([
    { name: "acme", ...set },
    { name: "default", ...untouched },
    { name: "globex", ...untouched },
  ]);

  expect((await run("set", "acme", "--sends-per-minute", "none"))[1]).toMatch(
    /^sends-per-minute: +as SENDS_PER_MINUTE/m,
  );
  expect((await limits())[0]).toEqual({ name: "acme", ...set, sends_per_minute: null });

  const audited = await asOwner(database).query("select tenant_id, operation, details from audit_log order by id");
  expect(audited.map(({ tenant_id, operation }) => [tenant_id, operation])).toEqual(
    Array(3).fill(["acme", "tenants set"]),
  );
  expect(audited[2]?.details).toEqual({ sendsPerMinute: null });
});

test("a tenant's time zone and quiet hours are set, shown as they are written, and taken back", async () => {
  const database = await freshDatabase();
  const run = (...args: string[]) => tenants({ DATABASE_URL: database.url }, ...args);
  const written = "22:00-07:00; sat,sun 00:00-24:00";
  const [code, said] = await run("set", "default", "--time-zone", "Asia/Kathmandu", "--quiet-hours", written);
  expect([code, said]).toEqual([0, expect.stringMatching(`time-zone: +Asia/Kathmandu\nquiet-hours: +${written}\n$`)]);
  expect(await asOwner(database).query("select time_zone, quiet_hours from tenants")).toEqual([
    {
      time_zone: "Asia/Kathmandu",
      quiet_hours: [
        { from: "22:00", to: "07:00" },
        { days: ["saturday", "sunday"], from: "00:00", to: "24:00" },
      ],
    },
  ]);
  expect((await run("set", "default", "--time-zone", "none", "--quiet-hours", "none"))[1]).toMatch(
    /time-zone: +UTC\nquiet-hours: +none\n$/,
  );
});

describe("a mistake is told in a line, and sets nothing", () => {
  test.each([
    [["set", "nobody", "--sends-per-minute", "1"], /there is no tenant "nobody"/],
    [["set", "default"], /name what to set: --requests-per-minute, /],
    [["set", "default", "--sends-per-minute", "0"], /--sends-per-minute must be a whole number from 1 to 1000000/],
    [["set", "default", "--sends-per-recipient-per-hour", "100001"], /from 1 to 100000, or none, not 100001/],
    [["set", "default", "--time-zone", "Berlin"], /--time-zone must be a time zone of the IANA database/],
    [["set", "default", "--quiet-hours", "at night"], /--quiet-hours must be like "22:00-07:00"/],
    [["set", "default", "--quiet-hours", "00:00-24:00"], /must leave some time of the week/],
    [["show", "nobody"], /there is no tenant "nobody"/],
  ])("%j", async (args, line) => {
    const database = await freshDatabase();
    const [code, said] = await tenants({ DATABASE_URL: database.url }, ...args);
    expect(code).toBe(1);
    expect(said).toMatch(line);
    expect(said).not.toContain("this is a bug");
    expect(await asOwner(database).query("select from audit_log")).toEqual([]);
  });
});

test("without DATABASE_URL they are those of the embedded database, like keys", async () => {
  const folder = newFolder();
  const run = async (...args: string[]): Promise<[code: unknown, said: string]> => {
    const program = runProgram(args, {}, { folder });
    return [await program.ended, program.stdout()];
  };
  expect(await run("tenants", "create", "acme")).toEqual([0, "Created the tenant acme\n"]);
  const start = runProgram(["start"], {}, { folder });
  await start.says("🟢 Scheduler started");
  expect(await run("tenants", "list")).toEqual([0, "acme\ndefault\n"]);
  expect((await run("keys", "create", "--scope", "flags:read", "--tenant", "acme"))[0]).toBe(0);
});
