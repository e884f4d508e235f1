import type { FastifyRequest } from "fastify";
import type { Reach } from "./access/reach.ts";
import { isByLink } from "./access/scopes.ts";
import type { Api } from "./context.ts";
import { Problem } from "./problem.ts";

const READING = new Set(["GET", "HEAD", "OPTIONS"]);
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d*)?$/i;

/**
 * Keeps web pages of other sites from changing something here through their readers' browsers, which may reach what the
 * page's author can't. Programs that are no browsers send neither `Sec-Fetch-Site` nor `Origin`, and notice nothing.
 *
 * While we listen on loopback only, where perhaps nobody needs a key, names that aren't of this machine are refused altogether: a
 * page can point a name of its own to 127.0.0.1 (DNS rebinding), and to the browser we are then a part of its site. So is what a
 * page of another site only reads: its browser shows it nothing of our answer anyway, and who clicks on a link sends no `Origin`.
 *
 * Pages of `origins` may do what our own may. What is reached by the link in a message is reached under whatever name people have for it,
 * and takes the link: no other page knows that.
 */
export function refuseForeignPages(api: Api, { reach, origins }: { reach: Reach; origins: ReadonlySet<string> }): void {
  api.addHook("onRequest", (request, _reply, done) => {
    if (isByLink(request)) return done();
    if (reach() === "loopback" && isForeignName(request.headers.host)) {
      const detail = "this listens on loopback only, under localhost or 127.0.0.1: send one of these as Host";
      return done(new Problem(403, detail));
    }
    const { method, headers } = request;
    if (origins.has(headers.origin ?? "")) return done();
    if (!READING.has(method) && (headers["sec-fetch-site"] === "cross-site" || hasForeignOrigin(request))) {
      return done(new Problem(403, "web pages of other sites can't change anything here"));
    }
    const isRefused = reach() === "loopback" && hasForeignOrigin(request);
    done(
      isRefused
        ? new Problem(403, "this listens on loopback only, and web pages of other sites can't use it")
        : undefined,
    );
  });
}

function isForeignName(host: string | undefined): boolean {
  return host !== undefined && !LOOPBACK_HOST.test(host);
}

function hasForeignOrigin({ headers }: FastifyRequest): boolean {
  if (headers.origin === undefined) return false;
  // "null" is what a browser says for pages that it trusts with nothing.
  const origin = parse(headers.origin);
  return origin === null || origin.host !== parse(`${origin.protocol}//${headers.host}`)?.host;
}

function parse(url: string): URL | null {
  return URL.canParse(url) ? new URL(url) : null;
}
