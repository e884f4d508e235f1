import type { FastifyRequest } from "fastify";
import type { Scope } from "../actor.ts";
import type { Api } from "../context.ts";
import { insufficientScope } from "./challenge.ts";

/** What a route asks of whoever calls it: a scope, or nothing at all. */
export type Access = Scope | "open";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Who may call it. Every route says so; without it the server isn't built. */
    access?: Access;
  }
}

/** The name of the security scheme in the OpenAPI document. */
export const SECURITY_SCHEME = "bearer";

/** Pages for people that a plugin serves, and that tell nothing about anybody's reminders. */
const PAGES = /^\/docs(\/|$)/;

/** Insists that each route says who may call it, and writes that into its description. Call it before the routes are added. */
export function declareAccess(api: Api): void {
  api.addHook("onRoute", (route) => {
    const access = route.config?.access ?? (PAGES.test(route.url) ? "open" : undefined);
    if (access === undefined)
      throw new Error(`${route.method} ${route.url} doesn't say who may call it (config.access)`);
    route.config = { ...route.config, access };
    if (route.schema && access !== "open") Object.assign(route.schema, { security: [{ [SECURITY_SCHEME]: [access] }] });
  });
}

/** True where nobody has to say who they are. Where there is no route, there is nothing to protect. */
export function isOpen({ routeOptions, is404 }: FastifyRequest): boolean {
  return is404 || routeOptions.config.access === "open";
}

/** Throws 403 unless whoever asks may call this route. */
export function requireScope({ routeOptions, actor }: FastifyRequest): void {
  const { access } = routeOptions.config;
  if (access === undefined || access === "open" || actor.scopes.has(access)) return;
  throw insufficientScope(access);
}
