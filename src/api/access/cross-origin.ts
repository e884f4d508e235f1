import type { Api } from "../context.ts";

/** What a page of another site may read of an answer, beside its body. */
const EXPOSED =
  "ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate";
const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
const HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match";
const PREFLIGHT_SECONDS = "600";

/**
 * Lets pages of these origins use the API from a browser, with a key of their own: there are no cookies that a browser would
 * send by itself. Others are told nothing, and their browsers then keep our answers from them.
 */
export function allowOrigins(api: Api, origins: ReadonlySet<string>): void {
  if (origins.size === 0) return;
  api.addHook("onRequest", (request, reply, done) => {
    reply.header("vary", "Origin");
    const { origin } = request.headers;
    if (origin === undefined || !origins.has(origin)) return done();
    reply.headers({ "access-control-allow-origin": origin, "access-control-expose-headers": EXPOSED });
    if (request.method !== "OPTIONS" || request.headers["access-control-request-method"] === undefined) return done();
    reply
      .code(204)
      .headers({
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": HEADERS,
        "access-control-max-age": PREFLIGHT_SECONDS,
      })
      .send();
  });
}
