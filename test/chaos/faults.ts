import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type Database, openDatabase } from "../../src/store/postgres.ts";
import type { Fault } from "./evidence.ts";
import type { Network } from "./proxy.ts";
import type { Random } from "./random.ts";
import type { Service } from "./service.ts";

/** What there is to break. */
export interface Stage {
  /** Straight to the server, for the saboteur alone. */
  database: Database;
  url: string;
  workers: { service: Service; proxy: Network }[];
  api: { service: Service; proxy: Network };
  random: Random;
  now: () => number;
  killPostmaster: () => Promise<void>;
  killBackend: (pid: number) => Promise<boolean>;
  /** Null where there is no disk of our own to fill. */
  fillDisk: null | (() => Promise<() => Promise<void>>);
}

/** How often a fault comes, against the others. */
type Weights = Record<string, number>;

/** Quick ones, which may come many at once. */
export const SMALL: Weights = {
  "backend ended": 30,
  "LISTEN ended": 8,
  "reply to COMMIT lost": 24,
  "connections reset": 12,
  "connection gone silent": 6,
  deadlock: 10,
  "lock held": 6,
  "worker stopped for a moment": 5,
  "worker killed": 5,
  "worker told to end": 2,
};

/** Those of which one is enough at a time. */
export const LARGE: Weights = {
  "postmaster killed": 4,
  "backend killed": 4,
  "all backends ended": 3,
  "too many connections": 4,
  "serialization failures": 3,
  "worker cut off": 4,
  "worker stopped past its lease": 3,
  "all workers killed": 2,
  "disk full": 2,
};

const OURS = "application_name like 'reminder-engine%' and datname = current_database()";

/** Breaks things, and writes down what and when. */
export class Saboteur {
  readonly faults: Fault[] = [];
  /** Faults that could not be made here, and why. */
  readonly skipped = new Set<string>();
  readonly #stage: Stage;
  readonly #busy = new Set<Service>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Makes one fault and resolves when it is over. Nothing is written down when there was nothing to hit. */
  async make(kind: string): Promise<void> {
    const from = this.#stage.now();
    let isCutShort = false;
    const hits = await this.#break(kind).catch(() => {
      isCutShort = true;
      return "database";
    });
    if (hits !== null) this.faults.push({ kind, hits, from, until: this.#stage.now(), isCutShort });
  }

  /** Returns whom it hit, or null if nobody. */
  async #break(kind: string): Promise<string | null> {
    const { database, random, workers, api } = this.#stage;
    const anyone = random.chance(0.85) ? random.pick(workers) : api;
    switch (kind) {
      case "backend ended":
        return this.#terminate(`${OURS} order by random() limit 1`);
      case "LISTEN ended":
        return this.#terminate(`${OURS} and query ilike 'listen%' order by random() limit 1`);
      case "all backends ended":
        return this.#terminate(OURS);
      case "reply to COMMIT lost":
        return (await anyone.proxy.dropNextCommit(1_000)) ? anyone.service.name : null;
      case "connections reset":
        return anyone.proxy.cut(random.between(0, 1)) > 0 ? anyone.service.name : null;
      case "connection gone silent":
        return anyone.proxy.freeze(0.01) > 0 ? anyone.service.name : null;
      case "worker cut off":
        return this.#cutOff(random.pick(workers));
      case "deadlock":
        return provokeDeadlock(database);
      case "lock held":
        return holdLocks(database, random.between(100, 1_500));
      case "worker stopped for a moment":
        return this.#withWorker((service) => this.#stop(service, random.between(200, 3_000)));
      case "worker stopped past its lease":
        return this.#withWorker((service) => this.#stop(service, random.between(12_500, 15_000)));
      case "worker killed":
        return this.#withWorker((service) => this.#restart(service, "SIGKILL"));
      case "worker told to end":
        return this.#withWorker((service) => this.#restart(service, "SIGTERM"));
      case "all workers killed":
        return this.#killAll();
      case "postmaster killed":
        await this.#stage.killPostmaster();
        return "database";
      case "backend killed":
        return this.#killBackend();
      case "too many connections":
        return exhaustConnections(this.#stage.url, database, random.between(500, 2_500));
      case "serialization failures":
        return this.#isolate(random.between(1_000, 3_000));
      case "disk full":
        return this.#fillDisk(random.between(1_000, 4_000));
      default:
        throw new Error(`no such fault: ${kind}`);
    }
  }

  async #terminate(whose: string): Promise<string | null> {
    const { database } = this.#stage;
    const ended = await database.query(
      `select pg_terminate_backend(pid) from (select pid from pg_stat_activity where ${whose}) as doomed`,
    );
    return ended.length > 0 ? "database" : null;
  }

  async #killBackend(): Promise<string | null> {
    const { database, killBackend } = this.#stage;
    const [doomed] = await database.query<{ pid: number }>(
      `select pid from pg_stat_activity where ${OURS} order by random() limit 1`,
    );
    return doomed && (await killBackend(doomed.pid)) ? "database" : null;
  }

  /** Everything that a worker has goes silent, and what it tries anew too, for a while. */
  async #cutOff({ service, proxy }: { service: Service; proxy: Network }): Promise<string> {
    const heal = proxy.blackhole();
    proxy.freeze(1);
    await sleep(this.#stage.random.between(500, 4_000));
    heal();
    return service.name;
  }

  async #withWorker(hit: (service: Service) => Promise<void>): Promise<string | null> {
    const free = this.#stage.workers.map(({ service }) => service).filter((service) => !this.#busy.has(service));
    if (free.length === 0) return null;
    const service = this.#stage.random.pick(free);
    this.#busy.add(service);
    await hit(service).finally(() => this.#busy.delete(service));
    return service.name;
  }

  async #stop(service: Service, ms: number): Promise<void> {
    service.signal("SIGSTOP");
    await sleep(ms);
    service.signal("SIGCONT");
  }

  async #restart(service: Service, signal: NodeJS.Signals): Promise<void> {
    await service.end(signal);
    await sleep(this.#stage.random.between(0, 1_500));
    await service.start();
  }

  async #killAll(): Promise<string> {
    const free = this.#stage.workers.map(({ service }) => service).filter((service) => !this.#busy.has(service));
    for (const service of free) this.#busy.add(service);
    await Promise.all(free.map((service) => this.#restart(service, "SIGKILL")));
    for (const service of free) this.#busy.delete(service);
    return "database";
  }

  /**
   * One change in ten is told that it can't be serialized. Besides, the database's default becomes REPEATABLE READ: whoever relies
   * on another isolation has to say so.
   */
  async #isolate(ms: number): Promise<string> {
    const { database } = this.#stage;
    const [row] = await database.query<{ name: string }>("select current_database() as name");
    const name = pg.escapeIdentifier(row?.name ?? "");
    await database.query(`alter database ${name} set default_transaction_isolation = 'repeatable read'`);
    await this.#terminate(OURS);
    const isInstalled = await database.query(FAIL_TO_SERIALIZE).then(
      () => true,
      () => false,
    );
    await sleep(ms);
    // It must not stay, whatever else is broken just then.
    const undo = [`alter database ${name} reset default_transaction_isolation`, SERIALIZE_AGAIN];
    for (const statement of undo) {
      while (
        !(await database.query(statement).then(
          () => true,
          () => sleep(200, false),
        ))
      );
    }
    await this.#terminate(OURS);
    if (!isInstalled) throw new Error("nothing failed to serialize");
    return "database";
  }

  async #fillDisk(ms: number): Promise<string | null> {
    const { fillDisk } = this.#stage;
    if (!fillDisk) {
      this.skipped.add("disk full (needs root and a tmpfs)");
      return null;
    }
    const empty = await fillDisk();
    await sleep(ms);
    await empty();
    return "database";
  }
}

const CHANGED_BY_ALL = ["reminder_jobs", "deliveries"];
const FAIL_TO_SERIALIZE = `
  do $$ begin
    set local lock_timeout = '1s';
    create or replace function chaos_serialize() returns trigger language plpgsql as $f$ begin
      if random() < 0.1 then
        raise exception 'could not serialize access due to concurrent update' using errcode = '40001';
      end if;
      return null;
    end $f$;
    ${CHANGED_BY_ALL.map((table) => `create or replace trigger chaos_serialize after update on ${table} for each statement execute function chaos_serialize();`).join("\n    ")}
  end $$`;
const SERIALIZE_AGAIN = `
  do $$ begin
    set local lock_timeout = '1s';
    ${CHANGED_BY_ALL.map((table) => `drop trigger if exists chaos_serialize on ${table};`).join("\n    ")}
  end $$`;

/** It is the saboteur whom the server told of it. */
const DEADLOCK_SQLSTATE = "40P01";

/** Until somebody wants what is locked; shorter than what they wait for it at most. */
const DEADLOCK_WAIT_MS = 1_200;
const IS_WAITED_FOR =
  "select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid)) limit 1";

/**
 * Takes the locks of deliveries, and those of their reminders as soon as somebody waits for the former: the engine takes them the other
 * way round, and is told of it, as it has waited for longer.
 */
async function provokeDeadlock(database: Database): Promise<string | null> {
  const open = await database.query<{ id: number }>(
    `select reminder_id as id from deliveries where status = 'sending' order by random() limit 20`,
  );
  if (open.length === 0) return null;
  const ids = open.map(({ id }) => id);
  await database
    .transaction(async (sql) => {
      await sql.query("select from deliveries where reminder_id = any($1) and status = 'sending' for update", [ids]);
      const giveUpAt = performance.now() + DEADLOCK_WAIT_MS;
      while ((await sql.query(IS_WAITED_FOR)).length === 0 && performance.now() < giveUpAt) await sleep(15);
      await sql.query("select from reminder_jobs where id = any($1) order by id for update", [ids]);
    })
    .catch((error: unknown) => {
      if (!(error instanceof pg.DatabaseError) || error.code !== DEADLOCK_SQLSTATE) throw error;
    });
  return "database";
}

/** Somebody edits rows by hand and takes his time about the commit. */
async function holdLocks(database: Database, ms: number): Promise<string> {
  await database.transaction(async (sql) => {
    await sql.query(
      `select from reminder_jobs where status = 'ACTIVE' and next_run_at < reminder_now() + interval '2 seconds'
        order by random() limit 30 for update skip locked`,
    );
    await sleep(ms);
  });
  return "database";
}

/** Takes every connection there is, and makes sure that the workers need new ones. */
async function exhaustConnections(url: string, database: Database, ms: number): Promise<string> {
  const taken: pg.Client[] = [];
  const takeAll = async () => {
    for (;;) {
      const client = new pg.Client({ connectionString: url, application_name: "chaos hog" });
      client.on("error", () => {});
      if (
        !(await client.connect().then(
          () => true,
          () => false,
        ))
      )
        return;
      taken.push(client);
    }
  };
  try {
    await takeAll();
    await database.query(
      `select pg_terminate_backend(pid) from (select pid from pg_stat_activity where ${OURS}
        order by random() limit 12) as doomed`,
    );
    await takeAll();
    await sleep(ms);
  } finally {
    await Promise.allSettled(taken.map((client) => client.end()));
  }
  return "database";
}

/** The saboteur's own way in, which it doesn't break. */
export function openSaboteursDatabase(url: string): Database {
  return openDatabase({ url, poolSize: 4, applicationName: "chaos saboteur" });
}
