import type { FastifyRequest } from "fastify";
import { DEFAULT_TENANT, type Tenant } from "../core/tenant.ts";
import type { ApiDatabase, TenantDatabase } from "../store/tenant-database.ts";
import { SCOPES, type Scope } from "./access/scope.ts";
import { isOpen } from "./access/scopes.ts";
import type { Api } from "./context.ts";

/** Who asks. */
export interface Actor {
  tenant: Tenant;
  /** One and the same for all requests of one key, or of one bearer of tokens. */
  subject: string;
  /** For a person to read, in logs and in the audit. */
  name: string;
  scopes: ReadonlySet<Scope>;
  /** Requests per minute, where they aren't what the settings say. Null for who need not say who they are: they have none. */
  limits: { own: number | null; tenant: number | null } | null;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks. Known from the first hook on that is added after `knowActors`. */
    actor: Actor;
    /** What belongs to the actor's tenant. */
    readonly database: TenantDatabase;
  }
}

/** Finds out who asks. */
export type ActorOf = (request: FastifyRequest) => Actor | Promise<Actor>;

/**
 * Gives each request its actor, save for those that nobody has to say anything for, and the part of the database that is
 * the actor's. Routes have no other.
 */
export function knowActors(api: Api, database: ApiDatabase, actorOf: ActorOf): void {
  api.decorateRequest("actor");
  api.decorateRequest("database", {
    getter(this: FastifyRequest) {
      return database.forTenant(this.actor.tenant);
    },
  });
  api.addHook("onRequest", async (request) => {
    if (!isOpen(request)) request.actor = await actorOf(request);
  });
}

const ANYBODY: Actor = {
  tenant: DEFAULT_TENANT,
  subject: "anybody",
  name: "anybody",
  scopes: new Set(SCOPES),
  limits: null,
};

/** As long as there are no keys, anybody who reaches us is whom all belongs to. */
export function isAnybody(_request: FastifyRequest): Actor {
  return ANYBODY;
}
