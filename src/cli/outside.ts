import { OriginSecrets } from "../engine/asking/origin-secrets.ts";
import type { Outside } from "../engine/asking/outside.ts";
import { guardedHttp } from "../outgoing/guarded-http.ts";
import type { Keyring } from "../secrets/keyring.ts";
import type { NamedQueries } from "../store/sql-queries.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import type { Service } from "./run.ts";
import { openQueries } from "./sql-checks.ts";

/** What a worker's stop conditions ask with. */
export function openOutside(
  service: Service,
  { database, keyring, named }: { database: WorkerDatabase; keyring: Keyring; named: NamedQueries },
): Outside {
  const { config, opened } = service;
  const http = guardedHttp(config.outgoing);
  opened.add("connections to URLs of users", async () => http.close());
  const secrets = new OriginSecrets(database, keyring);
  return {
    http,
    queries: openQueries(service, named),
    secret: (tenantId, name, origin) => secrets.of(tenantId, name, origin),
  };
}
