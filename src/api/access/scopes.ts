import type { FastifyRequest } from "fastify";
import type { Api } from "../context.ts";
import { insufficientScope } from "./challenge.ts";
import type { Scope } from "./scope.ts";

/**
 * What a route asks of whoever calls it: a scope, a signature over what is sent, what a mail provider proves itself with, the
 * link in a message, a signature of Slack's, or nothing at all.
 */
export type Access = Scope | "signature" | "provider" | "link" | "slack" | "open";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Who may call it. Every route says so; without it the server isn't built. */
    access?: Access;
    /** True where a whole mail may be its body. */
    takesMail?: boolean;
    /** True where it changes nothing, though it may be a POST because it takes a body. */
    changesNothing?: boolean;
  }
}

/** The name of the security scheme in the OpenAPI document. */
export const SECURITY_SCHEME = "bearer";
/** The same for what is signed, and for what mail providers tell. */
export const SIGNATURE_SCHEME = "signature";
export const PROVIDER_SCHEME = "provider";

/** Pages for people that a plugin serves, and that tell nothing about anybody's reminders. */
const PAGES = /^\/docs(\/|$)/;

/** Insists that each route says who may call it, and writes that into its description. Call it before the routes are added. */
export function declareAccess(api: Api): void {
  api.addHook("onRoute", (route) => {
    const access = route.config?.access ?? (PAGES.test(route.url) ? "open" : undefined);
    if (access === undefined)
      throw new Error(`${route.method} ${route.url} doesn't say who may call it (config.access)`);
    route.config = { ...route.config, access };
    if (route.schema && access !== "open" && access !== "link" && access !== "slack")
      Object.assign(route.schema, { security: [schemeOf(access)] });
  });
}

function schemeOf(access: Exclude<Access, "open" | "link" | "slack">): Record<string, string[]> {
  if (access === "provider") return { [PROVIDER_SCHEME]: [] };
  return access === "signature" ? { [SIGNATURE_SCHEME]: [] } : { [SECURITY_SCHEME]: [access] };
}

/**
 * True where nobody has to say by a key who they are: nobody at all, or by a signature, which is looked at once there is a body.
 * Where there is no route, there is nothing to protect.
 */
export function isOpen(request: FastifyRequest): boolean {
  return request.is404 || request.routeOptions.config.access === "open" || isByLink(request) || isToBeSigned(request);
}

/** True where what is pressed in a message says who asks, and what for: its link, or its button in Slack. The route looks at it. */
export function isByLink({ routeOptions }: Pick<FastifyRequest, "routeOptions">): boolean {
  return routeOptions.config?.access === "link" || routeOptions.config?.access === "slack";
}

/** True where what is sent says who asks. */
export function isToBeSigned({ routeOptions }: Pick<FastifyRequest, "routeOptions">): boolean {
  return routeOptions.config?.access === "signature" || isToldByProvider({ routeOptions });
}

/** True where a mail provider asks. */
export function isToldByProvider({ routeOptions }: Pick<FastifyRequest, "routeOptions">): boolean {
  return routeOptions.config?.access === "provider";
}

/** Throws 403 unless whoever asks may call this route. */
export function requireScope({ routeOptions, actor }: FastifyRequest): void {
  const { access } = routeOptions.config;
  if (
    access === undefined ||
    access === "open" ||
    access === "link" ||
    access === "slack" ||
    access === "signature" ||
    access === "provider" ||
    actor.scopes.has(access)
  )
    return;
  throw insufficientScope(access);
}
