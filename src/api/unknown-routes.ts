import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import { notFound, Problem } from "./problem.ts";

/**
 * Answers what no route answers: 404, or 405 with `Allow` where the address is known but the method isn't, or, for
 * OPTIONS, what is allowed there. Call it before the routes are added, so that it knows them all.
 */
export function answerUnknownRoutes(api: FastifyInstance): void {
  const methodsByPath = new Map<string, { pattern: RegExp; methods: Set<HTTPMethods> }>();
  api.addHook("onRoute", ({ url, method }) => {
    const path = methodsByPath.get(url) ?? { pattern: toPattern(url), methods: new Set() };
    for (const name of [method].flat()) path.methods.add(name);
    methodsByPath.set(url, path);
  });

  const allowedAt = (url: string): string[] => {
    const [path = ""] = url.split("?", 1);
    const methods = [...methodsByPath.values()]
      .filter(({ pattern }) => pattern.test(path))
      .flatMap((at) => [...at.methods]);
    return methods.length > 0 ? [...new Set([...methods, "OPTIONS"])].sort() : [];
  };

  const answer = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const allowed = allowedAt(request.url);
    const allow = allowed.join(", ");
    // A route that looked for a file, say, and passed the request on because there is none.
    const isMissing = allow === "" || (allowed.includes(request.method) && request.method !== "OPTIONS");
    if (isMissing) throw notFound("there is nothing at this address; /docs shows what there is");
    if (request.method === "OPTIONS") return reply.code(204).header("allow", allow).send();
    throw new Problem(405, `${request.method} is not possible here; possible are: ${allow}`, { headers: { allow } });
  };
  // Before there is a body: nobody wants it, and whoever sent many, slowly, would have us keep them all.
  api.addHook("preParsing", async (request, reply, payload) => {
    if (request.is404 && request.method !== "OPTIONS") answer(request, reply);
    return payload;
  });
  api.setNotFoundHandler(answer);
}

function toPattern(url: string): RegExp {
  const path = url
    .replace(/\/$/, "")
    .replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&")
    .replaceAll(/:[^/]+/g, "[^/]+")
    .replaceAll("*", ".*");
  return new RegExp(`^${path}/?$`);
}
