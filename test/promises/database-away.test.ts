import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, inject, onTestFinished, test } from "vitest";
import { channelMap } from "../../src/channels/registry.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { startEmbedded } from "../../src/store/embedded.ts";
import { migrate } from "../../src/store/migrate.ts";
import { isDatabaseAway, openDatabase } from "../../src/store/postgres.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { installTestClock } from "../support/clock.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { DELIVERED } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { type World, world, worldOn } from "../support/world.ts";

test("P8: connections that are killed again and again lose nothing and send nothing twice", async () => {
  const { database, insert, sink, work } = await world();
  for (let n = 0; n < 300; n += 1) await insert({ run_at: new Date() });
  sink.behave = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return DELIVERED;
  };
  let kills = 0;
  work({ batchSize: 20 });

  // However long this machine takes for a batch on a new connection: what is killed too soon is given twice the time.
  let pauseMs = 60;
  for (let sent = 0; sent < 300; ) {
    const before = sent;
    const killed = await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    kills += killed.length;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    sent = (await database.query("select from deliveries where status = 'sent'").catch(() => [])).length;
    pauseMs = sent > before ? 60 : pauseMs * 2;
  }

  expect(kills).toBeGreaterThan(5);
  const keys = sink.received.map((message) => message.idempotencyKey);
  expect(new Set(keys).size).toBe(300);
  expect(keys).toHaveLength(300);
}, 240_000);

test.each(["SIGINT", "SIGKILL"] as const)(
  "P8: PostgreSQL ended by %s under load comes back, and the work drains by itself",
  async (signal) => {
    const server = await ownServer();
    const { database, insert, sink, work, setFlag } = worldOn(await server.open());
    sink.behave = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return DELIVERED;
    };
    for (let n = 0; n < 400; n += 1) {
      await insert({
        run_at: new Date(),
        stop_condition_type: "db_check",
        stop_condition_value: "done:{entity_id}",
        entity_id: `${n}`,
      });
    }
    await setFlag("done:399", true);
    work({ batchSize: 10 });
    await until(() => sink.received.length > 20, "some messages have left");

    await server.kill(signal);

    await allSent({ database, sink }, 399);
    expect(await database.query("select from reminder_jobs where status = 'COMPLETED'")).toHaveLength(1);
  },
  90_000,
);

test("P8: one backend killed by SIGKILL ends every session, and the worker gets over it: all is sent, and a flag set afterwards stops", async () => {
  const server = await ownServer();
  const { database, insert, sink, work, setFlag, advance, becomes, deliveries, deliveryBecomes } = worldOn(
    await server.open(),
  );
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  sink.behave = async () => {
    await released;
    return DELIVERED;
  };
  for (let n = 0; n < 100; n += 1) await insert({ run_at: new Date() });
  const later = await insert({
    run_at: new Date(Date.now() + 30 * 60_000),
    stop_condition_type: "db_check",
    stop_condition_value: "done:later",
  });
  work({ batchSize: 10 });
  await until(() => sink.received.length >= 10, "messages are under way");
  const sessions = await database.query<{ pid: number }>(
    "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  const pids = sessions.map(({ pid }) => pid);

  process.kill(pids[0] as number, "SIGKILL");
  await until(async () => {
    const left = await database.query("select from pg_stat_activity where pid = any($1)", [pids]).catch(() => null);
    return left?.length === 0;
  }, "every session of before has ended, and the server answers again");
  release();

  await allSent({ database, sink }, 100);

  await setFlag("done:later", true);
  await becomes(later, { status: "COMPLETED" });
  const beside = await insert({ run_at: new Date(Date.now() + 30 * 60_000) });
  await advance({ minutes: 31 });
  // Due at the same time, so by then the other would have been fired as well.
  await deliveryBecomes(beside, "sent");
  expect(await deliveries(later)).toEqual([]);
}, 90_000);

/** Waits until so many are stored as sent, by a server that may not answer yet. */
async function allSent({ database, sink }: Pick<World, "database" | "sink">, count: number): Promise<void> {
  await until(
    async () => (await database.query("select from deliveries where status = 'sent'").catch(() => [])).length === count,
    "all that may be sent are sent",
  );
  const keys = sink.received.map((message) => message.idempotencyKey);
  expect(new Set(keys).size).toBe(count);
  // Only what was fired but whose commit was never answered for may leave a second time, under the same id.
  expect(keys.length - count).toBeLessThanOrEqual(20);
}

/** A server of this test's own, that may be killed. */
async function ownServer(): Promise<{ open(): Promise<TestDatabase>; kill(signal: NodeJS.Signals): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), "reminder-kill-"));
  const embedded = await startEmbedded({ dataDir, log: pino({ level: "silent" }) });
  onTestFinished(async () => {
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  return {
    open: async () => {
      const database = { ...openDatabase({ url: embedded.url }), url: embedded.url };
      onTestFinished(() => database.close());
      await migrate(database);
      await installTestClock(database);
      return database;
    },
    kill: async (signal) => {
      const [pid] = (await readFile(join(dataDir, "postgres", "postmaster.pid"), "utf8")).split("\n");
      process.kill(Number(pid), signal);
    },
  };
}

test("P8: a connection that dies between two queries of a transaction is a database that is away, and no fault of the rows", async () => {
  const database = await freshDatabase();
  const failure = await database
    .transaction(async (sql) => {
      const [row] = await sql.query<{ pid: number }>("select pg_backend_pid() as pid");
      await database.query("select pg_terminate_backend($1)", [row?.pid]);
      await until(
        async () => (await database.query("select from pg_stat_activity where pid = $1", [row?.pid])).length === 0,
        "its backend is gone",
      );
      // Long enough for the client to have heard of it: the next query then fails without being sent.
      await new Promise((resolve) => setTimeout(resolve, 100));
      await sql.query("select 1");
    })
    .catch((error: unknown) => error);

  expect(failure).toBeInstanceOf(Error);
  expect(isDatabaseAway(failure)).toBe(true);
});

test("P8: a connection that is killed in the very moment it is ready fails its query and nothing else", async () => {
  const message = (type: string, body: string) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(4 + body.length);
    return Buffer.concat([Buffer.from(type), length, Buffer.from(body, "latin1")]);
  };
  const authenticated = message("R", "\0\0\0\0");
  const ready = message("Z", "I");
  const killed = message("E", "SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0");
  // All in one packet: whoever gets it has no time to put a hand on the connection in between.
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(Buffer.concat([authenticated, ready, killed])));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const database = openDatabase({ url: `postgresql://someone@127.0.0.1:${port}/any` });
  const uncaught: Error[] = [];
  const onUncaught = (error: Error) => uncaught.push(error);
  process.on("uncaughtException", onUncaught);
  onTestFinished(async () => {
    process.off("uncaughtException", onUncaught);
    server.close();
    await database.close();
  });

  const failure = await database.query("select 1").catch((error: unknown) => error);

  expect(isDatabaseAway(failure)).toBe(true);
  expect(uncaught).toEqual([]);
});

/** What somebody does to the database, and takes back. */
const MENDED: readonly [what: string, toBreak: Change, mend: Change][] = [
  [
    "is read-only for a while",
    async (database, server) => {
      await server.runAlone(`alter database ${nameOf(database)} set default_transaction_read_only = on`);
      await endConnections(database, server);
    },
    async (database, server) => {
      await server.runAlone(`alter database ${nameOf(database)} reset default_transaction_read_only`);
      await endConnections(database, server);
    },
  ],
  [
    "lacks a table for a while",
    (database) => database.query("alter table deliveries rename to deliveries_being_restored"),
    (database) => database.query("alter table deliveries_being_restored rename to deliveries"),
  ],
];

type Change = (database: TestDatabase, server: ReturnType<typeof openDatabase>) => Promise<unknown>;

function nameOf({ url }: TestDatabase): string {
  return new URL(url).pathname.slice(1);
}

/** Those that are open keep the settings that they began with. */
async function endConnections(database: TestDatabase, server: ReturnType<typeof openDatabase>): Promise<void> {
  await server.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [nameOf(database)]);
}

test.each(MENDED)("P8: a database that %s sets no reminder aside: all goes on once that is mended", async (...it) => {
  const [, toBreak, mend] = it;
  const { database, insert, sink } = await world();
  const server = openDatabase({ url: inject("serverUrl"), poolSize: 1 });
  onTestFinished(() => server.close());
  const id = await insert({ run_at: new Date() });
  await toBreak(database, server);
  const said: string[] = [];
  const worker = startWorker({
    database: workerDatabase(database),
    channels: channelMap([sink]),
    log: pino({ level: "warn" }, { write: (line) => said.push(line) }),
  });
  onTestFinished(() => worker.stop());
  await until(() => said.some((line) => /"loop":"fire"|can't be fired/.test(line)), "it has tried to fire");

  await mend(database, server);

  // By connections that nobody has ended.
  const looking = openDatabase({ url: database.url, poolSize: 2 });
  onTestFinished(() => looking.close());
  const { becomes, events } = worldOn({ ...looking, url: database.url });
  await becomes(id, { status: "ACTIVE", occurrence_count: 1 });
  await until(() => sink.received.length === 1, "its message is sent");
  expect((await events(id)).map(({ type }) => type)).not.toContain("paused");
});
