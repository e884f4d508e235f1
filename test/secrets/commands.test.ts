import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { newMasterKey } from "../../src/secrets/master-key.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { buildProgram, newFolder, type Program, ROOT, runProgram, startProgram } from "../support/program.ts";
import { startSmtp } from "../support/smtp.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

const PASSWORD = "hunter2-never-shown";

function guarded(): ReturnType<typeof startSmtp> {
  return startSmtp({
    authOptional: false,
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _session, callback) =>
      password === PASSWORD ? callback(null, { user: username }) : callback(new Error("no")),
  });
}

function setAccount(port: number, ...more: string[]): string[] {
  const where = ["--smtp-host", "127.0.0.1", "--smtp-port", String(port), "--smtp-tls", "off"];
  return ["channels", "set", "email", ...where, "--from", "noreply@acme.example", ...more];
}

function passwordFile(): string {
  const path = join(newFolder(), "password");
  writeFileSync(path, `${PASSWORD}\n`, { mode: 0o600 });
  return path;
}

/** A reminder that is due now, and then not for an hour. */
async function remind(database: Pick<TestDatabase, "query">, entityId: string): Promise<void> {
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, next_run_at)
     values ('invoice', $1, 'payment', 'email', 'ann@example.com', 'one_time', now())`,
    [entityId],
  );
}

async function output(program: Program, code = 0): Promise<string> {
  expect({ code: await program.ended, said: program.output() }).toMatchObject({ code });
  expect(program.output()).not.toContain(PASSWORD);
  expect(program.output()).not.toMatch(/^\s+at /m);
  return program.output();
}

describe("an account is set", () => {
  test("with the password from a file, is listed and shown without it, and is unset", async () => {
    const database = await freshDatabase();
    const env = { DATABASE_URL: database.url, SECRETS_KEY: newMasterKey() };
    const run = (...args: string[]) => output(runProgram(args, env));
    const login = ["--smtp-username", "acme", "--password-file", passwordFile()];

    expect(await output(runProgram(setAccount(2525, ...login), env))).toContain(
      "Tenant default sends its e-mails by 127.0.0.1:2525 from noreply@acme.example",
    );
    expect(await run("channels", "list")).toBe("default  email  127.0.0.1:2525 from noreply@acme.example\n");
    const shown = await run("channels", "show", "email");
    expect(shown).toMatch(/^smtp_username: +acme$/m);
    expect(shown).toMatch(/^smtp_password: +set$/m);
    expect(JSON.stringify(await database.query("select * from channel_settings"))).not.toContain(PASSWORD);

    expect(await run("channels", "unset", "email")).toContain("uses the settings of the environment");
    expect(await database.query("select from sealed_secrets")).toEqual([]);
    expect(await output(runProgram(["channels", "show", "email"], env), 1)).toContain("has set nothing for email");
    const audited = await database.query("select tenant_id, operation, target, details from audit_log order by id");
    expect(audited).toMatchObject([
      { tenant_id: "default", operation: "channels set", target: "channel email", details: { smtp_port: 2525 } },
      { tenant_id: "default", operation: "channels unset", target: "channel email" },
    ]);
    expect(JSON.stringify(audited)).not.toContain(PASSWORD);
  });

  test("with the password from standard input", async () => {
    const database = await freshDatabase();
    const env = { DATABASE_URL: database.url, SECRETS_KEY: newMasterKey(), P: PASSWORD };
    const piped = ["sh", "-c", 'printf %s "$P" | "$0" "$@"', process.execPath, join(ROOT, "dist/cli.js")] as const;

    await output(runProgram(setAccount(2525, "--smtp-username", "acme"), env, { command: [...piped] }));

    expect(await output(runProgram(["channels", "show", "email"], env))).toMatch(/^smtp_password: +set$/m);
  });

  test("without a password where no login is wanted, and then needs no key", async () => {
    const database = await freshDatabase();
    await output(runProgram(setAccount(2525), { DATABASE_URL: database.url }));
    expect(await database.query("select from sealed_secrets")).toEqual([]);
  });
});

describe("an account is refused, and nothing is stored", () => {
  test("with a password, while there is no key to seal it with", async () => {
    const database = await freshDatabase();
    const login = ["--smtp-username", "acme", "--password-file", passwordFile()];
    const said = await output(runProgram(setAccount(2525, ...login), { DATABASE_URL: database.url }), 1);
    expect(said).toContain("run `reminder-engine secrets new-key`, and set SECRETS_KEY");
    expect(await database.query("select from channel_settings")).toEqual([]);
  });

  test("with anything else that isn't right, all of which is told at once", async () => {
    const database = await freshDatabase();
    const env = { DATABASE_URL: database.url, SECRETS_KEY: newMasterKey() };
    const wrong = ["--smtp-port", "http", "--smtp-tls", "maybe", "--smtp-host", "smtp://mail.example.com"];
    const sender = ["--from", "a@example.com, b@example.com", "--from-name", "A\r\nBcc: b@example.com"];

    const said = await output(runProgram(setAccount(2525, ...wrong, ...sender), env), 1);

    expect(said).toContain("--smtp-port must be a whole number");
    expect(said).toContain("--smtp-tls must be one of auto, required, implicit, off");
    expect(said).toContain("--smtp-host must be a host name");
    expect(said).toContain("--from must be one plain e-mail address");
    expect(said).toContain("--from-name must be one line of text");
    expect(await database.query("select from channel_settings")).toEqual([]);
  });

  test("for a tenant that isn't there", async () => {
    const database = await freshDatabase();
    const said = await output(runProgram(setAccount(2525, "--tenant", "nobody"), { DATABASE_URL: database.url }), 1);
    expect(said).toBe("✖ there is no tenant nobody: create it with `reminder-engine tenants create`\n");
  });

  test("with no password where a login is wanted", async () => {
    const database = await freshDatabase();
    const env = { DATABASE_URL: database.url, SECRETS_KEY: newMasterKey() };
    const login = ["--smtp-username", "acme"];
    expect(await output(runProgram(setAccount(2525, ...login), env), 1)).toContain("the password is empty");
    const missing = [...login, "--password-file", "/no/such"];
    expect(await output(runProgram(setAccount(2525, ...missing), env), 1)).toContain("can't read the password");
    expect(await database.query("select from channel_settings")).toEqual([]);
  });
});

test("a wrong key ends the start with a line that doesn't show it", async () => {
  const env = { DATABASE_URL: "postgresql://127.0.0.1:1/none", SECRETS_KEY: `${PASSWORD}-as-a-key` };
  expect(await output(runProgram(["worker"], env), 1)).toBe(
    "✖ SECRETS_KEY must be 32 bytes in base64, as `reminder-engine secrets new-key` makes them\n",
  );
});

test.each([
  ["isn't there", null, "can't read SECRETS_KEY_FILE"],
  ["is empty", "\n", "must be a key"],
  ["holds something else", PASSWORD, "must be 32 bytes in base64"],
])("a key file that %s ends the start with a line that says so", async (_, content, sentence) => {
  const database = await freshDatabase();
  const path = join(newFolder(), "keys");
  if (content !== null) writeFileSync(path, content);
  const program = runProgram(["worker"], { DATABASE_URL: database.url, SECRETS_KEY_FILE: path });
  expect(await output(program, 1)).toContain(sentence);
});

test("with the embedded database nothing has to be set: a key lies beside it, for its owner alone", async () => {
  const smtp = await guarded();
  const folder = newFolder();
  const login = ["--smtp-username", "acme", "--password-file", passwordFile()];
  await output(runProgram(setAccount(smtp.port, ...login), {}, { folder }));
  const keyFile = join(folder, ".data/secrets.key");
  expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  const key = readFileSync(keyFile, "utf8");

  const program = await startProgram({}, { folder });
  expect(await output(runProgram(["channels", "show", "email"], {}, { folder }))).toMatch(/^smtp_password: +set$/m);
  await fetch(`${program.told("API")}/reminders/`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      ...{ entity_type: "invoice", entity_id: "INV_1", event_type: "payment", recipient: "ann@example.com" },
      ...{ channel: "email", schedule_type: "one_time", run_at: new Date(0).toISOString() },
    }),
  });
  await until(() => smtp.received.length === 1, "the message arrives");
  expect(smtp.received).toMatchObject([{ user: "acme" }]);

  expect(readFileSync(keyFile, "utf8")).toBe(key);
  expect(program.stderr()).not.toContain("secrets are sealed");
});

test("the key is rotated while all goes on: workers with the old key, both, and the new one alone send by the account", async () => {
  const [database, smtp] = [await freshDatabase(), await guarded()];
  const [older, newer] = [newMasterKey(), newMasterKey()];
  const url = { DATABASE_URL: database.url };
  const login = ["--smtp-username", "acme", "--password-file", passwordFile()];
  await output(runProgram(setAccount(smtp.port, ...login), { ...url, SECRETS_KEY: older }));
  const keys = join(newFolder(), "keys");
  writeFileSync(keys, `${newer}\n${older}\n`);

  const sendsWith = async (env: Record<string, string>, during = async () => {}): Promise<void> => {
    const worker = runProgram(["worker"], { ...url, ...env });
    await worker.says("🟢 Scheduler started");
    await during();
    const before = smtp.received.length;
    await remind(database, `INV_${before}`);
    await until(() => smtp.received.length === before + 1, "the message arrives");
    worker.kill("SIGTERM");
    expect(await worker.ended).toBe(0);
    expect(worker.stderr()).not.toContain("secrets are sealed");
  };

  await sendsWith({ SECRETS_KEY: older });
  await sendsWith({ SECRETS_KEY_FILE: keys }, async () => {
    const both = { ...url, SECRETS_KEY_FILE: keys };
    expect(await output(runProgram(["secrets", "status"], both))).toContain("1 secret  an older one");
    const rotations = [runProgram(["secrets", "rotate"], both), runProgram(["secrets", "rotate"], both)];
    for (const rotation of rotations) {
      expect(await output(rotation)).toContain("No other key is in use any more: the older ones may be removed");
    }
  });
  await sendsWith({ SECRETS_KEY: newer });
});

test("at the start, secrets under a missing key are told, and only what needs them fails, with the reason", async () => {
  const [database, shared, own] = [await freshDatabase(), await startSmtp(), await guarded()];
  const url = { DATABASE_URL: database.url };
  const login = ["--smtp-username", "acme", "--password-file", passwordFile()];
  await output(runProgram(setAccount(own.port, ...login), { ...url, SECRETS_KEY: newMasterKey() }));
  const environment = {
    SMTP_HOST: "127.0.0.1",
    SMTP_PORT: String(shared.port),
    SMTP_FROM_EMAIL: "noreply@example.com",
  };

  const worker = runProgram(["worker"], { ...url, ...environment });
  await worker.says("🟢 Scheduler started");
  expect(worker.stderr()).toContain(
    "secrets are sealed with a key that is in neither SECRETS_KEY nor SECRETS_KEY_FILE",
  );
  await remind(database, "INV_1");

  const reason = await until(async () => {
    const [row] = await database.query<{ reason: string | null }>("select reason from deliveries");
    return row?.reason;
  }, "the delivery has its reason");
  expect(reason).toContain(
    "the e-mail account of tenant default can't be used: its smtp_password is sealed with the key",
  );
  expect(shared.received).toEqual([]);

  const said = await output(runProgram(["secrets", "rotate"], { ...url, SECRETS_KEY: newMasterKey() }), 1);
  expect(said).toContain("1 secret can't be opened: smtp_password (channel:email) of tenant default is sealed with");
});
