import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Database, openDatabase } from "../../src/store/postgres.ts";
import {
  buildProgram,
  isRunning,
  newFolder,
  type Program,
  postmasterPid,
  runProgram,
  startProgram,
} from "../support/program.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

const INSERT = `
  insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, interval_minutes)
  values ('invoice', 'INV_1', 'payment', 'email', 'recurring', 60)`;

const DUE_NOW = `
  insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, recipient, next_run_at)
  values ('invoice', 'INV_2', 'payment', 'email', 'one_time', 'someone@example.org', now())`;

function databaseOf(program: Program): Database {
  const database = openDatabase({ url: program.told("Database"), poolSize: 1 });
  onTestFinished(() => database.close());
  return database;
}

async function remember(program: Program): Promise<void> {
  await databaseOf(program).query(INSERT);
}

async function expectRemembered(program: Program): Promise<void> {
  const rows = await databaseOf(program).query("select entity_id from reminder_jobs");
  expect(rows).toEqual([{ entity_id: "INV_1" }]);
}

describe("a stop", () => {
  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "by %s is orderly, leaves nothing running, keeps the data",
    async (signal) => {
      const folder = newFolder();
      const first = await startProgram({}, { folder });
      await remember(first);
      const server = postmasterPid(folder) as number;

      first.kill(signal);
      expect(await first.ended).toBe(0);
      expect(isRunning(server)).toBe(false);
      expect(first.stderr()).not.toMatch(/error|fatal|✖/i);

      const second = await startProgram({}, { folder });
      expect(second.told("Database")).toBe(first.told("Database"));
      await expectRemembered(second);
    },
  );

  test("comes in time while a mail server hangs with a message, which is handed back", async () => {
    const folder = newFolder();
    const hangs = createServer((socket) => void socket.on("error", () => {}).write("220 hello\r\n")).listen(
      0,
      "127.0.0.1",
    );
    await once(hangs, "listening");
    onTestFinished(() => void hangs.close());
    const { port } = hangs.address() as AddressInfo;
    const mail = { SMTP_HOST: "127.0.0.1", SMTP_PORT: String(port), SMTP_FROM_EMAIL: "noreply@example.com" };
    const program = await startProgram(mail, { folder });
    const connected = once(hangs, "connection");
    await databaseOf(program).query(DUE_NOW);
    await connected;

    program.kill("SIGTERM");
    expect(await program.ended).toBe(0);
    expect(postmasterPid(folder)).toBe(null);

    const again = await startProgram({}, { folder });
    await again.says("Subject:");
  });

  test("in the middle of a first start is orderly too, at whatever moment", async () => {
    for (const moment of [
      (folder: string) => entries(folder).some((name) => name.startsWith("running-")),
      (folder: string) => entries(folder).some((name) => name.startsWith("postgres.new-")),
      (folder: string) => entries(folder).includes("postgres"),
      (folder: string) => postmasterPid(folder) !== null,
    ]) {
      const folder = newFolder();
      const program = runProgram(["start"], {}, { folder });
      await until(() => moment(folder), "the moment has come");
      program.kill("SIGTERM");
      expect(await program.ended).toBe(0);
      const server = postmasterPid(folder);
      expect(server === null || !isRunning(server)).toBe(true);
    }
  });

  test("asked for again, in impatience, comes at once, and loses nothing", async () => {
    const folder = newFolder();
    const first = await startProgram({}, { folder });
    await remember(first);
    process.kill(postmasterPid(folder) as number, "SIGSTOP");
    first.kill("SIGINT");
    await first.says("Stopping");
    // What comes right after the first is the same keystroke; whoever goes on pressing is impatient.
    await until(() => !first.kill("SIGINT"), "it has given in");
    expect(await first.ended).toBe(1);
    process.kill(postmasterPid(folder) as number, "SIGCONT");

    await expectRemembered(await startProgram({}, { folder }));
  });
});

describe("after kill -9", () => {
  test("of the program, its server is found, stopped and replaced", async () => {
    const folder = newFolder();
    const first = await startProgram({}, { folder });
    await remember(first);
    const orphan = postmasterPid(folder) as number;
    first.kill("SIGKILL");
    await first.ended;
    expect(isRunning(orphan)).toBe(true);

    const second = await startProgram({}, { folder });
    expect(isRunning(orphan)).toBe(false);
    expect(second.told("Database")).toBe(first.told("Database"));
    await expectRemembered(second);
  });

  test("of the program and its server, the next start recovers", async () => {
    const folder = newFolder();
    const first = await startProgram({}, { folder });
    await remember(first);
    first.kill("SIGKILL");
    process.kill(postmasterPid(folder) as number, "SIGKILL");
    await first.ended;

    await expectRemembered(await startProgram({}, { folder }));
  });

  test("a process that got the dead server's pid is no obstacle, and is left alone", async () => {
    const folder = newFolder();
    const first = await startProgram({}, { folder });
    await remember(first);
    first.kill("SIGKILL");
    const server = postmasterPid(folder) as number;
    process.kill(server, "SIGKILL");
    await until(() => !isRunning(server), "the server is dead");
    const stranger = runProgram([], {}, { command: ["sleep", "300"] });
    giveItsPidTo(stranger.pid, folder);

    await expectRemembered(await startProgram({}, { folder }));
    expect(isRunning(stranger.pid)).toBe(true);
  });

  test("in the middle of making the database, it is made anew", async () => {
    const folder = newFolder();
    const first = runProgram(["start"], {}, { folder });
    await until(() => entries(folder).some((name) => name.startsWith("postgres.new-")), "the database is being made");
    first.kill("SIGKILL");
    await first.ended;

    const second = await startProgram({}, { folder });
    await remember(second);
    second.kill("SIGTERM");
    expect(await second.ended).toBe(0);
    expect(entries(folder).filter((name) => name.includes(".new-"))).toEqual([]);
  });
});

test("a second start on the same data says so in one line, and disturbs nobody", async () => {
  const folder = newFolder();
  const first = await startProgram({}, { folder });
  const server = postmasterPid(folder);

  const second = runProgram(["start"], {}, { folder });
  expect(await second.ended).toBe(1);
  expect(second.stdout()).toBe("");
  expect(second.stderr()).toMatch(/^✖ Reminder Engine is already running on the data in [^\n]*\n$/);
  expect(second.stderr()).toContain(`process ${first.pid}, ${first.told("API")}`);
  expect(postmasterPid(folder)).toBe(server);
  await remember(first);
});

test("of many starts at once on new data exactly one runs, the others say so", async () => {
  const folder = newFolder();
  const programs = Array.from({ length: 4 }, () => runProgram(["start"], {}, { folder }));
  const runs = await Promise.all(
    programs.map((program) =>
      Promise.race([
        program.says("🟢").then(
          () => true,
          () => false,
        ),
        program.ended.then(() => false),
      ]),
    ),
  );
  expect(runs.filter(Boolean)).toHaveLength(1);
  for (const [index, program] of programs.entries()) {
    if (!runs[index]) expect(program.stderr()).toMatch(/^✖ Reminder Engine is already running [^\n]*\n$/);
  }
});

test("a data folder whose path is too long for a socket is claimed like any other", async () => {
  const folder = newFolder();
  const settings = { DATA_DIR: join("d".repeat(100), "e".repeat(60)) };
  const first = await startProgram(settings, { folder });
  const second = runProgram(["start"], settings, { folder });
  expect(await second.ended).toBe(1);
  expect(second.stderr()).toContain(`process ${first.pid}, ${first.told("API")}`);
  first.kill("SIGTERM");
  expect(await first.ended).toBe(0);
});

test("an embedded server that dies is started again, on the same URL, and the program stays", async () => {
  const folder = newFolder();
  const program = await startProgram({}, { folder });
  await remember(program);
  for (let round = 0; round < 2; round++) {
    const server = postmasterPid(folder) as number;
    process.kill(server, "SIGKILL");
    await until(() => (postmasterPid(folder) ?? server) !== server, "another server is there");
    await until(
      () =>
        expectRemembered(program).then(
          () => true,
          () => false,
        ),
      "the data is back",
    );
  }
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
});

test("a database's port that is taken is replaced by another", async () => {
  const folder = newFolder();
  const first = await startProgram({}, { folder });
  await remember(first);
  first.kill("SIGTERM");
  await first.ended;
  const { port } = new URL(first.told("Database"));
  const thief = createServer().listen(Number(port), "127.0.0.1");
  onTestFinished(() => void thief.close());

  const second = await startProgram({}, { folder });
  expect(new URL(second.told("Database")).port).not.toBe(port);
  await expectRemembered(second);
});

function entries(folder: string): string[] {
  const dataDir = join(folder, ".data");
  return existsSync(dataDir) ? readdirSync(dataDir) : [];
}

function giveItsPidTo(pid: number, folder: string): void {
  const file = join(folder, ".data/postgres/postmaster.pid");
  const [, ...rest] = readFileSync(file, "utf8").split("\n");
  writeFileSync(file, [pid, ...rest].join("\n"));
}
