/** HTTP to addresses that users give, behind the guard: see `http_check`. */
export type { GuardedHttp } from "../outgoing/guarded-http.ts";

/** The queries of the operator's configuration: see `sql_check`. */
export interface SqlQueries {
  /**
   * The first column of the first row that the query finds; undefined without a row. Or why nobody can say, to go on from the
   * query's name. `parameter` tells the value of one of its parameters, and may throw.
   */
  ask(name: string, question: SqlQuestion): Promise<{ value: unknown } | { cannot: string }>;
}

export interface SqlQuestion {
  tenantId: string;
  parameter(name: string): string | number | boolean;
  signal: AbortSignal;
}
