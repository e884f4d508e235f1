import { execFileSync } from "node:child_process";
import { accessSync, chmodSync, constants, existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/store/postgres.ts";
import {
  buildProgram,
  isRunning,
  newFolder,
  type Program,
  postmasterPid,
  ROOT,
  runProgram,
  startProgram,
} from "../support/program.ts";

beforeAll(buildProgram);

const IS_ROOT = process.getuid?.() === 0;
const NOBODY = { uid: 65_534, gid: 65_534 };
/** Where root puts a copy of PostgreSQL if the server's account can't reach it in node_modules. */
const ROOTS_COPY = "/var/lib/reminder-engine-postgres";

async function expectUsable(program: Program): Promise<void> {
  const database = openDatabase({ url: program.told("Database"), poolSize: 1 });
  onTestFinished(() => database.close());
  expect(await database.query("select count(*) from reminder_jobs")).toEqual([{ count: 0 }]);
}

async function expectOrderlyEnd(program: Program, folder: string): Promise<void> {
  const server = postmasterPid(folder) as number;
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
  expect(isRunning(server)).toBe(false);
}

/** The program with all that it needs, in a folder that only root can enter; hard links, so that it costs nothing. */
function closedClone(): string {
  const clone = join(newFolder(), "clone");
  mkdirSync(clone);
  for (const name of ["dist", "node_modules", "package.json"]) {
    try {
      execFileSync("cp", ["-al", join(ROOT, name), clone], { stdio: "ignore" });
    } catch {
      rmSync(join(clone, name), { recursive: true, force: true });
      execFileSync("cp", ["-a", join(ROOT, name), clone]);
    }
  }
  return clone;
}

function reachableByOthers(path: string): boolean {
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
  }
  return true;
}

describe.runIf(IS_ROOT)("started by root", () => {
  test("the server runs as somebody else, on data in a folder that only root can enter", async () => {
    const folder = newFolder();
    expect(statSync(folder).mode & 0o077).toBe(0);
    const program = await startProgram({}, { folder });
    await expectUsable(program);
    const data = statSync(join(folder, ".data/postgres"));
    expect(data.isDirectory()).toBe(true);
    expect(data.uid).not.toBe(0);
    expect(data.mode & 0o077).toBe(0);
    await expectOrderlyEnd(program, folder);
  });

  test("so it does from a clone that only root can enter, and again after kill -9", async () => {
    const wasThere = existsSync(ROOTS_COPY);
    onTestFinished(() => {
      if (!wasThere) rmSync(ROOTS_COPY, { recursive: true, force: true });
    });
    const folder = closedClone();
    const command: [string, ...string[]] = [process.execPath, join(folder, "dist/cli.js")];
    const first = await startProgram({}, { folder, command });
    await expectUsable(first);
    first.kill("SIGKILL");
    await first.ended;

    const second = await startProgram({}, { folder, command });
    await expectUsable(second);
    await expectOrderlyEnd(second, folder);
  });

  test("on a user's data it runs as that user, who can go on with it afterwards", async ({ skip }) => {
    if (!reachableByOthers(ROOT) || !reachableByOthers(process.execPath)) skip("others can't reach this clone");
    const folder = newFolder(NOBODY);
    chmodSync(folder, 0o700);
    for (const user of [NOBODY, { uid: 0, gid: 0 }, NOBODY]) {
      const program = await startProgram({ HOME: folder }, { folder, user });
      await expectUsable(program);
      expect(statSync(join(folder, ".data/postgres")).uid).toBe(NOBODY.uid);
      await expectOrderlyEnd(program, folder);
    }
  });

  test("another user is told that the data isn't theirs", async ({ skip }) => {
    if (!reachableByOthers(ROOT) || !reachableByOthers(process.execPath)) skip("others can't reach this clone");
    const folder = newFolder();
    await expectOrderlyEnd(await startProgram({}, { folder }), folder);
    chmodSync(folder, 0o755);
    const program = runProgram(["start"], { HOME: folder }, { folder, user: NOBODY });
    expect(await program.ended).toBe(1);
    expect(program.output()).toMatch(/^✖ [^\n]*another user[^\n]*\n$/);
  });
});

describe.skipIf(IS_ROOT)("started by a user", () => {
  test("the server runs as that user", async () => {
    const folder = newFolder();
    const program = await startProgram({}, { folder });
    await expectUsable(program);
    accessSync(join(folder, ".data/postgres/PG_VERSION"), constants.R_OK);
    await expectOrderlyEnd(program, folder);
  });
});
