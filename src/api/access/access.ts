import type { FastifyBaseLogger } from "fastify";
import type { Keyring } from "../../secrets/keyring.ts";
import type { ApiDatabase } from "../../store/tenant-database.ts";
import { type ActorOf, knowActors } from "../actor.ts";
import type { Api, ApiContext } from "../context.ts";
import { refuseForeignPages } from "../foreign-pages.ts";
import { ProviderDoor } from "../inbound/door.ts";
import { auditChanges } from "./audit.ts";
import { allowOrigins } from "./cross-origin.ts";
import { Gate } from "./gate.ts";
import { RateLimits } from "./rate-limits.ts";
import { reachOf } from "./reach.ts";
import { isToBeSigned, isToldByProvider, requireScope } from "./scopes.ts";
import type { AccessSettings } from "./settings.ts";
import { SignedDoor } from "./signed-door.ts";

export interface Guarded {
  database: ApiDatabase;
  log: FastifyBaseLogger;
  settings: AccessSettings;
  http: ApiContext["http"];
  /** Where people reach this installation; null: nobody has said. */
  publicUrl: string | null;
  /** Opens the secrets that signatures are made with. */
  keyring: Keyring;
  /** Who asks, where that isn't told by keys and tokens. */
  actorOf: ActorOf | undefined;
}

/** All that stands between a request and its route, in the order in which it is asked. */
export function guard(api: Api, { database, log, settings, keyring, http, publicUrl, actorOf }: Guarded): void {
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
  const doors = {
    signed: new SignedDoor(database, keyring),
    provider: new ProviderDoor({ database, keyring, http, publicUrl }),
  };
  admitSigned(api, doors, limits);
  auditChanges(api, database);
}

/** A signature is over the body, so who has made it is only known once that has been read. */
function admitSigned(api: Api, doors: { signed: SignedDoor; provider: ProviderDoor }, limits: RateLimits): void {
  api.decorateRequest("bytes", null);
  api.decorateRequest("signed", null);
  api.decorateRequest("told", null);
  api.addHook("preValidation", async (request, reply) => {
    if (request.is404 || !isToBeSigned(request)) return;
    const door = isToldByProvider(request) ? doors.provider : doors.signed;
    request.actor = await door.admit(request);
    limits.count(request, reply);
  });
}

function gate(api: Api, gate: Gate): ActorOf {
  api.addHook("onClose", () => gate.close());
  return (request) => gate.admit(request);
}
