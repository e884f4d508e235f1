import pg from "pg";
import { arrayLiteral } from "./array-literal.ts";
import { isConnectionLost, isInAborted } from "./failures.ts";
import { assume, type Identity } from "./identity.ts";
import { getTypeParser } from "./instants.ts";
import { listen } from "./listen.ts";
import { isStalePlan, learnDirect, mayPrepare, nameOf } from "./prepared.ts";

export {
  isContended,
  isDatabaseAway,
  isFaultOfRows,
  isFaultOfStatement,
  isHeldElsewhere,
  isLockTimeout,
  isLoginRefused,
  isTimedOut,
} from "./failures.ts";
export { toTimestamptz } from "./instants.ts";
export { isStalePlan } from "./prepared.ts";

export type Row = Record<string, unknown>;

/** Something that runs SQL: the pool, or one transaction. */
export interface Sql {
  query<R extends Row = Row>(text: string, params?: readonly unknown[], how?: How): Promise<R[]>;
}

export interface How {
  /** True: the statement is prepared on its connection, whatever its session does. The server keeps each wording, so there may be few of them. */
  plansOnce?: boolean;
}

/** Something that runs SQL, in as many transactions as it is asked to. */
export interface Session extends Sql {
  /**
   * Runs `work` in one transaction: committed when it returns, rolled back when it throws. Queries that `work` begins
   * together travel together.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>, limits?: Limits): Promise<T>;
}

/** What runs without `as` runs as the role that logged in. */
export interface Database extends Session {
  /** The same connections, with each transaction run as `identity`, and its statements planned as `planning` says. */
  as(identity: Identity, planning?: Planning): Session;
  /** Runs a statement that may not stand in a transaction, like `create database` or `vacuum`; it has no time limit. */
  runAlone(text: string): Promise<void>;
  /** See `listen`. */
  listen(channel: string, heard: (payload: string) => void): () => Promise<void>;
  close(): Promise<void>;
}

export interface Limits {
  /** How long one statement may take, in milliseconds; the default bounds everything but migrations. */
  statementMs?: number;
}

/**
 * `by_index`: for whoever takes a few rows out of many, whatever the table's statistics say. Right after a mass insert, and in
 * a partition begun this morning, they say that it is empty, and the planner would read and sort the whole of it each time.
 * Whatever they say, its plans are the same, so each connection plans a statement once (see `prepared.ts`). Where it joins a few keys to
 * a large table, the first column is compared by `= any (array[key])`: by `=`, to go through a whole index in its order would be a way as
 * well, and the best one as long as there is next to nothing in it (docs/decisions/0032).
 */
export type Planning = "by_statistics" | "by_index";

const BY_INDEX =
  "; set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off" +
  "; set local jit = off; set local plan_cache_mode = force_generic_plan";

export interface DatabaseOptions {
  url: string;
  /** Connections at most, not counting those that listen. */
  poolSize?: number;
  applicationName?: string;
}

// Together with a sleep before, well under the 20 s in which work is resumed: a cut network shows by nothing but silence.
const STATEMENT_MS = 8_000;
/** The server gives up a statement by itself; only where it can't be heard any more do we, this much later. */
const SILENCE_MS = 2_000;
const CONNECT_MS = 5_000;
const NO_LIMIT_MS = 2 ** 31 - 1;

export function openDatabase({ url, poolSize = 10, applicationName = "reminder-engine" }: DatabaseOptions): Database {
  const connection: pg.PoolConfig = {
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: STATEMENT_MS + SILENCE_MS,
    keepAlive: true,
    // What is asked together travels together, instead of waiting for one answer after the other.
    pipeline: true,
    types: { getTypeParser },
  };
  const pool = new pg.Pool({ ...connection, max: poolSize, idleTimeoutMillis: 30_000 });
  // A connection that breaks must not end the process: an idle one is replaced when one is needed, and for any other the
  // next query reports it. Listening from the start: it may break before whoever asked for it gets it.
  pool.on("error", ignore);
  pool.on("connect", (client) => {
    client.on("error", ignore);
    learnDirect(client);
  });

  const session = (manner: Manner): Session => ({
    query: <R extends Row>(text: string, params?: readonly unknown[], how?: How) =>
      queryAlone(pool, manner, text, params, how) as Promise<R[]>,
    transaction: (work, limits) => inTransaction(pool, manner, work, limits),
  });
  return {
    ...session({ identity: "", plansOnce: false }),
    as: (identity, planning = "by_statistics") => {
      const plansOnce = planning === "by_index";
      return session({ identity: `; ${assume(identity)}${plansOnce ? BY_INDEX : ""}`, plansOnce });
    },
    runAlone: async (text) => {
      await pool.query({ text, query_timeout: NO_LIMIT_MS } as pg.QueryConfig);
    },
    listen: (channel, heard) => listen(connection, channel, heard),
    close: () => pool.end(),
  };
}

// Every transaction states what it relies on, since behind a pooler there is no session to state it once: that who waited for
// a lock sees what its holder has committed, limits, and forms of instants that don't depend on the settings of the database or its user. Locks of a worker that stopped in the
// middle are given back by the idle limit. So are who it is and how it is planned: `identity` is empty, or begins with a semicolon.
interface Manner {
  identity: string;
  plansOnce: boolean;
}

const begin = (statementMs: number, { identity }: Manner): string =>
  `begin isolation level read committed; set local statement_timeout = ${statementMs}; set local idle_in_transaction_session_timeout = '10s'; ` +
  `set local datestyle = 'ISO'; set local timezone = 'UTC'${identity}`;

async function inTransaction<T>(
  pool: pg.Pool,
  manner: Manner,
  work: (sql: Sql) => Promise<T>,
  limits: Limits = {},
): Promise<T> {
  return withClient(pool, manner, limits, async (run, statementMs) => {
    // The first query travels together with `begin`; no answer is given out unless that went well.
    const begun = run(begin(statementMs, manner));
    begun.catch(ignore);
    const result = await work({
      query: async (text, params, how) => {
        const [, rows] = await Promise.all([begun, run(text, params, how)]);
        return rows as never;
      },
    });
    await begun;
    await run("commit");
    return result;
  });
}

/** One statement, in a transaction for its limits' sake: a client that only goes away leaves the server waiting. */
async function queryAlone(
  pool: pg.Pool,
  manner: Manner,
  text: string,
  params: readonly unknown[] = [],
  how: How = {},
): Promise<Row[]> {
  return withClient(pool, manner, {}, async (run, statementMs) => {
    const steps = await Promise.allSettled([run(begin(statementMs, manner)), run(text, params, how), run("commit")]);
    for (const step of steps) if (step.status === "rejected") throw step.reason;
    return steps[1].status === "fulfilled" ? steps[1].value : [];
  });
}

type Run = (text: string, params?: readonly unknown[], how?: How) => Promise<Row[]>;

/** Lends a connection to `work`. When that fails, what it began is rolled back, or the connection is thrown away. */
async function withClient<T>(
  pool: pg.Pool,
  manner: Manner,
  { statementMs = STATEMENT_MS }: Limits,
  work: (run: Run, statementMs: number) => Promise<T>,
): Promise<T> {
  const client = await borrow(pool);
  const borrowedAtMs = performance.now();
  let cause: unknown = null;
  const run: Run = async (text, params = [], { plansOnce = manner.plansOnce } = {}) => {
    const name = plansOnce && params.length > 0 && mayPrepare(pool, client) ? nameOf(text) : undefined;
    const timeoutMs = Math.min(statementMs + SILENCE_MS, NO_LIMIT_MS);
    const query = { ...(name && { name }), text, values: params.map(asParameter), query_timeout: timeoutMs };
    try {
      return (await client.query<Row>(query)).rows;
    } catch (error) {
      // Of several that travel together, those behind the one that failed fail with it: it says why, whichever of them is heard first.
      if (isInAborted(error) && cause !== null) throw cause;
      cause = error;
      throw error;
    }
  };
  let broken = false;
  try {
    const result = await work(run, statementMs);
    heardAtMs.set(client, performance.now());
    return result;
  } catch (error) {
    broken = isConnectionLost(error) || isStalePlan(error, pool);
    if (isSilence(error)) silentSinceMs.set(pool, borrowedAtMs);
    if (!broken) {
      await run("rollback").catch(() => {
        broken = true;
      });
    }
    throw error;
  } finally {
    client.release(broken);
  }
}

function asParameter(value: unknown): unknown {
  return Array.isArray(value) ? (arrayLiteral(value) ?? value) : value;
}

/** When a connection last did its work, and since when a pool knows of one that went silent, by `performance.now()`. */
const heardAtMs = new WeakMap<pg.PoolClient, number>();
const silentSinceMs = new WeakMap<pg.Pool, number>();

/** A connection that isn't suspect: those that lay idle when another went silent were most likely cut with it. */
async function borrow(pool: pg.Pool): Promise<pg.PoolClient> {
  for (;;) {
    const client = await pool.connect();
    const isSuspect = (heardAtMs.get(client) ?? Number.POSITIVE_INFINITY) < (silentSinceMs.get(pool) ?? 0);
    if (!isSuspect) return client;
    client.release(true);
  }
}

/** pg's own sentence for a query that was never answered. */
function isSilence(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout";
}

function ignore(): void {}
