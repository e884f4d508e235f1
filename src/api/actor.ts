import type { FastifyRequest } from "fastify";
import { DEFAULT_TENANT, type Tenant } from "../core/tenant.ts";
import type { ApiDatabase, TenantDatabase } from "../store/tenant-database.ts";
import type { Api } from "./context.ts";

/** What an actor may do. */
export const SCOPES = [
  "reminders:read",
  "reminders:write",
  "flags:read",
  "flags:write",
  "contacts:read",
  "contacts:write",
] as const;
export type Scope = (typeof SCOPES)[number];

/** Who asks. */
export interface Actor {
  tenant: Tenant;
  /** For a person to read, in logs and in the audit. */
  name: string;
  scopes: ReadonlySet<Scope>;
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
export type ActorOf = (request: FastifyRequest) => Actor;

/** Gives each request its actor, and the part of the database that is the actor's. Routes have no other. */
export function knowActors(api: Api, database: ApiDatabase, actorOf: ActorOf): void {
  api.decorateRequest("actor");
  api.decorateRequest("database", {
    getter(this: FastifyRequest) {
      return database.forTenant(this.actor.tenant);
    },
  });
  api.addHook("onRequest", (request, _reply, done) => {
    request.actor = actorOf(request);
    done();
  });
}

const ANYBODY: Actor = { tenant: DEFAULT_TENANT, name: "anybody", scopes: new Set(SCOPES) };

/** As long as there are no keys, anybody who reaches us is whom all belongs to. */
export const isAnybody: ActorOf = () => ANYBODY;
