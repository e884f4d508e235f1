import { hash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { Problem } from "./problem.ts";

const MAX_KEY_LENGTH = 255;

/** A request that is to be done once, however often it comes. */
export interface OnceOnly {
  key: string;
  /** Differs for requests that ask for different things. */
  fingerprint: string;
}

/** As the IETF's draft writes a key, a string of RFC 8941: printable ASCII in double quotes. */
const QUOTED = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;
/** As Stripe and others write it, without quotes. Commas are left out: several headers in one would look like that. */
const BARE = /^[\x21\x23-\x2b\x2d-\x7e]+$/;

/** Throws 400 where the header is no key; null where it is missing. The body must have been read, and not yet be checked. */
export function readOnceOnly(request: FastifyRequest): OnceOnly | null {
  const header = request.headers["idempotency-key"];
  if (header === undefined) return null;
  return { key: ownKey(request, parse(String(header).trim())), fingerprint: fingerprintOf(request) };
}

function parse(header: string): string {
  const key = QUOTED.exec(header)?.[1]?.replaceAll(/\\(["\\])/g, "$1") ?? (BARE.test(header) ? header : "");
  if (key.length >= 1 && key.length <= MAX_KEY_LENGTH) return key;
  throw new Problem(
    400,
    `Idempotency-Key must be one text of 1 to ${MAX_KEY_LENGTH} printable ASCII characters, like a UUID; in double quotes if ` +
      "it holds spaces or commas",
  );
}

/** Who may do nothing but tell what it has come to tell, as a source of events, takes up none of the keys of its tenant's programs. */
function ownKey({ actor }: FastifyRequest, key: string): string {
  return actor.scopes.size > 0 ? key : hash("sha256", `${actor.subject}\n${key}`, "base64url");
}

/**
 * Of the body as JSON, so that white space says nothing; no body is the same as an empty object. What was answered to somebody is
 * answered again only to who may do as much.
 */
function fingerprintOf({ method, url, body, bytes, actor }: FastifyRequest): string {
  const query = url.indexOf("?");
  const path = (query === -1 ? url : url.slice(0, query)).replace(/\/$/, "");
  const said = body === undefined && bytes ? hash("sha256", bytes, "base64url") : JSON.stringify(body ?? {});
  const may = [...actor.scopes].sort().join(" ");
  return hash("sha256", `${method} ${path}${query === -1 ? "?" : url.slice(query)}\n${may}\n${said}`, "base64url");
}
