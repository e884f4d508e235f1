import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/store/postgres.ts";
import { freshDatabase } from "../support/database.ts";
import { freePort } from "../support/free-port.ts";
import { buildProgram, newFolder, type Program, ROOT, runProgram, startProgram } from "../support/program.ts";

beforeAll(buildProgram);

const SECRET = "hunter2-never-shown";

/** What it says on standard error when it can't run: never a stack trace, and nothing on standard output. */
async function failureOf(program: Program): Promise<string[]> {
  expect(await program.ended).toBe(1);
  expect(program.stdout()).toBe("");
  expect(program.output()).not.toMatch(/^\s+at /m);
  expect(program.output()).not.toContain(SECRET);
  return program.stderr().trimEnd().split("\n");
}

/** Something that listens on loopback and is no PostgreSQL. */
async function listenerThat(answers: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    answers(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

function urlOf(change: (url: URL) => void): string {
  const url = new URL(inject("serverUrl"));
  change(url);
  return url.href;
}

test("several wrong settings are told in a line each", async () => {
  const lines = await failureOf(
    runProgram(["start"], { PORT: "http", SMTP_HOST: "mail.example.com", LOG_LEVEL: "loud", DATABASE_URL: SECRET }),
  );
  expect(lines).toEqual([
    "✖ DATABASE_URL must be a URL like postgresql://user:password@host:5432/database",
    '✖ PORT must be a whole number from 0 to 65535, not "http"',
    expect.stringMatching(/^✖ LOG_LEVEL must be one of .*, not "loud"$/),
    expect.stringMatching(/^✖ SMTP_FROM_EMAIL must be set when SMTP_HOST is/),
  ]);
});

test("settings come from .env too, and the environment outranks it", async () => {
  const folder = newFolder();
  writeFileSync(join(folder, ".env"), "PORT=1e3\nPOLL_SECONDS=60\n");
  const lines = await failureOf(runProgram(["worker"], { PORT: "0" }, { folder }));
  expect(lines).toEqual([expect.stringContaining("POLL_SECONDS must be")]);
});

test("a .env that can't be read is told, not skipped", async () => {
  const folder = newFolder();
  mkdirSync(join(folder, ".env"));
  expect(await failureOf(runProgram(["worker"], {}, { folder }))).toEqual([
    expect.stringMatching(/^✖ can't read \.env/),
  ]);
});

test.each(["api", "worker", "migrate"])("%s without DATABASE_URL says that it needs it", async (command) => {
  const lines = await failureOf(runProgram([command]));
  expect(lines).toEqual([expect.stringMatching(new RegExp(`^✖ ${command} needs DATABASE_URL, like postgresql://`))]);
});

test("an unknown command is refused", async () => {
  const program = runProgram(["begin"]);
  expect(await program.ended).toBe(1);
  expect(program.stderr()).toMatch(/unknown command 'begin'/);
});

describe("a database that can't be used is told in one line:", () => {
  test.each(["start", "api", "worker", "migrate"])("nobody there (%s)", async (command) => {
    const free = await freePort();
    const lines = await failureOf(
      runProgram([command], { DATABASE_URL: `postgresql://me:${SECRET}@127.0.0.1:${free}/x` }),
    );
    expect(lines).toEqual([expect.stringMatching(/^✖ can't reach a PostgreSQL at .*ECONNREFUSED/)]);
    expect(lines[0]).toContain(`postgresql://me:***@127.0.0.1:${free}/x`);
  });

  test("nobody there, with the password in the query", async () => {
    const url = `postgresql://me@127.0.0.1:${await freePort()}/x?password=${SECRET}&sslpassword=${SECRET}`;
    const lines = await failureOf(runProgram(["worker"], { DATABASE_URL: url }));
    expect(lines).toEqual([expect.stringContaining(url.replaceAll(SECRET, "***"))]);
  });

  test.each(["start", "api", "worker", "migrate"])("a password that isn't percent-encoded (%s)", async (command) => {
    const url = `postgresql://app:p@ss/${SECRET}:rd@127.0.0.1:5432/db`;
    expect(await failureOf(runProgram([command], { DATABASE_URL: url }))).toEqual([
      "✖ DATABASE_URL: percent-encode the password (@ is %40, / is %2F)",
    ]);
  });

  test("a host that doesn't exist", async () => {
    const lines = await failureOf(
      runProgram(["worker"], { DATABASE_URL: `postgresql://me:${SECRET}@nowhere.invalid/x` }),
    );
    expect(lines).toEqual([expect.stringMatching(/^✖ can't reach a PostgreSQL at .*nowhere\.invalid/)]);
  });

  test.each<[string, (socket: Socket) => void]>([
    ["a web server", (socket) => socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))],
    ["a mail server", (socket) => socket.write("220 mail.example.com ESMTP\r\n")],
    ["something that hangs up", (socket) => socket.destroy()],
    ["something that never answers", () => {}],
  ])("%s instead of PostgreSQL", async (_what, answers) => {
    const port = await listenerThat(answers);
    const lines = await failureOf(
      runProgram(["worker"], { DATABASE_URL: `postgresql://me:${SECRET}@127.0.0.1:${port}/x` }),
    );
    expect(lines).toEqual([expect.stringMatching(/^✖ can't reach a PostgreSQL at /)]);
  });

  test("a database that doesn't exist", async () => {
    const url = urlOf((it) => {
      it.pathname = "/no_such_database";
    });
    const lines = await failureOf(runProgram(["start"], { DATABASE_URL: url }));
    expect(lines).toEqual([expect.stringMatching(/^✖ database "no_such_database" does not exist: create it/)]);
  });

  test("a user that it refuses", async () => {
    const url = urlOf((it) => {
      it.username = "nobody_we_know";
      it.password = SECRET;
    });
    const lines = await failureOf(runProgram(["migrate"], { DATABASE_URL: url }));
    expect(lines).toEqual([expect.stringMatching(/^✖ the database refused us: .*nobody_we_know/)]);
  });

  test.each(["api", "worker"])("tables that are missing (%s)", async (command) => {
    const url = await emptyDatabase();
    const lines = await failureOf(runProgram([command], { DATABASE_URL: url }));
    expect(lines).toEqual([expect.stringMatching(/^✖ the database lacks tables .*npx reminder-engine migrate/)]);
  });
});

describe("a database that refuses us is told in one line with what to do, not as a bug:", () => {
  test.each(["start", "migrate"])("a role that may not create tables (%s)", async (command) => {
    const lines = await failureOf(runProgram([command], { DATABASE_URL: await asRole(await emptyDatabase()) }));
    expect(lines).toEqual([
      expect.stringMatching(/^✖ the database refused us: permission denied for schema public: .*create in the schema/),
    ]);
  });

  test.each<[string, string, RegExp]>([
    [
      "a table",
      "create table reminder_jobs (id int)",
      /^✖ relation "reminder_jobs" already exists, and it isn't ours: /,
    ],
    ["a function", "create function reminder_now() returns int language sql as 'select 1'", /already exists/],
    ["a ledger", "create table schema_migrations (version varchar)", /^✖ the table schema_migrations is there already/],
  ])("%s of somebody else", async (_what, statement, line) => {
    const url = await emptyDatabase();
    await inDatabase(url, statement);
    for (const command of ["migrate", "start"]) {
      const lines = await failureOf(runProgram([command], { DATABASE_URL: url }));
      expect(lines).toEqual([expect.stringMatching(line)]);
      expect(lines[0]).toContain("a database of its own");
    }
  });

  test.each(["migrate", "start"])("nothing but reading, before there are tables (%s)", async (command) => {
    const url = withOption(await emptyDatabase(), "default_transaction_read_only=on");
    expect(await failureOf(runProgram([command], { DATABASE_URL: url }))).toEqual([
      expect.stringMatching(/^✖ the database is read-only for us: .*primary/),
    ]);
  });

  test.each(["api", "worker"])("nothing but reading (%s)", async (command) => {
    const url = withOption((await freshDatabase()).url, "default_transaction_read_only=on");
    expect(await failureOf(runProgram([command], { DATABASE_URL: url }))).toEqual([
      expect.stringMatching(/^✖ the database is read-only for us: .*primary/),
    ]);
  });

  test("no schema to create in", async () => {
    const url = withOption(await emptyDatabase(), "search_path=nowhere");
    expect(await failureOf(runProgram(["migrate"], { DATABASE_URL: url }))).toEqual([
      expect.stringMatching(/^✖ no schema has been selected to create in: set this role's search_path/),
    ]);
  });

  test.each<[string, string[], RegExp]>([
    ["api", [], /^✖ the database refused us: permission denied for table schema_migrations: /],
    [
      "api",
      ["select on all tables in schema public"],
      /^✖ api lacks rights .*: insert, update on reminder_jobs; .*grant them/,
    ],
    [
      "worker",
      ["all on all tables in schema public"],
      /^✖ worker lacks rights .*: execute on delete_audit_before\(.*; execute on drop_partitions_before\(.*; execute on ensure_partitions\(.*ran migrate/,
    ],
  ])("a role without rights on our tables (%s, %j)", async (command, grants, line) => {
    const database = await freshDatabase();
    const url = await asRole(database.url, grants);
    expect(await failureOf(runProgram([command], { DATABASE_URL: url }))).toEqual([expect.stringMatching(line)]);
  });

  test("which is no reason to refuse an API that may do just what it does", async () => {
    const database = await freshDatabase();
    const url = await asRole(database.url, [
      "select on all tables in schema public",
      "insert, update on reminder_jobs",
      "insert, update, delete on status_flags, contacts, calendars, event_rules, event_sources",
      "insert, update, delete on suppressions, inbound_sources, opt_outs, policies, push_subscriptions",
      "insert on reminder_done, template_tests",
      "insert, update on templates",
      "insert, delete on template_versions",
      "insert on reminder_events, audit_log",
      "insert, update on idempotency_keys, inbound_events, reminder_counts, answers, slack_people",
      "insert (id, secret) on answer_keys",
      "execute on function reminder_find_key, reminder_has_keys, reminder_note_keys_used",
      "execute on function reminder_event_secrets, reminder_set_event_secrets",
      "execute on function reminder_inbound_secrets, reminder_set_inbound_secrets, reminder_tenant_of",
      "execute on function reminder_push_key, reminder_slack_settings",
    ]);
    await runProgram(["api"], { DATABASE_URL: url }).says(/^API: /m);
  });

  test.each(["start", "api", "migrate"])("an encoding that can't hold every text (%s)", async (command) => {
    const url = await emptyDatabase("encoding 'LATIN1' locale 'C' template template0");
    expect(await failureOf(runProgram([command], { DATABASE_URL: url }))).toEqual([
      expect.stringMatching(/^✖ the database's encoding is LATIN1, .*'UTF8'/),
    ]);
  });
});

describe("an address that can't be had is told in one line, and nothing was sent:", () => {
  test("a taken port", async () => {
    const port = await listenerThat(() => {});
    const database = await freshDatabase();
    const lines = await failureOf(runProgram(["start"], { DATABASE_URL: database.url, PORT: String(port) }));
    expect(lines).toEqual([`✖ port ${port} of 127.0.0.1 is already in use: set another PORT, or stop what uses it`]);
    expect(await database.query("select from workers")).toEqual([]);
  });

  test("a taken port stops the embedded server again", async () => {
    const port = await listenerThat(() => {});
    const folder = newFolder();
    expect(await failureOf(runProgram(["start"], { PORT: String(port) }, { folder }))).toHaveLength(1);
    await startProgram({}, { folder });
  });

  test.each(["192.0.2.1", "nowhere.invalid"])("HOST=%s", async (host) => {
    const database = await freshDatabase();
    const key = runProgram(["keys", "create", "--scope", "reminders:read"], { DATABASE_URL: database.url });
    expect(await key.ended).toBe(0);
    const lines = await failureOf(runProgram(["api"], { DATABASE_URL: database.url, HOST: host }));
    expect(lines).toEqual([`✖ ${host} is no address of this machine: set HOST to one, or to 0.0.0.0 for all`]);
  });
});

test.each(["/proc/nope/x", "/dev/null/x"])(
  "a data folder where nothing can be made is told, not tried for ever (%s)",
  async (path) => {
    const lines = await failureOf(runProgram(["start"], { DATA_DIR: path }));
    expect(lines).toEqual([expect.stringMatching(/^✖ can't make the data folder /)]);
  },
);

test("a current folder that is gone is told in one line", async () => {
  const folder = newFolder();
  const program = [process.execPath, join(ROOT, "dist/cli.js"), "start"].map((word) => `'${word}'`).join(" ");
  const command: [string, ...string[]] = ["/bin/sh", "-c", `rmdir "$PWD" && exec ${program}`];
  expect(await failureOf(runProgram([], {}, { folder, command }))).toEqual([
    "✖ the current folder is gone: go to one that exists, or set DATA_DIR to an absolute path",
  ]);
});

test("a data folder that can't be made is told in one line", async () => {
  const folder = newFolder();
  writeFileSync(join(folder, "file"), "");
  const lines = await failureOf(runProgram(["start"], { DATA_DIR: "file/data" }, { folder }));
  expect(lines).toEqual([expect.stringMatching(/^✖ can't make the data folder /)]);
});

test("a data folder that holds something else's files is left as it is", async () => {
  const folder = newFolder();
  mkdirSync(join(folder, ".data/postgres"), { recursive: true });
  writeFileSync(join(folder, ".data/postgres/thesis.txt"), "years of work");
  const lines = await failureOf(runProgram(["start"], {}, { folder }));
  expect(lines).toEqual([
    expect.stringMatching(/^✖ .* holds files that are no database of ours: set another DATA_DIR$/),
  ]);
});

async function inDatabase(url: string, ...statements: string[]): Promise<void> {
  const database = openDatabase({ url, poolSize: 1 });
  for (const statement of statements) await database.runAlone(statement);
  await database.close();
}

/** The database for a role of this test's own, which may connect and do what is granted. */
async function asRole(url: string, grants: string[] = []): Promise<string> {
  const role = `role_${randomUUID().replaceAll("-", "")}`;
  await inDatabase(
    url,
    `create role ${role} login password '${SECRET}'`,
    "revoke create on schema public from public",
    ...grants.map((grant) => `grant ${grant} to ${role}`),
  );
  onTestFinished(() => inDatabase(url, `drop owned by ${role}`, `drop role ${role}`));
  const own = new URL(url);
  own.username = role;
  own.password = SECRET;
  return own.href;
}

function withOption(url: string, option: string): string {
  const own = new URL(url);
  own.searchParams.set("options", `-c ${option}`);
  return own.href;
}

async function emptyDatabase(how = ""): Promise<string> {
  const name = `empty_${randomUUID().replaceAll("-", "")}`;
  const server = openDatabase({ url: inject("serverUrl"), poolSize: 1 });
  await server.runAlone(`create database ${name} ${how}`);
  onTestFinished(async () => {
    await server.runAlone(`drop database if exists ${name} with (force)`);
    await server.close();
  });
  return urlOf((url) => {
    url.pathname = `/${name}`;
  });
}
