import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { newMasterKey } from "../../src/secrets/master-key.ts";
import { type Database, openDatabase } from "../../src/store/postgres.ts";
import { type Canary, canary, heard, type Place } from "../support/canary.ts";
import { answer, startHttpReceiver } from "../support/http-receiver.ts";
import { indiscreetDatabase } from "../support/indiscreet-database.ts";
import { OLDER, startOlderServer } from "../support/older-server.ts";
import { buildProgram, newFolder, type Program, runProgram } from "../support/program.ts";
import { startSmtp } from "../support/smtp.ts";
import { createTenants, ownedDatabase } from "../support/tenants.ts";
import { until } from "../support/wait.ts";

// P10: a secret never reaches a log. Each one that the service is given has a canary planted in its place; then the program
// lives through successes and failures, and whatever it has let out, anywhere, is searched for all of them.

beforeAll(buildProgram);

/** A mail server that says back what it got, in every form that it got it in: some do. */
function indiscreet(right: string | null): ReturnType<typeof startSmtp> {
  return startSmtp({
    authOptional: false,
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, callback) {
      if (password === right) return callback(null, { user: username });
      const said = password ?? "";
      const forms = [said, btoa(said), btoa(`\0${username}\0${said}`), Buffer.from(said).toString("hex")];
      const wire = [...forms, encodeURIComponent(said)].join(" ");
      callback(Object.assign(new Error(`no login with ${wire}`), { responseCode: 535 }));
    },
  });
}

/** Every row of every table as text, what the server shows of statements, and its catalog's comments and defaults. */
async function dump(database: Database): Promise<Place[]> {
  const tables = await database.query<{ name: string }>(
    "select oid::regclass::text as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')",
  );
  const places: Place[] = [];
  for (const { name } of tables) {
    const rows = await database.query<{ row: string }>(`select t::text as row from ${name} t`);
    places.push({ name: `the table ${name}`, text: rows.map(({ row }) => row).join("\n") });
  }
  const statements = await database.query<{ query: string }>(
    "select query from pg_stat_activity where datname = current_database()",
  );
  places.push({ name: "pg_stat_activity", text: statements.map(({ query }) => query).join("\n") });
  return places;
}

test("P10: no canary is heard in anything that comes out", async () => {
  const places: Place[] = [];
  const birds = {
    environment: canary("SMTP_PASSWORD"),
    right: canary("the password of a tenant whose login is taken"),
    // With what is written differently in a URL.
    wrong: { name: "the password of a tenant whose login is refused", value: `${canary("").value}+/&=` },
    unsafe: canary("the password of a tenant whose server has a bad certificate"),
    away: canary("the password of a tenant whose server is away"),
    key: { name: "SECRETS_KEY", value: newMasterKey() } as Canary,
    request: canary("a credential in a request"),
  };

  // given: a database, and mail servers that take, refuse, can't be trusted and aren't there
  const { url, owner } = await ownedDatabase(inject("serverUrl"), "createrole");
  const database: Canary = { name: "DATABASE_URL's password", value: new URL(url).password };
  const canaries = [...Object.values(birds), database];
  const administrator = openDatabase({ url: administratorsUrl(url), poolSize: 2 });
  onTestFinished(() => administrator.close());
  const servers = {
    environment: await indiscreet(null),
    right: await indiscreet(birds.right.value),
    wrong: await indiscreet(null),
    unsafe: await startSmtp({ disabledCommands: [] }),
  };
  const folder = newFolder();
  const env = {
    DATABASE_URL: url,
    SECRETS_KEY: birds.key.value,
    SMTP_HOST: "127.0.0.1",
    SMTP_PORT: String(servers.environment.port),
    SMTP_USERNAME: "installation",
    SMTP_PASSWORD: birds.environment.value,
    SMTP_FROM_EMAIL: "noreply@company.example",
    LOG_LEVEL: "trace",
    RETRY_BASE_SECONDS: "86400",
    NODE_OPTIONS: `--report-on-signal --report-on-fatalerror --report-uncaught-exception --report-directory=${folder}`,
  };
  const finish = async (args: string[], more: Record<string, string> = {}): Promise<Program> => {
    const program = runProgram(args, { ...env, ...more }, { folder });
    await program.ended;
    places.push({ name: `what ${args.slice(0, 2).join(" ")} says`, text: program.output() });
    return program;
  };
  expect(await (await finish(["migrate"])).ended).toBe(0);
  const tenants = ["right", "wrong", "unsafe", "away"] as const;
  await createTenants(administrator, ...tenants);
  const setting = tenants.map(async (tenant) => {
    const file = join(folder, `password of ${tenant}`);
    writeFileSync(file, birds[tenant].value);
    const port = tenant === "away" ? 1 : servers[tenant].port;
    const where = ["--smtp-host", "127.0.0.1", "--smtp-port", String(port), "--from", `noreply@${tenant}.example`];
    const login = ["--smtp-username", tenant, "--password-file", file];
    const mode = ["--smtp-tls", tenant === "unsafe" ? "required" : "off"];
    const set = await finish(["channels", "set", "email", "--tenant", tenant, ...where, ...login, ...mode]);
    expect(await set.ended).toBe(0);
  });
  await Promise.all(setting);
  const looking = [
    ["channels", "show", "email", "--tenant", "right"],
    ["channels", "list"],
    ["secrets", "status"],
  ];
  await Promise.all(looking.map((args) => finish(args)));

  // when: it runs, is asked civilly and rudely, loses its database, and is told to report on itself
  const program = runProgram(["start"], env, { folder });
  await program.says("🟢 Scheduler started");
  for (const tenant of ["default", ...tenants]) {
    await administrator.as({ role: null, tenant }).query(
      `insert into reminder_jobs (tenant_id, entity_type, entity_id, event_type, channel, recipient, schedule_type, next_run_at)
         values ($1, 'invoice', 'INV_1', 'payment', 'email', 'ann@example.com', 'one_time', now())`,
      [tenant],
    );
  }
  const tried = "select tenant_id, reason from deliveries where status in ('sent', 'retrying') order by tenant_id";
  const outcomes = await until(async () => {
    const rows = await administrator.query<{ tenant_id: string; reason: string | null }>(tried);
    return rows.length === 5 && rows;
  }, "every message has been tried");

  places.push(...(await askRudely(program.told("API"), birds.request.value)));
  for (const path of ["/metrics", "/healthz", "/readyz", "/openapi.json", "/reminders/", "/reminders/1/deliveries"]) {
    places.push({ name: path, text: await (await fetch(program.told("API") + path)).text() });
  }

  const reports = (): string[] => readdirSync(folder).filter((name) => /^report\..*\.json$/.test(name));
  program.kill("SIGUSR2");
  const [report = ""] = await until(() => reports().length > 0 && reports(), "Node has written its report");
  await until(() => readFileSync(join(folder, report), "utf8").trimEnd().endsWith("}"), "the report is whole");
  places.push({ name: "Node's diagnostic report", text: readFileSync(join(folder, report), "utf8") });

  const name = new URL(url).pathname.slice(1);
  const server = openDatabase({ url: inject("serverUrl"), poolSize: 1 });
  onTestFinished(() => server.close());
  await server.query(`alter database ${name} connection limit 0`);
  await server.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = $2", [
    name,
    owner,
  ]);
  await until(async () => (await fetch(`${program.told("API")}/readyz`)).status === 503, "the database is away");
  places.push({
    name: "an answer without a database",
    text: await (await fetch(`${program.told("API")}/flags`)).text(),
  });
  await finish(["worker"]);
  await server.query(`alter database ${name} connection limit -1`);

  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
  places.push({ name: "what start says, with its log", text: program.output() });

  // and: starts that fail by what they are told
  const loud = new URL(url);
  loud.port = String(await indiscreetDatabase());
  await Promise.all(
    [
      { DATABASE_URL: loud.href },
      { DATABASE_URL: url.replace("@", "@@") },
      { SECRETS_KEY: birds.request.value },
      { SECRETS_KEY_FILE: join(folder, "password of right") },
      { SMTP_USERNAME: "" },
      { SMTP_PASSWORD: `${birds.environment.value}\u0007` },
    ].map(async (wrong) => expect(await (await finish(["worker"], wrong)).ended).toBe(1)),
  );
  await finish(["secrets", "rotate"], { SECRETS_KEY: newMasterKey() });

  places.push(...(await dump(administrator)));

  // then: everything happened, and none of it shows a secret
  expect(Object.fromEntries(outcomes.map(({ tenant_id, reason }) => [tenant_id, reason]))).toEqual({
    away: expect.stringContaining("can't be reached"),
    default: expect.stringContaining("refused the login (535 no login with *** *** *** *** ***)"),
    right: null,
    unsafe: expect.stringContaining("no safe connection"),
    wrong: expect.stringContaining("refused the login (535 no login with *** *** *** *** ***)"),
  });
  expect(program.output()).toContain('"level":"warn"');
  expect(places.find(({ name: place }) => place === "the table sealed_secrets")?.text.split("\n")).toHaveLength(4);
  expect(heard(canaries, places)).toEqual([]);
}, 240_000);

test.runIf(OLDER)(
  "P10: nor is one in what pg_dump and pg_dumpall write, whatever peers have said back",
  async () => {
    const server = await startOlderServer();
    onTestFinished(() => server.stop());
    const { url } = await ownedDatabase(server.url, "createrole");
    const http = await startHttpReceiver();
    const mail = await indiscreet(null);
    const telegram = { name: "a bot's token", value: `123456:AA${canary("").value.replace(".", "-")}` };
    const webhook = { name: "a webhook's secret", value: `whsec_${randomBytes(32).toString("base64")}` };
    const birds = {
      ...{ telegram, webhook, key: { name: "SECRETS_KEY", value: newMasterKey() } as Canary },
      password: canary("SMTP_PASSWORD"),
      header: canary("a secret for a header"),
      mailgun: canary("an inbound secret"),
      api: { name: "a key of the API", value: "" } as Canary,
      database: { name: "DATABASE_URL's password", value: new URL(url).password } as Canary,
    };
    http.behave = answer(200, {}, JSON.stringify({ ok: true, result: { message_id: telegram.value } }));
    const folder = newFolder();
    const env = {
      ...{ DATABASE_URL: url, SECRETS_KEY: birds.key.value, SMTP_HOST: "127.0.0.1", SMTP_PORT: String(mail.port) },
      ...{
        SMTP_USERNAME: "installation",
        SMTP_PASSWORD: birds.password.value,
        SMTP_FROM_EMAIL: "noreply@company.example",
      },
      ...{ OUTGOING_ALLOW: "127.0.0.1", OUTGOING_PORTS: "1024-65535", RETRY_BASE_SECONDS: "86400" },
    };
    const finish = async (args: string[], secret = ""): Promise<string> => {
      const file = join(folder, "secret");
      writeFileSync(file, secret);
      const program = runProgram(secret === "" ? args : [...args, file], env, { folder });
      expect(await program.ended, program.output()).toBe(0);
      return program.stdout().trim();
    };
    await finish(["migrate"]);
    await finish(["channels", "set", "telegram", "--api-url", http.url, "--secret-file"], telegram.value);
    await finish(["channels", "set", "webhook", "--secret-file"], webhook.value);
    await finish(["secrets", "set", "billing", "--url", http.url, "--value-file"], birds.header.value);
    birds.api.value = await finish([
      "keys",
      "create",
      "--scope",
      "reminders:write,suppressions:write,event-rules:write",
    ]);

    // when
    const program = runProgram(["start"], env, { folder });
    await program.says("🟢 Scheduler started");
    const ask = async (method: string, path: string, body: object): Promise<number> => {
      const headers = { "content-type": "application/json", authorization: `Bearer ${birds.api.value}` };
      return (await fetch(program.told("API") + path, { method, headers, body: JSON.stringify(body) })).status;
    };
    expect(await ask("PUT", "/event-sources/shop", { secrets: [webhook.value] })).toBe(201);
    expect(await ask("PUT", "/inbound-sources/mailgun", { secrets: [birds.mailgun.value] })).toBe(201);
    for (const [channel, recipient] of [
      ["telegram", "12345678"],
      ["email", "ann@example.com"],
      ["webhook", http.url],
    ]) {
      const about = { entity_type: "invoice", entity_id: "42", event_type: channel, channel, recipient };
      expect(
        await ask("POST", "/reminders/", { ...about, schedule_type: "one_time", run_at: new Date().toISOString() }),
      ).toBe(201);
    }
    const administrator = openDatabase({ url: administratorsUrl(url, server.url), poolSize: 2 });
    onTestFinished(() => administrator.close());
    const tried = "select status from deliveries where status in ('sent', 'retrying')";
    await until(async () => (await administrator.query(tried)).length === 3, "every message has been tried");
    program.kill("SIGTERM");
    await program.ended;

    // then
    const whole = administratorsUrl(url, server.url);
    const dumps: [string, ...string[]][] = [
      ["pg_dump", whole],
      ["pg_dump", "--inserts", whole],
      ["pg_dump", "--format=custom", "--compress=0", whole],
      ["pg_dumpall", `--dbname=${server.url}`],
    ];
    const places = dumps.map(([name, ...args]): Place => {
      const text = execFileSync(join(OLDER as string, name), args, { encoding: "latin1", maxBuffer: 2 ** 28 });
      return { name: `${name} ${args.slice(0, -1).join(" ")}`, text };
    });
    for (const { text } of places) expect(text).toContain("mailgun");
    expect(heard(Object.values(birds), places)).toEqual([]);
  },
  240_000,
);

/** Credentials wherever a request may carry them, in ways that fail. The answers, and what they are for. */
async function askRudely(api: string, secret: string): Promise<Place[]> {
  const json = { "content-type": "application/json" };
  const asked: [string, string, RequestInit][] = [
    ["a bearer token", "/reminders/", { headers: { authorization: `Bearer ${secret}` } }],
    ["a basic login", "/reminders/1", { headers: { authorization: `Basic ${btoa(`me:${secret}`)}` } }],
    ["a cookie and a key", "/flags", { headers: { cookie: `session=${secret}`, "x-api-key": secret } }],
    ["a key in the address", `/reminders/?api_key=${secret}&access_token=${secret}&password=${secret}`, {}],
    ["a key in an address that isn't there", `/nowhere?token=${secret}`, {}],
    ["no JSON", "/reminders/", { method: "POST", headers: json, body: `{"password": ${secret}` }],
    ["bare words", "/reminders/", { method: "POST", headers: json, body: secret }],
    [
      "a password that isn't asked for",
      "/reminders/",
      { method: "POST", headers: json, body: `{"password":"${secret}"}` },
    ],
    ["a password for a number", "/flags/x", { method: "PUT", headers: json, body: `{"value":"${secret}"}` }],
    ["a form", "/reminders/", { method: "POST", body: new URLSearchParams({ password: secret }) }],
  ];
  const places: Place[] = [];
  for (const [name, path, init] of asked) {
    const answer = await fetch(api + path, init);
    places.push({
      name: `the answer to ${name}`,
      text: `${JSON.stringify([...answer.headers])} ${await answer.text()}`,
    });
  }
  const { hostname, port } = new URL(api);
  const socket = connect(Number(port), hostname);
  socket.end(`GET http://me:${secret}@${hostname}/flags HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`);
  places.push({ name: "the answer to a login in the address", text: await text(socket) });
  return places;
}

function administratorsUrl(url: string, serverUrl = inject("serverUrl")): string {
  const administrators = new URL(serverUrl);
  administrators.pathname = new URL(url).pathname;
  return administrators.href;
}

test("the search finds a canary in every form that it is to be found in", () => {
  const bird = canary("it");
  const wire = Buffer.from(`\0somebody\0${bird.value}`).toString("base64");
  for (const form of [bird.value, btoa(bird.value), wire, Buffer.from(bird.value).toString("hex"), `a${bird.value}b`]) {
    expect(heard([bird], [{ name: "here", text: `... ${form} ...` }])).toHaveLength(1);
  }
  expect(heard([bird], [{ name: "here", text: canary("another").value }])).toEqual([]);
});
