import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { startEmbedded } from "../../src/store/embedded.ts";
import { type Database, openDatabase } from "../../src/store/postgres.ts";
import { mayBecome, whoRuns } from "../../src/store/roles.ts";
import { buildProgram, newFolder, type Program, ROOT, startProgram } from "../support/program.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

function databaseOf(program: Program): Database {
  const database = openDatabase({ url: program.told("Database"), poolSize: 1 });
  onTestFinished(() => database.close());
  return database;
}

const INSERT = `
  insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, interval_minutes,
                             stop_condition_type, stop_condition_value)
  values ('invoice', 'INV_1', 'payment', 'email', 'recurring', 60, 'db_check', 'paid')`;

test("the banner's URL is that of an owner who is no superuser, and may become the engine's roles", async () => {
  const program = await startProgram();
  const database = databaseOf(program);
  expect(await whoRuns(database)).toEqual({ name: "reminder_owner", isSuperuser: false, seesEverything: false });
  expect([await mayBecome(database, "api"), await mayBecome(database, "worker")]).toEqual([true, true]);
  expect(program.stderr()).toBe("");
});

test("what an earlier version made is handed over at the start: all that was there is there, and is the owner's", async () => {
  const folder = newFolder();
  await makeAsEarlierVersion(join(folder, ".data"));

  const first = await startProgram({}, { folder });
  const database = databaseOf(first);
  expect(await whoRuns(database)).toMatchObject({ name: "reminder_owner", isSuperuser: false });
  const owners = await database.query(
    `select distinct pg_get_userbyid(owner) as owner
       from (select relowner from pg_class where relnamespace = 'public'::regnamespace
              union select proowner from pg_proc where pronamespace = 'public'::regnamespace
              union select typowner from pg_type where typnamespace = 'public'::regnamespace
              union select datdba from pg_database where datname = current_database()) as all_owners (owner)`,
  );
  expect(owners).toEqual([{ owner: "reminder_owner" }]);
  expect(await database.query("select tenant_id, entity_id, status from reminder_jobs")).toEqual([
    { tenant_id: "default", entity_id: "INV_1", status: "ACTIVE" },
  ]);

  await database.query("update status_flags set value = true where key = 'paid'");
  await until(
    async () => (await database.query("select from reminder_jobs where status = 'COMPLETED'")).length === 1,
    "the flag completes it",
  );
  first.kill("SIGTERM");
  expect(await first.ended).toBe(0);
  expect(first.stderr()).toBe("");
  expect((await startProgram({}, { folder })).told("Database")).toBe(first.told("Database"));
});

/** A data folder as it was before there was an owner: all is the superuser's, and no file knows another password. */
async function makeAsEarlierVersion(dataDir: string): Promise<void> {
  const embedded = await startEmbedded({ dataDir, log: pino({ level: "silent" }) });
  const database = openDatabase({ url: embedded.superuserUrl, poolSize: 1 });
  await database.query("alter database reminder_engine owner to reminder_engine");
  await database.query("drop role reminder_owner");
  await database.query(
    "create table schema_migrations (version integer primary key, name text, applied_at timestamptz default now())",
  );
  const migrations = join(ROOT, "src/store/migrations");
  for (const name of readdirSync(migrations).sort().slice(0, 3)) {
    await database.query(readFileSync(join(migrations, name), "utf8"));
    await database.query("insert into schema_migrations values ($1, $2)", [Number.parseInt(name, 10), name]);
  }
  await database.query(INSERT);
  await database.query("insert into status_flags (key, value) values ('paid', false)");
  await database.close();
  await embedded.stop();

  const file = join(dataDir, "postgres/reminder-engine.json");
  const { password, port } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ password, port }));
}
