import pg from "pg";

/** A database of the operator's own that queries ask. */
export interface QueriedDatabase {
  url: string;
  maxConnections: number;
  timeoutSeconds: number;
}

/** A query that the operator has named. */
export interface NamedQuery {
  database: string;
  sql: string;
  /** What `$1`, `$2`, ... are, by name. */
  parameters: readonly string[];
  /** Who may use it; null: everybody. */
  tenants: readonly string[] | null;
}

export interface NamedQueries {
  databases: ReadonlyMap<string, QueriedDatabase>;
  queries: ReadonlyMap<string, NamedQuery>;
}

/** The query of this name, if the tenant may use it. Who may not learns no more than who has mistyped it. */
export function usableQuery({ queries }: NamedQueries, name: string, tenantId: string): NamedQuery | null {
  const query = queries.get(name);
  return query && (query.tenants === null || query.tenants.includes(tenantId)) ? query : null;
}

interface Question {
  tenantId: string;
  parameter(name: string): string | number | boolean;
  signal: AbortSignal;
}

const CONNECT_MS = 5_000;
const SILENCE_MS = 2_000;
const IDLE_MS = 30_000;
/** A row that says nothing is neither true nor false, nor is it no row. */
const NO_COLUMN = "";

/** Asks the operator's own databases, over connections that serve nothing else. */
export class SqlQueryRunner {
  readonly #named: NamedQueries;
  readonly #pools = new Map<string, pg.Pool>();
  readonly #failed: (error: unknown, query: string) => void;

  /** `failed` hears of what goes wrong, which isn't for those who use the queries. */
  constructor(named: NamedQueries, failed: (error: unknown, query: string) => void) {
    this.#named = named;
    this.#failed = failed;
    for (const [name, { url, maxConnections, timeoutSeconds }] of named.databases) {
      const pool = new pg.Pool({
        connectionString: url,
        application_name: "reminder-engine sql_check",
        max: maxConnections,
        connectionTimeoutMillis: CONNECT_MS,
        query_timeout: timeoutSeconds * 1_000 + SILENCE_MS,
        idleTimeoutMillis: IDLE_MS,
      });
      pool.on("error", () => {});
      pool.on("connect", (client) => client.on("error", () => {}));
      this.#pools.set(name, pool);
    }
  }

  /** See `SqlQueries`. */
  async ask(name: string, question: Question): Promise<{ value: unknown } | { cannot: string }> {
    const query = usableQuery(this.#named, name, question.tenantId);
    if (query === null) return { cannot: "is none that may be used here" };
    const values = query.parameters.map((parameter) => question.parameter(parameter));
    const { timeoutSeconds } = this.#named.databases.get(query.database) as QueriedDatabase;
    try {
      return { value: await this.#run(query, values, timeoutSeconds, question.signal) };
    } catch (error) {
      this.#failed(error, name);
      return { cannot: whyNot(error, timeoutSeconds) };
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.end()));
  }

  /** In a transaction that can't write; by a cursor, which only takes what reads, and of which one row is fetched. */
  async #run(query: NamedQuery, values: unknown[], timeoutSeconds: number, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted();
    const client = await (this.#pools.get(query.database) as pg.Pool).connect();
    let isBroken = true;
    const abort = (): void => void client.end().catch(() => {});
    signal.addEventListener("abort", abort, { once: true });
    try {
      await client.query(
        `set default_transaction_read_only = on; begin read only; set local statement_timeout = ${timeoutSeconds * 1_000}`,
      );
      await client.query({ text: `declare answer no scroll cursor for ${query.sql}`, values });
      const { rows } = await client.query({ text: "fetch 1 from answer", rowMode: "array" });
      await client.query("rollback");
      isBroken = false;
      const row = (rows as unknown[][])[0];
      return row?.length === 0 ? NO_COLUMN : row?.[0];
    } finally {
      signal.removeEventListener("abort", abort);
      // What failed may be in any state: another connection is cheap.
      client.release(isBroken);
    }
  }
}

/** In words that tell nothing of the operator's database but that. */
function whyNot(error: unknown, timeoutSeconds: number): string {
  const { code = "", message = "" } = error as { code?: string; message?: string };
  if (code === "57014" || /Query read timeout/.test(message)) return `did not answer within ${timeoutSeconds} s`;
  if (error instanceof pg.DatabaseError && !/^(08|28|3D|53|57P)/.test(code))
    return `was refused by its database (SQLSTATE ${code})`;
  return "can't reach its database";
}
