import type { GuardedHttp, SqlQueries } from "../../conditions/asking.ts";
import { type Asking, CannotAsk } from "../../conditions/condition.ts";

/** What a worker asks outside with; made from the configuration, once. */
export interface Outside {
  http: GuardedHttp;
  queries: SqlQueries;
  /** A tenant's secret that was stored for this origin. Throws `CannotAsk` where there is none, and `NotNow` where it can't be read. */
  secret(tenantId: string, name: string, origin: string): Promise<string>;
}

/** The same for one question of one tenant. */
export function askingFor(outside: Outside | null, tenantId: string, signal: AbortSignal): Asking {
  const given = (): Outside => {
    if (outside === null) throw new CannotAsk("this worker asks nobody outside");
    return outside;
  };
  return {
    signal,
    get http() {
      return given().http;
    },
    get queries() {
      return given().queries;
    },
    secret: async (name, origin) => given().secret(tenantId, name, origin),
  };
}
