import type { FastifyBaseLogger } from "fastify";
import type { ApiDatabase } from "../../store/tenant-database.ts";
import { type ActorOf, knowActors } from "../actor.ts";
import type { Api } from "../context.ts";
import { refuseForeignPages } from "../foreign-pages.ts";
import { auditChanges } from "./audit.ts";
import { allowOrigins } from "./cross-origin.ts";
import { Gate } from "./gate.ts";
import { RateLimits } from "./rate-limits.ts";
import { reachOf } from "./reach.ts";
import { requireScope } from "./scopes.ts";
import type { AccessSettings } from "./settings.ts";

export interface Guarded {
  database: ApiDatabase;
  log: FastifyBaseLogger;
  settings: AccessSettings;
  /** Who asks, where that isn't told by keys and tokens. */
  actorOf: ActorOf | undefined;
}

/** All that stands between a request and its route, in the order in which it is asked. */
export function guard(api: Api, { database, log, settings, actorOf }: Guarded): void {
  const origins = new Set(settings.corsOrigins);
  const reach = reachOf(api);
  allowOrigins(api, origins);
  refuseForeignPages(api, { reach, origins });

  const limits = new RateLimits(settings.rates);
  knowActors(api, database, actorOf ?? gate(api, new Gate({ database, log, oidc: settings.oidc, reach })));
  api.addHook("onRequest", (request, reply, done) => {
    if (request.actor) {
      limits.count(request, reply);
      requireScope(request);
    }
    done();
  });
  auditChanges(api, database);
}

function gate(api: Api, gate: Gate): ActorOf {
  api.addHook("onClose", () => gate.close());
  return (request) => gate.admit(request);
}
