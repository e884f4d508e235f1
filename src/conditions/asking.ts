/** HTTP to addresses that users give, behind the guard: see `http_check`. */
export type { GuardedHttp } from "../outgoing/guarded-http.ts";

/** The queries of the operator's configuration: see `sql_check`. */
// biome-ignore lint/suspicious/noEmptyInterface: whoever brings the first kind that needs it says what it can do.
export interface SqlQueries {}
