import pg from "pg";
import type { Instant } from "../core/reminder.ts";

export type Row = Record<string, unknown>;

/** Something that runs SQL: the pool, or one transaction. */
export interface Sql {
  query<R extends Row = Row>(text: string, params?: readonly unknown[]): Promise<R[]>;
}

export interface Database extends Sql {
  /** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * Calls `heard` with the payload of each NOTIFY on `channel`, on a connection of its own that is opened anew whenever
   * it breaks. What was said while it was broken is lost, so callers poll as well; `heard("")` is called after each
   * (re)connection for that reason. Returns a function that stops listening.
   */
  listen(channel: string, heard: (payload: string) => void): () => Promise<void>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  url: string;
  /** Connections at most. */
  poolSize?: number;
  applicationName?: string;
}

/** How long a query may take before its connection is given up as dead: bounds a cut network, in milliseconds. */
const QUERY_TIMEOUT_MS = 20_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A transaction whose worker stopped in the middle gives its row locks back after this long. */
const BEGIN = "begin; set local idle_in_transaction_session_timeout = '10s'; set local statement_timeout = '15s'";
const LISTEN_RETRY_MS = 1_000;
const LISTEN_PROBE_MS = 10_000;

export function openDatabase({ url, poolSize = 10, applicationName = "reminder-engine" }: DatabaseOptions): Database {
  const connection = {
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
    // What is asked together travels together, instead of waiting for one answer after the other.
    pipeline: true,
    types: { getTypeParser },
  };
  const pool = new pg.Pool({ ...connection, max: poolSize, idleTimeoutMillis: 30_000 });
  // An idle connection that breaks is no event: the pool opens another when one is needed.
  pool.on("error", () => {});

  return {
    query: (text, params) => run(pool, text, params),
    transaction: (work) => inTransaction(pool, work),
    listen: (channel, heard) => listen(connection, channel, heard),
    close: () => pool.end(),
  };
}

async function run<R extends Row>(
  client: pg.Pool | pg.PoolClient,
  text: string,
  params: readonly unknown[] = [],
): Promise<R[]> {
  const result = await client.query<R>(text, params as unknown[]);
  return result.rows;
}

async function inTransaction<T>(pool: pg.Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // A connection that breaks between two queries must not end the process; the next query reports it.
  client.on("error", ignore);
  let broken = false;
  try {
    // The first query travels together with `begin`; no answer is given out unless that went well.
    const begun = client.query(BEGIN);
    begun.catch(ignore);
    const sql: Sql = {
      query: async (text, params) => {
        const [, rows] = await Promise.all([begun, run(client, text, params)]);
        return rows as never;
      },
    };
    const result = await work(sql);
    await begun;
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.off("error", ignore);
    client.release(broken);
  }
}

function ignore(): void {}

function listen(connection: pg.ClientConfig, channel: string, heard: (payload: string) => void): () => Promise<void> {
  let stopped = false;
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;

  const reconnect = (broken: pg.Client): void => {
    if (client !== broken) return;
    client = null;
    if (timer) clearTimeout(timer);
    broken.end().catch(ignore);
    if (!stopped) timer = setTimeout(connect, LISTEN_RETRY_MS);
  };
  // A half-open connection never reports an error by itself, so it is asked now and then.
  const probe = (listening: pg.Client): void => {
    timer = setTimeout(() => {
      listening.query("select 1").then(
        () => client === listening && probe(listening),
        () => reconnect(listening),
      );
    }, LISTEN_PROBE_MS);
  };
  const connect = (): void => {
    const fresh = new pg.Client(connection);
    client = fresh;
    fresh.on("error", () => reconnect(fresh));
    fresh.on("end", () => reconnect(fresh));
    fresh.on("notification", (notification) => heard(notification.payload ?? ""));
    fresh
      .connect()
      .then(() => fresh.query(`listen ${pg.escapeIdentifier(channel)}`))
      .then(
        () => {
          heard("");
          probe(fresh);
        },
        () => reconnect(fresh),
      );
  };

  connect();
  return async () => {
    stopped = true;
    if (timer) clearTimeout(timer);
    const last = client;
    client = null;
    await last?.end().catch(ignore);
  };
}

const INT8 = 20;
const TIMESTAMPTZ = 1184;

/** Instants come as milliseconds since the epoch, 64-bit ids as numbers (exact below 2^53). */
function getTypeParser(oid: number, format?: "text" | "binary"): (text: string) => unknown {
  if (oid === INT8) return Number;
  if (oid === TIMESTAMPTZ) return parseInstant;
  return pg.types.getTypeParser(oid, format as "text");
}

const parseTimestamptz = pg.types.getTypeParser(TIMESTAMPTZ, "text") as (text: string) => Date;

function parseInstant(text: string): Instant {
  // The usual case, a session in UTC, is ISO 8601 but for two characters, and `Date.parse` reads that much faster.
  if (text.endsWith("+00") && text.length <= LONGEST_UTC)
    return Date.parse(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`);
  return parseTimestamptz(text).getTime();
}

const LONGEST_UTC = "2026-01-01 00:00:00.000000+00".length;

/** An instant as a query parameter. */
export function toTimestamptz(instant: Instant): string {
  return new Date(instant).toISOString();
}

/** SQLSTATE classes and codes that say "not now" rather than "not so". */
const TRANSIENT_SQLSTATE = /^(08|53|57P0|58|40001|40P01|55P03|57014|25P03|XX000)/;
const TRANSIENT_NETWORK =
  /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)|terminated|timeout|Connection ended/i;

/** True for errors that pass by themselves: the database is away, restarting, full, overloaded, or cut a tie. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.some(isDatabaseAway);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (error instanceof pg.DatabaseError) return TRANSIENT_SQLSTATE.test(code);
  return TRANSIENT_NETWORK.test(code) || TRANSIENT_NETWORK.test(error.message);
}
