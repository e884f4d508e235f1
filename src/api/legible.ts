import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import { sendFrameworkProblem } from "./errors.ts";
import { Problem } from "./problem.ts";

/** Refuses what would otherwise be guessed at, or be refused by Node without a word. */
export function refuseIllegible(api: FastifyInstance): void {
  api.addHook("onRequest", ({ raw, headers, url }, _reply, done) => {
    done(whyIllegible(raw, headers, url));
  });
  api.server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    response.setHeader("connection", "close");
    const problem = new Problem(417, "no expectation but 100-continue can be met: leave out the header Expect");
    sendFrameworkProblem(problem, request, { raw: response });
  });
}

/**
 * Where these come twice, Node takes the first without a word, and a proxy may have judged by the last. RFC 9112 §3.2
 * demands the refusal for Host; RFC 9110 §5.3 allows only one of the others.
 */
const ONLY_ONCE = ["host", "authorization"];
/** Whoever is between us and such a client may read on in another place than we do. */
const ENDS = { headers: { connection: "close" } };

function whyIllegible(
  { httpVersion, headersDistinct, url: target = "" }: IncomingMessage,
  headers: IncomingMessage["headers"],
  url: string,
): Problem | undefined {
  if (headers.host === undefined && httpVersion === "1.1") {
    return new Problem(400, "send the header Host, as HTTP/1.1 demands", ENDS);
  }
  const twice = ONLY_ONCE.find((name) => (headersDistinct?.[name]?.length ?? 0) > 1);
  if (twice !== undefined) return new Problem(400, `send the header ${twice} once`, ENDS);
  if (!isOfHost(target, headers.host)) return new Problem(400, "send the same host in the address and as Host", ENDS);
  if (!isWellEncoded(url)) return new Problem(400, "the address is not properly percent-encoded UTF-8");
  // Node looks at the last coding alone, and takes what is in it for the body.
  if ((headers["transfer-encoding"] ?? "chunked").trim().toLowerCase() !== "chunked") {
    return new Problem(400, "send the body as it is, or in chunks: no other Transfer-Encoding is read here", ENDS);
  }
  // RFC 9112 §6.1: where it ends is doubtful, as who speaks HTTP/1.0 alone knows no codings.
  if (httpVersion === "1.0" && headers["transfer-encoding"] !== undefined) {
    return new Problem(400, "send chunks by HTTP/1.1 only", ENDS);
  }
  const encoding = headers["content-encoding"];
  if (encoding === undefined || encoding.toLowerCase() === "identity") return undefined;
  return new Problem(415, "send the body as it is, without Content-Encoding", {
    headers: { "accept-encoding": "identity" },
  });
}

/** A whole URL instead of a path outranks Host (RFC 9112 §3.2.2), so that one of the two would be judged and the other be meant. */
function isOfHost(target: string, host: string | undefined): boolean {
  const [, named] = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?([^/?#]*)/i.exec(target) ?? [];
  return named === undefined || named.toLowerCase() === host?.toLowerCase();
}

/** Left to themselves, parsers of query strings put U+FFFD in place of what they can't decode. */
function isWellEncoded(url: string): boolean {
  try {
    decodeURIComponent(url);
    return true;
  } catch {
    return false;
  }
}
