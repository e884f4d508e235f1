import type { FastifyReply, FastifyRequest } from "fastify";
import { isSameEdit, tagged } from "./etag.ts";
import { Problem } from "./problem.ts";

interface Tag {
  /** With its quotes. */
  opaque: string;
  isWeak: boolean;
}
type Tags = "*" | readonly Tag[];

/** What a request makes itself depend on (RFC 9110 §13.1.1 and §13.1.2); null: on nothing. */
export interface Conditions {
  ifMatch: Tags | null;
  ifNoneMatch: Tags | null;
}

/** Throws 400 where a header is not as RFC 9110 has it. */
export function conditionsOf({ headers }: FastifyRequest): Conditions {
  return {
    ifMatch: parse("If-Match", headers["if-match"]),
    ifNoneMatch: parse("If-None-Match", headers["if-none-match"]),
  };
}

/** True for those of a request that depends on nothing. */
export function isUnconditional({ ifMatch, ifNoneMatch }: Conditions): boolean {
  return ifMatch === null && ifNoneMatch === null;
}

/** One entity tag or none, up to the next comma or the end; tags may hold commas. */
// Spaces may match in one way only: else a header of nothing but spaces takes time that grows with their square.
const ELEMENT = /[ \t]*(?:(W\/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|$)/y;

function parse(name: string, header: string | undefined): Tags | null {
  if (header === undefined) return null;
  if (header.trim() === "*") return "*";
  const tags: Tag[] = [];
  ELEMENT.lastIndex = 0;
  while (ELEMENT.lastIndex < header.length) {
    const [element, weak, opaque] = ELEMENT.exec(header) ?? [];
    if (element === undefined) throw malformed(name);
    if (opaque !== undefined) tags.push({ opaque, isWeak: weak !== undefined });
  }
  if (tags.length === 0) throw malformed(name);
  return tags;
}

function malformed(name: string): Problem {
  return new Problem(
    400,
    `${name} must be * or entity tags in double quotes, as the header ETag of an answer gives them`,
  );
}

/**
 * Throws 412 unless a thing may be changed under these conditions. `etag` is its tag at this moment, under its lock; null
 * where there is none. `isDone` says that it is already as the request would make it: most likely its first try got through
 * and the answer was lost, so that an If-Match which that very try made stale is nothing to refuse it for (RFC 9110
 * §13.1.1 allows that).
 *
 * An If-Match is met by any tag since which nobody has changed the thing, though it may have fired since: its purpose is
 * that no edit is lost, and firing loses none.
 */
export function mustPermit(
  { ifMatch, ifNoneMatch }: Conditions,
  etag: string | null,
  { isDone = false }: { isDone?: boolean } = {},
): void {
  if (
    ifMatch !== null &&
    !isDone &&
    !matches(ifMatch, etag, (tag) => !tag.isWeak && isSameEdit(tag.opaque, etag ?? ""))
  ) {
    throw new Problem(
      412,
      "somebody has changed it since (or it isn't there): read it again, and send If-Match with its ETag",
    );
  }
  if (ifNoneMatch !== null && matches(ifNoneMatch, etag, ({ opaque }) => opaque === etag)) {
    throw new Problem(412, "it is there already, in a state that If-None-Match excludes");
  }
}

function matches(tags: Tags, etag: string | null, isIt: (tag: Tag) => boolean): boolean {
  return etag !== null && (tags === "*" || tags.some(isIt));
}

/** The answer to a GET, with its tag; or 304 and nothing, to whoever has this very state already. */
export function unlessKnown<T extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  tagOf: (json: T) => string,
  json: T,
): T {
  const { ifNoneMatch } = conditionsOf(request);
  const answer = tagged(reply, tagOf, json);
  if (ifNoneMatch === null || !matches(ifNoneMatch, "", ({ opaque }) => opaque === reply.getHeader("etag")))
    return answer;
  reply.code(304).send();
  return reply as never;
}
